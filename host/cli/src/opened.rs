//! The stores of a host that runs: opened when the app's code uses them, closed when the host ends.
//!
//! Code that is replaced keeps them: what replaces it finds the same stores open, with all that is in them.

use crate::examined::Examined;
use crate::failure::Outcome;
use crate::opening::OpenStore;
use crate::setup::Setup;
use dapr_blocks::secrets::{AppSecrets, SecretStore};
use dapr_runtime::app::{AppSpec, Shared};
use dapr_runtime::needs::Block;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// What is open, of what the configuration names.
#[derive(Default)]
pub(crate) struct Opened {
    /// None: no code has used state yet. An app that has no use for a store leaves no file behind.
    stores: Option<Vec<OpenStore>>,
    secrets: Option<AppSecrets>,
    /// Secret stores that the configuration has its secrets from.
    fetched_from: Vec<Arc<dyn SecretStore>>,
}

impl Opened {
    /// Nothing but what reading the configuration has opened.
    pub(crate) fn by(setup: &Setup) -> Self {
        Self {
            fetched_from: setup.fetched_from(),
            ..Self::default()
        }
    }

    /// Opens what the app uses, and is not open yet.
    pub(crate) async fn open(&mut self, examined: &Examined, setup: &Setup, shared: &Shared) -> Outcome<()> {
        if self.stores.is_none() && examined.uses(Block::State) {
            self.stores = Some(setup.open(shared).await?);
        }
        if self.secrets.is_none() && examined.uses(Block::Secrets) {
            self.secrets = Some(setup.open_secrets(shared).await?);
        }
        Ok(())
    }

    /// State stores, in the order of the configuration.
    pub(crate) fn stores(&self) -> &[OpenStore] {
        self.stores.as_deref().unwrap_or_default()
    }

    /// What the runtime needs to know of the app.
    pub(crate) fn spec(&self, setup: &Setup) -> AppSpec {
        setup.spec(self.stores(), self.secrets.clone().unwrap_or_default())
    }

    /// Closes secret stores that the app does not use. They have done what they were opened for, and may be large.
    pub(crate) async fn close_unused(&mut self, patience: Duration) {
        if self.secrets.is_none() {
            close_secrets(std::mem::take(&mut self.fetched_from), patience).await;
        }
    }

    /// Closes all stores at once. One that is still at a call that hangs is not waited for beyond `patience`.
    pub(crate) async fn close(self, patience: Duration) {
        let mut closing = JoinSet::new();
        for open in self.stores.unwrap_or_default() {
            closing.spawn(async move { open.store.close().await });
        }
        if tokio::time::timeout(patience, closing.join_all()).await.is_err() {
            tracing::warn!("a store is not done with a call, which ends here");
        }
        // One may be there twice.
        let secrets = self.secrets.unwrap_or_default();
        let secrets = secrets.iter().map(|store| Arc::clone(&store.store));
        close_secrets(secrets.chain(self.fetched_from).collect(), patience).await;
    }
}

/// The same of secret stores.
async fn close_secrets(stores: Vec<Arc<dyn SecretStore>>, patience: Duration) {
    let mut closing = JoinSet::new();
    for store in stores {
        closing.spawn(async move { store.close().await });
    }
    if tokio::time::timeout(patience, closing.join_all()).await.is_err() {
        tracing::warn!("a secret store is not done with a call, which ends here");
    }
}
