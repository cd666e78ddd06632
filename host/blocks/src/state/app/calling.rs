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
                let asked = self.asked(operation, guard, until);
                // Boxed, so that calls without a policy do not carry its size.
                let attempts = Box::pin(asked.attempts(access, input, attempt));
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
                let asked = self.asked(operation, guard, until);
                tokio::time::timeout_at(until, Box::pin(asked.bulk_attempts(items, write))).await
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

    fn asked<'a>(&'a self, operation: &'static str, guard: &'a Guard, until: Instant) -> Asked<'a> {
        Asked {
            store: &self.name,
            operation,
            guard,
            until,
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

mod attempts;
#[cfg(test)]
mod tests;
