//! What a vendor implements.

use super::{Secret, SecretAccess, SecretError};
use crate::state::Health;
use async_trait::async_trait;
use std::collections::BTreeMap;
use tokio::time::Instant;

/// What a secret holds, by key. Where a store's secrets have one value each, the key is the secret's own name, as in Dapr.
pub type SecretValues = BTreeMap<String, Secret>;

/// A secret store of one vendor, shared by all apps.
///
/// Only [`AppSecretStore`](super::AppSecretStore) asks it for an app, and has checked before: names are within the limits and
/// allowed. It also bounds every call by the store's deadline, drops the future when that has passed, and checks the size of
/// what comes back.
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// How the store is, as far as it knows without asking anybody.
    fn health(&self) -> Health {
        Health::Well
    }

    /// Hears that a call which began then has had no answer in its time. Its future was dropped, as when a caller leaves, of
    /// which a store hears nothing.
    fn unanswered(&self, _since: Instant) {}

    /// Reads a secret.
    ///
    /// # Errors
    ///
    /// [`SecretError::NoSuchSecret`], [`SecretError::TooLarge`], [`SecretError::Denied`], [`SecretError::Throttled`],
    /// [`SecretError::Unavailable`], [`SecretError::Internal`].
    async fn get(&self, name: &str) -> Result<SecretValues, SecretError>;

    /// Reads all secrets that may be read, by name. A store need not leave out the others, but does well not to read them.
    ///
    /// # Errors
    ///
    /// As [`SecretStore::get`]; [`SecretError::TooLarge`] as soon as they exceed [`BULK_BYTES`](super::BULK_BYTES): a store
    /// must not read on.
    async fn bulk_get(&self, access: &SecretAccess) -> Result<BTreeMap<String, SecretValues>, SecretError>;

    /// Lets go of what the store holds outside of this process. It is asked nothing more.
    async fn close(&self) {}
}
