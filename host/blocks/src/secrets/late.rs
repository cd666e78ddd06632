//! A secret store that is opened later, once its server or its file is there.

use super::{SecretAccess, SecretError, SecretStore, SecretValues};
use crate::late::{BoxError, DOES_NOT_OPEN, Late, NotOpen};
use crate::state::Health;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use tokio::time::Instant;

/// A secret store that is opened later. Dropping it gives up.
pub struct LateSecretStore(Arc<Late<dyn SecretStore>>);

impl LateSecretStore {
    /// A store that did not open just now, and is tried again from now on. Logs call it `name`; its tasks run on this
    /// runtime.
    pub fn after_failure<F, E>(name: &str, open: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Arc<dyn SecretStore>, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        Self(Late::after_failure(name, open))
    }
}

impl Drop for LateSecretStore {
    fn drop(&mut self) {
        self.0.give_up();
    }
}

impl From<NotOpen> for SecretError {
    fn from(NotOpen(source): NotOpen) -> Self {
        Self::Unavailable {
            reason: DOES_NOT_OPEN.to_owned(),
            source,
        }
    }
}

#[async_trait]
impl SecretStore for LateSecretStore {
    fn health(&self) -> Health {
        self.0.health(|store| store.health())
    }

    fn unanswered(&self, since: Instant) {
        if let Some(store) = self.0.get() {
            store.unanswered(since);
        }
    }

    async fn get(&self, name: &str) -> Result<SecretValues, SecretError> {
        self.0.open().await?.get(name).await
    }

    async fn bulk_get(&self, access: &SecretAccess) -> Result<BTreeMap<String, SecretValues>, SecretError> {
        self.0.open().await?.bulk_get(access).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::late::REST;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    /// A store without secrets.
    struct Empty;

    #[async_trait]
    impl SecretStore for Empty {
        async fn get(&self, name: &str) -> Result<SecretValues, SecretError> {
            Err(SecretError::NoSuchSecret(name.to_owned()))
        }

        async fn bulk_get(&self, _: &SecretAccess) -> Result<BTreeMap<String, SecretValues>, SecretError> {
            Ok(BTreeMap::new())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_there_is_unavailable_until_it_is_and_asks_for_nobody_to_ask() {
        let is_there = Arc::new(AtomicBool::new(false));
        let looked = Arc::clone(&is_there);
        let store = LateSecretStore::after_failure("vault", move || {
            let is_there = looked.load(Ordering::Relaxed);
            async move {
                match is_there {
                    true => Ok(Arc::new(Empty) as Arc<dyn SecretStore>),
                    false => Err("connection refused"),
                }
            }
        });
        let error = store.get("token").await.unwrap_err();
        assert_eq!(error.to_string(), "the store is unavailable: it does not open");
        assert!(matches!(store.health(), Health::Failing(_)));
        is_there.store(true, Ordering::Relaxed);
        tokio::time::timeout(Duration::from_secs(60), async {
            while store.health() != Health::Well {
                tokio::time::sleep(REST).await;
            }
        })
        .await
        .expect("it opens in a while");
        assert!(matches!(store.get("token").await, Err(SecretError::NoSuchSecret(_))));
    }
}
