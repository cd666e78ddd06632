//! Why an operation was not done, as cases to act on.

use crate::bindings::dapr::state::types;

/// Why an operation was not done. The text is for a person; act on the case.
///
/// But for [`Error::OutcomeUnknown`], nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The request is malformed.
    #[error("{0}")]
    Invalid(String),
    /// A key, value, batch, result or metadata exceeds a limit.
    #[error("{0}")]
    TooLarge(String),
    /// The condition of a write does not hold: somebody else was faster.
    #[error("{0}")]
    EtagMismatch(String),
    /// No store of this name is configured for this app.
    #[error("{0}")]
    NoSuchStore(String),
    /// No store is configured at all.
    #[error("{0}")]
    NotConfigured(String),
    /// The store refused the host.
    #[error("{0}")]
    Denied(String),
    /// The store cannot do this.
    #[error("{0}")]
    Unsupported(String),
    /// Too many requests are under way.
    #[error("{0}")]
    Throttled(String),
    /// The store cannot be reached, or did not answer a read in time.
    #[error("{0}")]
    Unavailable(String),
    /// A write may have been done or not: read before writing again.
    #[error("{0}")]
    OutcomeUnknown(String),
    /// The store or the host is at fault.
    #[error("{0}")]
    Internal(String),
    /// What is stored under this key is not what was asked for, or what was to be stored is nothing that JSON has.
    #[error("the value of `{key}` does not fit its type")]
    Value {
        /// The key.
        key: String,
        /// What serde says.
        #[source]
        source: serde_json::Error,
    },
}

impl From<types::Error> for Error {
    fn from(error: types::Error) -> Self {
        match error {
            types::Error::Invalid(text) => Self::Invalid(text),
            types::Error::TooLarge(text) => Self::TooLarge(text),
            types::Error::EtagMismatch(text) => Self::EtagMismatch(text),
            types::Error::NoSuchStore(text) => Self::NoSuchStore(text),
            types::Error::NotConfigured(text) => Self::NotConfigured(text),
            types::Error::Denied(text) => Self::Denied(text),
            types::Error::Unsupported(text) => Self::Unsupported(text),
            types::Error::Throttled(text) => Self::Throttled(text),
            types::Error::Unavailable(text) => Self::Unavailable(text),
            types::Error::OutcomeUnknown(text) => Self::OutcomeUnknown(text),
            types::Error::Internal(text) => Self::Internal(text),
        }
    }
}

/// An item of a bulk write that was not done.
#[derive(Debug)]
pub struct ItemError {
    /// Its position in what was passed, from 0.
    pub index: usize,
    /// Why.
    pub error: Error,
}

/// Why a bulk write was not done in full.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BulkError {
    /// Nothing was done, unless the error is [`Error::OutcomeUnknown`].
    #[error(transparent)]
    Call(#[from] Error),
    /// These items were not done; all the others were. Never empty.
    #[error("{} items were not done", .0.len())]
    Items(Vec<ItemError>),
}
