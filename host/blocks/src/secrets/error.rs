//! Why a secret was not read, as cases that a caller acts on: those of `dapr:secrets/types.error`.
//!
//! No text of an error holds a part of a secret, and neither may the causes below it: they are logged.

use std::error::Error;

/// Why a secret was not read.
///
/// `Display` gives the text that the app gets. Causes that are the host's business (paths, a server's own words) belong into
/// the source, which is logged and not shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The request is malformed.
    #[error("{0}")]
    Invalid(String),
    /// A name or a result exceeds a limit.
    #[error("{0}")]
    TooLarge(String),
    /// No store of this name is there for this app.
    #[error("no secret store `{}` is configured for this app", .0.escape_debug())]
    NoSuchStore(String),
    /// No store is configured at all.
    #[error("no secret store is configured")]
    NotConfigured,
    /// The store has no secret of this name.
    #[error("there is no secret `{}`", .0.escape_debug())]
    NoSuchSecret(String),
    /// The configuration does not let this app read this secret, whether it is there or not.
    #[error("this app may not read the secret `{}`", .0.escape_debug())]
    NotAllowed(String),
    /// The store refused: the secret is not to be read, or the host's credentials are not enough.
    #[error("the store refused access: {reason}")]
    Denied {
        /// What was refused, in words that an app may see.
        reason: String,
        /// The cause, for the log.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// Too many requests are under way.
    #[error("the store has too many requests under way")]
    Throttled,
    /// The store cannot be reached or did not answer in time.
    #[error("the store is unavailable: {reason}")]
    Unavailable {
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

impl SecretError {
    /// A fault of the store or the host, with its cause for the log.
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }

    /// That a secret has more bytes than one may have.
    #[must_use]
    pub fn large_secret(name: &str) -> Self {
        let name = name.escape_debug();
        Self::TooLarge(format!(
            "the secret `{name}` has more than {} bytes",
            super::SECRET_BYTES
        ))
    }

    /// That all secrets together have more bytes than a bulk call may have.
    #[must_use]
    pub fn large_bulk() -> Self {
        Self::TooLarge(format!(
            "all secrets together have more than {} bytes",
            super::BULK_BYTES
        ))
    }
}
