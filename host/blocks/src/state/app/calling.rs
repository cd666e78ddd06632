//! Calling the vendor: within the deadline, as often as the store's policy says, and with errors as the app may hear them.

use super::AppStore;
use crate::chain;
use crate::resiliency::{Attempts, Guard, Refused, Repeat, Retryable, Verdict};
use crate::state::{BulkError, Condition, DeleteItem, ItemError, Operation, SetItem, StateError};
use std::future::Future;
use tokio::time::Instant;

/// What a call that ran out of time may have done.
#[derive(Clone, Copy)]
pub(super) enum Access {
    Read,
    Write(Repeat),
}

impl Access {
    fn unanswered(self, reason: String) -> StateError {
        match self {
            Self::Read => StateError::Unavailable { reason, source: None },
            Self::Write(_) => StateError::OutcomeUnknown { reason, source: None },
        }
    }

    /// What there is of an attempt without an answer, and whether it was begun.
    fn refused(self, refused: &Refused) -> (StateError, bool) {
        let reason = refused.to_string();
        match refused {
            Refused::TooSlow(_) => (self.unanswered(reason), true),
            _ => (StateError::Unavailable { reason, source: None }, false),
        }
    }

    fn repeat(self) -> Repeat {
        match self {
            Self::Read => Repeat::Always,
            Self::Write(repeat) => repeat,
        }
    }
}

/// A write, as far as it matters whether it may be done twice: one without a condition may, since whoever asked for it has
/// no answer yet, so that the second time counts as the first.
pub(super) trait Write: Clone {
    fn repeat(&self) -> Repeat;
}

impl<K: Clone> Write for SetItem<K> {
    fn repeat(&self) -> Repeat {
        match self.condition {
            Condition::Any => Repeat::Always,
            Condition::Absent | Condition::Matches(_) => Repeat::IfNotDone,
        }
    }
}

impl<K: Clone> Write for DeleteItem<K> {
    fn repeat(&self) -> Repeat {
        match self.etag {
            None => Repeat::Always,
            Some(_) => Repeat::IfNotDone,
        }
    }
}

impl<K: Clone> Write for Vec<Operation<K>> {
    fn repeat(&self) -> Repeat {
        let repeat = |operation: &Operation<K>| match operation {
            Operation::Set(item) => item.repeat(),
            Operation::Delete(item) => item.repeat(),
        };
        match self.iter().all(|operation| repeat(operation) == Repeat::Always) {
            true => Repeat::Always,
            false => Repeat::IfNotDone,
        }
    }
}

impl AppStore {
    /// Reads, as often as it has to be.
    pub(super) async fn read<T, F>(&self, operation: &'static str, mut read: impl FnMut() -> F) -> Result<T, StateError>
    where
        F: Future<Output = Result<T, StateError>>,
    {
        self.call(operation, Access::Read, (), |()| read()).await
    }

    /// Writes, as often as it has to be.
    pub(super) async fn write<W: Write, F>(
        &self,
        operation: &'static str,
        what: W,
        write: impl FnMut(W) -> F,
    ) -> Result<(), StateError>
    where
        F: Future<Output = Result<(), StateError>>,
    {
        self.call(operation, Access::Write(what.repeat()), what, write).await
    }

    async fn call<I: Clone, T, F>(
        &self,
        operation: &'static str,
        access: Access,
        input: I,
        mut attempt: impl FnMut(I) -> F,
    ) -> Result<T, StateError>
    where
        F: Future<Output = Result<T, StateError>>,
    {
        let outcome = match &self.guard {
            None => tokio::time::timeout(self.deadline, attempt(input)).await,
            Some(guard) => {
                let until = Instant::now() + self.deadline;
                // Boxed, so that calls without a policy do not carry its size.
                let attempts = Box::pin(attempts(guard, until, access, input, attempt));
                tokio::time::timeout_at(until, attempts).await
            }
        };
        match outcome {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(self.seal(operation, error)),
            Err(_) => Err(self.seal(operation, self.too_late(access))),
        }
    }

    /// Writes items, each on its own, and those that failed as often as they have to be.
    pub(super) async fn bulk_write<W: Write, F>(
        &self,
        operation: &'static str,
        items: Vec<W>,
        mut write: impl FnMut(Vec<W>) -> F,
    ) -> Result<(), BulkError>
    where
        F: Future<Output = Result<(), BulkError>>,
    {
        let outcome = match &self.guard {
            None => tokio::time::timeout(self.deadline, write(items)).await,
            Some(guard) => {
                let until = Instant::now() + self.deadline;
                tokio::time::timeout_at(until, Box::pin(bulk_attempts(guard, until, items, write))).await
            }
        };
        match outcome {
            Ok(Ok(())) => Ok(()),
            Ok(Err(BulkError::Call(error))) => Err(self.seal(operation, error).into()),
            Ok(Err(BulkError::Items(items))) => Err(BulkError::Items(
                items
                    .into_iter()
                    .map(|item| ItemError {
                        error: self.seal(operation, item.error),
                        ..item
                    })
                    .collect(),
            )),
            Err(_) => {
                let error = self.too_late(Access::Write(Repeat::IfNotDone));
                Err(self.seal(operation, error).into())
            }
        }
    }

    fn too_late(&self, access: Access) -> StateError {
        access.unanswered(format!("no answer within {:?}", self.deadline))
    }

    /// Names things as the app does, and logs what the app is not shown.
    fn seal(&self, operation: &'static str, error: StateError) -> StateError {
        match error {
            StateError::EtagMismatch { key } => {
                let key = key.as_deref().and_then(|key| self.prefix.strip(key, self.limits.key));
                StateError::EtagMismatch {
                    key: key.map(str::to_owned),
                }
            }
            StateError::Internal(_)
            | StateError::Unavailable { .. }
            | StateError::OutcomeUnknown { .. }
            | StateError::Denied { .. } => {
                // As a value that the log quotes: a cause may be a server's own words, and must not begin a line of its own.
                let cause = chain(&error);
                tracing::warn!(store = self.name, operation, cause, "state store failed");
                error
            }
            _ => error,
        }
    }
}

async fn attempts<I: Clone, T, F>(
    guard: &Guard,
    until: Instant,
    access: Access,
    input: I,
    mut attempt: impl FnMut(I) -> F,
) -> Result<T, StateError>
where
    F: Future<Output = Result<T, StateError>>,
{
    let mut attempts = guard.attempts(until);
    let (mut input, mut is_in_doubt) = (Some(input), false);
    loop {
        // A large value is not copied for the last attempt.
        let input = match attempts.may_go_on() {
            true => input.clone(),
            false => input.take(),
        };
        let input = input.expect("only the last attempt takes it");
        let verdict = |done: &Result<T, StateError>| done.as_ref().map_or_else(verdict, |_| Verdict::Answered);
        let (error, was_begun) = match guard.attempt(attempt(input), verdict).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => (error, true),
            Err(refused) => access.refused(&refused),
        };
        let verdict = self::verdict(&error);
        is_in_doubt |= verdict == Verdict::Again(Retryable::OutcomeUnknown);
        if !was_begun || !attempts.allow(verdict, access.repeat()) || !attempts.wait().await {
            return Err(if is_in_doubt { in_doubt(error) } else { error });
        }
        tracing::info!(cause = chain(&error), "a call to a state store is tried again");
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

async fn bulk_attempts<W: Write, F>(
    guard: &Guard,
    until: Instant,
    items: Vec<W>,
    mut write: impl FnMut(Vec<W>) -> F,
) -> Result<(), BulkError>
where
    F: Future<Output = Result<(), BulkError>>,
{
    let mut attempts = guard.attempts(until);
    let mut pending: Vec<_> = items.into_iter().enumerate().map(Pending::new).collect();
    let mut failed = Vec::new();
    // The error of the call, as long as none was of some items only.
    let mut of_all = None;
    let mut was_of_some = false;
    loop {
        let is_last = !attempts.may_go_on();
        let items = pending.iter_mut().map(|pending| pending.item(is_last)).collect();
        let (error, was_begun) = match guard.attempt(write(items), bulk_verdict).await {
            Ok(Ok(())) => {
                pending.clear();
                break;
            }
            Ok(Err(error)) => (error, true),
            Err(refused) => {
                let (error, was_begun) = Access::Write(Repeat::IfNotDone).refused(&refused);
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
        tracing::info!("{} items of a call to a state store are tried again", pending.len());
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

#[cfg(test)]
mod tests;
