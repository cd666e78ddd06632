//! Remembers what a run writes, so that it can be removed: the store may be one that somebody uses.

use crate::state::{
    BulkError, DeleteItem, Entry, Features, GetOptions, Key, Limits, Listing, Metadata, Operation, SetItem, StateError,
    StateStore, StoredPage,
};
use async_trait::async_trait;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Keys that were written; shared by the stores that a claim opens one after another.
pub(super) type Written = Arc<Mutex<BTreeSet<Key>>>;

/// A store, and the keys that were written through it.
pub(super) struct Tracked {
    store: Arc<dyn StateStore>,
    keys: Written,
}

impl Tracked {
    pub(super) fn new(store: Arc<dyn StateStore>, keys: Written) -> Self {
        Self { store, keys }
    }

    /// Removes what was written.
    pub(super) async fn remove_all(&self) -> Result<(), StateError> {
        let keys = std::mem::take(&mut *self.keys.lock().unwrap_or_else(PoisonError::into_inner));
        for key in keys {
            self.store.delete(DeleteItem::new(key)).await?;
        }
        Ok(())
    }

    fn track<'a>(&self, keys: impl IntoIterator<Item = &'a Key>) {
        self.keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(keys.into_iter().cloned());
    }
}

#[async_trait]
impl StateStore for Tracked {
    fn features(&self) -> Features {
        self.store.features()
    }

    fn limits(&self) -> Limits {
        self.store.limits()
    }

    async fn get(&self, key: &Key, options: &GetOptions) -> Result<Option<Entry>, StateError> {
        self.store.get(key, options).await
    }

    async fn bulk_get(
        &self,
        keys: &[Key],
        options: &GetOptions,
        max_bytes: usize,
    ) -> Result<Vec<Option<Entry>>, StateError> {
        self.store.bulk_get(keys, options, max_bytes).await
    }

    async fn set(&self, item: SetItem) -> Result<(), StateError> {
        self.track([&item.key]);
        self.store.set(item).await
    }

    async fn bulk_set(&self, items: Vec<SetItem>) -> Result<(), BulkError> {
        self.track(items.iter().map(|item| &item.key));
        self.store.bulk_set(items).await
    }

    async fn delete(&self, item: DeleteItem) -> Result<(), StateError> {
        self.store.delete(item).await
    }

    async fn bulk_delete(&self, items: Vec<DeleteItem>) -> Result<(), BulkError> {
        self.store.bulk_delete(items).await
    }

    async fn transact(&self, operations: Vec<Operation>, metadata: &Metadata) -> Result<(), StateError> {
        self.track(operations.iter().map(Operation::key));
        self.store.transact(operations, metadata).await
    }

    async fn list_keys(&self, listing: &Listing) -> Result<StoredPage, StateError> {
        self.store.list_keys(listing).await
    }

    async fn close(&self) {
        self.store.close().await;
    }
}
