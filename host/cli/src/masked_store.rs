//! A state store whose errors hold no secret of the configuration: an app sees the text of an error, and may not learn from it
//! what its store was set up with. What a server quotes is masked, before it is logged or handed to an app.

use crate::masked::{is_masking, masked};
use async_trait::async_trait;
use dapr_blocks::state::{
    BulkError, DeleteItem, Entry, Features, GetOptions, Health, ItemError, Key, Limits, Listing, Metadata, Operation,
    SetItem, StateError, StateStore, StoredPage,
};
use std::sync::Arc;
use tokio::time::Instant;

/// The store itself where the configuration refers to no secret.
pub(crate) fn masked_store(store: Arc<dyn StateStore>) -> Arc<dyn StateStore> {
    match is_masking() {
        true => Arc::new(MaskedStore(store)),
        false => store,
    }
}

struct MaskedStore(Arc<dyn StateStore>);

#[async_trait]
impl StateStore for MaskedStore {
    fn features(&self) -> Features {
        self.0.features()
    }

    fn limits(&self) -> Limits {
        self.0.limits()
    }

    fn of_app(&self, app_id: &str) -> Option<Arc<dyn StateStore>> {
        self.0.of_app(app_id).map(masked_store)
    }

    fn bounds(&self) -> Option<String> {
        self.0.bounds()
    }

    fn health(&self) -> Health {
        match self.0.health() {
            Health::Well => Health::Well,
            Health::Failing(reason) => Health::Failing(text(&reason)),
        }
    }

    fn unanswered(&self, since: Instant) {
        self.0.unanswered(since);
    }

    async fn get(&self, key: &Key, options: &GetOptions) -> Result<Option<Entry>, StateError> {
        self.0.get(key, options).await.map_err(error)
    }

    async fn bulk_get(
        &self,
        keys: &[Key],
        options: &GetOptions,
        max_bytes: usize,
    ) -> Result<Vec<Option<Entry>>, StateError> {
        self.0.bulk_get(keys, options, max_bytes).await.map_err(error)
    }

    async fn set(&self, item: SetItem) -> Result<(), StateError> {
        self.0.set(item).await.map_err(error)
    }

    async fn bulk_set(&self, items: Vec<SetItem>) -> Result<(), BulkError> {
        self.0.bulk_set(items).await.map_err(bulk_error)
    }

    async fn delete(&self, item: DeleteItem) -> Result<(), StateError> {
        self.0.delete(item).await.map_err(error)
    }

    async fn bulk_delete(&self, items: Vec<DeleteItem>) -> Result<(), BulkError> {
        self.0.bulk_delete(items).await.map_err(bulk_error)
    }

    async fn transact(&self, operations: Vec<Operation>, metadata: &Metadata) -> Result<(), StateError> {
        self.0.transact(operations, metadata).await.map_err(error)
    }

    async fn list_keys(&self, listing: &Listing) -> Result<StoredPage, StateError> {
        self.0.list_keys(listing).await.map_err(error)
    }

    async fn close(&self) {
        self.0.close().await;
    }
}

fn text(text: &str) -> String {
    masked(text).into_owned()
}

/// The parts that an app sees. A source is only logged, and the log is masked as a whole.
fn error(error: StateError) -> StateError {
    match error {
        StateError::Invalid(reason) => StateError::Invalid(text(&reason)),
        StateError::TooLarge(reason) => StateError::TooLarge(text(&reason)),
        StateError::Denied { reason, source } => StateError::Denied {
            reason: text(&reason),
            source,
        },
        StateError::Unavailable { reason, source } => StateError::Unavailable {
            reason: text(&reason),
            source,
        },
        StateError::OutcomeUnknown { reason, source } => StateError::OutcomeUnknown {
            reason: text(&reason),
            source,
        },
        other => other,
    }
}

fn bulk_error(failed: BulkError) -> BulkError {
    match failed {
        BulkError::Call(call) => BulkError::Call(error(call)),
        BulkError::Items(items) => {
            let item = |item: ItemError| ItemError {
                index: item.index,
                error: error(item.error),
            };
            BulkError::Items(items.into_iter().map(item).collect())
        }
    }
}
