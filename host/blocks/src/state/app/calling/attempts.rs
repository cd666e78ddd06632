//! The attempts of a call, one after the other, as long as its policy and what it is allow another.

use super::{Access, AppStore, Write};
use crate::chain;
use crate::resiliency::{Attempts, Guard, Refused, Repeat, Retryable, Verdict};
use crate::state::{BulkError, ItemError, StateError};
use std::future::Future;
use tokio::time::Instant;

/// A call under a policy, and what the log calls it.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) app: &'a AppStore,
    pub(super) operation: &'static str,
    pub(super) guard: &'a Guard,
}

impl Asked<'_> {
    pub(super) async fn attempts<I: Clone, T, F>(
        self,
        access: Access,
        input: I,
        mut attempt: impl FnMut(I) -> F,
    ) -> Result<T, StateError>
    where
        F: Future<Output = Result<T, StateError>>,
    {
        let mut attempts = self.guard.attempts(self.app.deadline);
        let (mut input, mut is_in_doubt) = (Some(input), false);
        loop {
            // A large value is not copied for the last attempt.
            let input = match attempts.may_go_on() {
                true => input.clone(),
                false => input.take(),
            };
            let input = input.expect("only the last attempt takes it");
            let verdict = |done: &Result<T, StateError>| done.as_ref().map_or_else(verdict, |_| Verdict::Answered);
            let begun = Instant::now();
            let (error, was_begun) = match attempts.attempt(attempt(input), verdict).await {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(error)) => (error, true),
                Err(refused) => self.refused(&refused, begun, access),
            };
            let verdict = self::verdict(&error);
            is_in_doubt |= verdict == Verdict::Again(Retryable::OutcomeUnknown);
            if !was_begun || !attempts.allow(verdict, access.repeat()) || !attempts.wait().await {
                return Err(if is_in_doubt { in_doubt(error) } else { error });
            }
            let (store, operation, cause) = (&self.app.name, self.operation, chain(&error));
            tracing::info!(store, operation, cause, "a call to a state store is tried again");
        }
    }

    pub(super) async fn bulk_attempts<W: Write, F>(
        self,
        items: Vec<W>,
        mut write: impl FnMut(Vec<W>) -> F,
    ) -> Result<(), BulkError>
    where
        F: Future<Output = Result<(), BulkError>>,
    {
        let mut attempts = self.guard.attempts(self.app.deadline);
        let mut pending: Vec<_> = items.into_iter().enumerate().map(Pending::new).collect();
        let mut failed = Vec::new();
        // The error of the call, as long as none was of some items only.
        let mut of_all = None;
        let mut was_of_some = false;
        loop {
            let is_last = !attempts.may_go_on();
            let items = pending.iter_mut().map(|pending| pending.item(is_last)).collect();
            let begun = Instant::now();
            let (error, was_begun) = match attempts.attempt(write(items), bulk_verdict).await {
                Ok(Ok(())) => {
                    pending.clear();
                    break;
                }
                Ok(Err(error)) => (error, true),
                Err(refused) => {
                    let access = Access::Write(Repeat::IfNotDone);
                    let (error, was_begun) = self.refused(&refused, begun, access);
                    (error.into(), was_begun)
                }
            };
            match error {
                BulkError::Call(error) => {
                    pending
                        .iter_mut()
                        .for_each(|pending| pending.failed(without_cause(&error)));
                    of_all = Some(error);
                }
                BulkError::Items(errors) => {
                    pending = not_done(pending, errors);
                    was_of_some = true;
                }
            }
            let (next, given_up): (Vec<_>, _) = pending.into_iter().partition(|pending| pending.again(&attempts));
            failed.extend(given_up);
            pending = next;
            if !was_begun || pending.is_empty() || !attempts.wait().await {
                break;
            }
            let (store, operation, items) = (&self.app.name, self.operation, pending.len());
            tracing::info!(
                store,
                operation,
                items,
                "items of a call to a state store are tried again"
            );
        }
        failed.extend(pending);
        match of_all {
            _ if failed.is_empty() => Ok(()),
            Some(error) if !was_of_some => {
                let is_in_doubt = failed.iter().any(|failed| failed.is_in_doubt);
                Err(if is_in_doubt { in_doubt(error) } else { error }.into())
            }
            _ => {
                let mut failed: Vec<_> = failed.into_iter().filter_map(Pending::into_error).collect();
                failed.sort_by_key(|failed| failed.index);
                Err(BulkError::Items(failed))
            }
        }
    }
}

impl Asked<'_> {
    /// What there is of an attempt without an answer that began then, and whether the store was asked.
    fn refused(&self, refused: &Refused, begun: Instant, access: Access) -> (StateError, bool) {
        let reason = refused.to_string();
        match refused {
            Refused::TooSlow(_) => {
                self.app.store.unanswered(begun);
                (access.unanswered(reason), true)
            }
            _ => (StateError::Unavailable { reason, source: None }, false),
        }
    }
}

/// An item of a bulk write that is not done.
struct Pending<W> {
    index: usize,
    item: Option<W>,
    repeat: Repeat,
    is_in_doubt: bool,
    /// Why it was not done so far.
    error: Option<StateError>,
}

impl<W: Write> Pending<W> {
    fn new((index, item): (usize, W)) -> Self {
        Self {
            index,
            repeat: item.repeat(),
            item: Some(item),
            is_in_doubt: false,
            error: None,
        }
    }

    fn item(&mut self, is_last: bool) -> W {
        let item = if is_last { self.item.take() } else { self.item.clone() };
        item.expect("only the last attempt takes it")
    }

    fn failed(&mut self, error: StateError) {
        self.is_in_doubt |= matches!(error, StateError::OutcomeUnknown { .. });
        self.error = Some(error);
    }

    fn again(&self, attempts: &Attempts<'_>) -> bool {
        let error = self.error.as_ref();
        error.is_some_and(|error| attempts.allow(verdict(error), self.repeat))
    }

    fn into_error(self) -> Option<ItemError> {
        let error = self.error?;
        let error = if self.is_in_doubt { in_doubt(error) } else { error };
        let index = self.index;
        Some(ItemError { index, error })
    }
}

/// The items that failed, with why. Errors name them by their position.
fn not_done<W: Write>(pending: Vec<Pending<W>>, errors: Vec<ItemError>) -> Vec<Pending<W>> {
    let mut pending: Vec<_> = pending.into_iter().map(Some).collect();
    let failed = errors.into_iter().filter_map(|ItemError { index, error }| {
        let mut failed = pending.get_mut(index)?.take()?;
        failed.failed(error);
        Some(failed)
    });
    failed.collect()
}

fn verdict(error: &StateError) -> Verdict {
    match error {
        StateError::Unavailable { .. } => Verdict::Again(Retryable::Unavailable),
        StateError::Throttled => Verdict::Again(Retryable::Throttled),
        StateError::OutcomeUnknown { .. } => Verdict::Again(Retryable::OutcomeUnknown),
        StateError::Internal(_) => Verdict::Failed,
        _ => Verdict::Answered,
    }
}

fn bulk_verdict(done: &Result<(), BulkError>) -> Verdict {
    match done {
        Ok(()) => Verdict::Answered,
        Err(BulkError::Call(error)) => verdict(error),
        Err(BulkError::Items(items)) => {
            let verdicts = items.iter().map(|item| verdict(&item.error));
            let mut failures = verdicts.filter(|verdict| *verdict != Verdict::Answered);
            failures.next().unwrap_or(Verdict::Answered)
        }
    }
}

/// An error after an attempt that may have been done: whatever the last one says, this is still so.
fn in_doubt(error: StateError) -> StateError {
    match error {
        StateError::OutcomeUnknown { .. } => error,
        error => StateError::OutcomeUnknown {
            reason: format!("an attempt had no answer, and after it {error}"),
            source: Some(error.into()),
        },
    }
}

/// The same for another item of a call. The log has the cause with one of them.
fn without_cause(error: &StateError) -> StateError {
    match error {
        StateError::Unavailable { reason, .. } => StateError::Unavailable {
            reason: reason.clone(),
            source: None,
        },
        StateError::OutcomeUnknown { reason, .. } => StateError::OutcomeUnknown {
            reason: reason.clone(),
            source: None,
        },
        StateError::Denied { reason, .. } => StateError::Denied {
            reason: reason.clone(),
            source: None,
        },
        StateError::Throttled => StateError::Throttled,
        StateError::Invalid(reason) => StateError::Invalid(reason.clone()),
        StateError::TooLarge(reason) => StateError::TooLarge(reason.clone()),
        error => StateError::internal(chain(error)),
    }
}
