//! Calling the vendor: within the deadline, as often as the store's policy says, and with errors as the app may hear them.

use super::AppStore;
use crate::chain;
use crate::resiliency::{Guard, Refused, Repeat};
use crate::state::{BulkError, Condition, DeleteItem, ItemError, Operation, SetItem, StateError};
use attempts::Asked;
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
            None => self.once(attempt(input), access).await,
            // Boxed, so that calls without a policy do not carry its size.
            Some(guard) => Box::pin(self.asked(operation, guard).attempts(access, input, attempt)).await,
        };
        outcome.map_err(|error| self.seal(operation, error))
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
            None => self.once(write(items), Access::Write(Repeat::IfNotDone)).await,
            Some(guard) => Box::pin(self.asked(operation, guard).bulk_attempts(items, write)).await,
        };
        outcome.map_err(|error| match error {
            BulkError::Call(error) => self.seal(operation, error).into(),
            BulkError::Items(items) => {
                let sealed = |item: ItemError| ItemError {
                    error: self.seal(operation, item.error),
                    ..item
                };
                BulkError::Items(items.into_iter().map(sealed).collect())
            }
        })
    }

    /// The one attempt of a call without a policy, within the deadline.
    async fn once<T, E: From<StateError>>(
        &self,
        attempt: impl Future<Output = Result<T, E>>,
        access: Access,
    ) -> Result<T, E> {
        let begun = Instant::now();
        let done = tokio::time::timeout_at(begun + self.deadline, attempt).await;
        done.unwrap_or_else(|_| {
            self.store.unanswered(begun);
            Err(access.unanswered(Refused::TooSlow(self.deadline).to_string()).into())
        })
    }

    fn asked<'a>(&'a self, operation: &'static str, guard: &'a Guard) -> Asked<'a> {
        Asked {
            app: self,
            operation,
            guard,
        }
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

mod attempts;
#[cfg(test)]
mod tests;
