//! A secret store that may say what it answers: one in WebAssembly has a log, and may quote a secret in it or in an error.
//!
//! What it answers is masked from then on, in all that the host says. It is not when the store says it before: while it reads a
//! secret for the first time, nobody but the store knows it.

use crate::masked::{hide_read, masked};
use async_trait::async_trait;
use dapr_blocks::secrets::{SecretAccess, SecretError, SecretStore, SecretValues};
use dapr_blocks::state::Health;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::time::Instant;

/// The store, of which nothing is shown that it has answered.
pub(crate) fn masked_secrets(store: Arc<dyn SecretStore>) -> Arc<dyn SecretStore> {
    Arc::new(MaskedSecrets(store))
}

struct MaskedSecrets(Arc<dyn SecretStore>);

#[async_trait]
impl SecretStore for MaskedSecrets {
    fn health(&self) -> Health {
        match self.0.health() {
            Health::Well => Health::Well,
            Health::Failing(reason) => Health::Failing(masked(&reason).into_owned()),
        }
    }

    fn unanswered(&self, since: Instant) {
        self.0.unanswered(since);
    }

    async fn get(&self, name: &str) -> Result<SecretValues, SecretError> {
        let values = self.0.get(name).await?;
        hide_read(values.values());
        Ok(values)
    }

    async fn bulk_get(&self, access: &SecretAccess) -> Result<BTreeMap<String, SecretValues>, SecretError> {
        let secrets = self.0.bulk_get(access).await?;
        hide_read(secrets.values().flat_map(BTreeMap::values));
        Ok(secrets)
    }

    async fn close(&self) {
        self.0.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// Counts what it hears.
    #[derive(Default)]
    struct Hears(AtomicU32);

    #[async_trait]
    impl SecretStore for Hears {
        fn unanswered(&self, _since: Instant) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }

        async fn get(&self, _name: &str) -> Result<SecretValues, SecretError> {
            Ok(SecretValues::new())
        }

        async fn bulk_get(&self, _access: &SecretAccess) -> Result<BTreeMap<String, SecretValues>, SecretError> {
            Ok(BTreeMap::new())
        }

        async fn close(&self) {}
    }

    #[test]
    fn the_store_hears_of_a_call_that_had_no_answer() {
        let store = Arc::new(Hears::default());
        masked_secrets(store.clone()).unanswered(Instant::now());
        assert_eq!(store.0.load(Ordering::Relaxed), 1);
    }
}
