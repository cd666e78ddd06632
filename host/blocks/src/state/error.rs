//! Why a state operation was not done, as cases that a caller acts on.
//!
//! The cases are those of `dapr:state/types.error`. Except for [`StateError::OutcomeUnknown`] an error means that nothing
//! was written, so a store that cannot know must answer `OutcomeUnknown`.

use std::error::Error;
use std::fmt;

/// Why a state operation was not done.
///
/// `Display` gives the text that the app gets. Causes that are the host's business (paths, statements, a server's own
/// words) belong into the source, which is logged and not shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The request is malformed.
    #[error("{0}")]
    Invalid(String),
    /// A key, value, batch or result exceeds a limit.
    #[error("{0}")]
    TooLarge(String),
    /// The condition of a write does not hold.
    #[error("the condition {} does not hold", on(key.as_deref()))]
    EtagMismatch {
        /// The key, as the store has it; [`super::AppStore`] takes the prefix off. None if the store does not know which of
        /// several it was.
        key: Option<String>,
    },
    /// No store of this name is there for this app.
    #[error("no state store `{0}` is configured for this app")]
    NoSuchStore(String),
    /// No store is configured at all.
    #[error("no state store is configured")]
    NotConfigured,
    /// The store refused the host's credentials or permissions.
    #[error("the store refused access: {reason}")]
    Denied {
        /// What was refused, in words that an app may see.
        reason: String,
        /// The cause, for the log.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// The store cannot do this.
    #[error("state store `{store}` has no {feature}")]
    Unsupported {
        /// The store's name in the configuration.
        store: String,
        /// What it lacks.
        feature: Feature,
    },
    /// Too many requests are under way.
    #[error("the store has too many requests under way")]
    Throttled,
    /// The store cannot be reached or did not answer a read in time. Nothing was written.
    #[error("the store is unavailable: {reason}")]
    Unavailable {
        /// What happened, in words that an app may see.
        reason: String,
        /// The cause, for the log.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// A write may have been applied or not.
    #[error("the outcome of the write is unknown: {reason}")]
    OutcomeUnknown {
        /// What happened, in words that an app may see.
        reason: String,
        /// The cause, for the log.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// The store or the host is at fault.
    #[error("the store failed; the host's log has the cause")]
    Internal(#[source] Box<dyn Error + Send + Sync>),
}

impl StateError {
    /// A fault of the store or the host, with its cause for the log.
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }

    /// The case, spelled as in `dapr:state/types.error`.
    pub fn case(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid",
            Self::TooLarge(_) => "too-large",
            Self::EtagMismatch { .. } => "etag-mismatch",
            Self::NoSuchStore(_) => "no-such-store",
            Self::NotConfigured => "not-configured",
            Self::Denied { .. } => "denied",
            Self::Unsupported { .. } => "unsupported",
            Self::Throttled => "throttled",
            Self::Unavailable { .. } => "unavailable",
            Self::OutcomeUnknown { .. } => "outcome-unknown",
            Self::Internal(_) => "internal",
        }
    }
}

fn on(key: Option<&str>) -> String {
    match key {
        Some(key) => format!("on key `{}`", key.escape_debug()),
        None => "on a key".to_owned(),
    }
}

/// Something that a store may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Etags and conditions: Dapr's `ETAG`.
    Etags,
    /// Transactions: Dapr's `TRANSACTIONAL`.
    Transactions,
    /// Time to live: Dapr's `TTL`.
    Ttl,
    /// Listing keys by prefix: Dapr's `KEYS_LIKE`.
    Listing,
    /// Content types that are kept with values and handed back. Dapr has no name for it: most of its stores keep none.
    ContentTypes,
}

impl Feature {
    /// All of them, in the order in which they are told of.
    pub const ALL: [Self; 5] = [
        Self::Etags,
        Self::Transactions,
        Self::Ttl,
        Self::Listing,
        Self::ContentTypes,
    ];
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Etags => "etags",
            Self::Transactions => "transactions",
            Self::Ttl => "TTL",
            Self::Listing => "listing of keys",
            Self::ContentTypes => "content types",
        })
    }
}

/// An item of a bulk write that failed.
#[derive(Debug)]
pub struct ItemError {
    /// Its position in the list that was passed.
    pub index: usize,
    /// Why it failed.
    pub error: StateError,
}

/// Why a bulk write was not done in full.
#[derive(Debug, thiserror::Error)]
pub enum BulkError {
    /// Nothing was done, unless the error is [`StateError::OutcomeUnknown`]: then each item may have been.
    #[error(transparent)]
    Call(#[from] StateError),
    /// These items were not done, unless their error is [`StateError::OutcomeUnknown`]; all the others were. Never empty.
    #[error("{} items failed", .0.len())]
    Items(Vec<ItemError>),
}

impl BulkError {
    /// The result of a bulk write, from one result an item in the order of the items.
    ///
    /// # Errors
    ///
    /// [`BulkError::Items`] with the items that failed, if any did.
    pub fn from_results(results: impl IntoIterator<Item = Result<(), StateError>>) -> Result<(), Self> {
        let failed: Vec<_> = results
            .into_iter()
            .enumerate()
            .filter_map(|(index, result)| result.err().map(|error| ItemError { index, error }))
            .collect();
        if failed.is_empty() {
            Ok(())
        } else {
            Err(Self::Items(failed))
        }
    }
}
