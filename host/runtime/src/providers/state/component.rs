//! One instance of a component that exports `dapr:state/provider`, and how it is called.

use super::answer::Declaration;
use super::contract::{
    StateStore, StateStorePre, bulk, caller, configuration, delete_item, entry, get_options, listing as listing_of,
    operation, page as page_of, provider, set_item, types,
};
use crate::providers::answer::Answer;
use crate::providers::guest::ProviderGuest;
use crate::providers::linked::ProviderSpec;
use dapr_blocks::state::{
    BulkError, DeleteItem, Entry, GetOptions, Key, Listing, Metadata, Operation, SetItem, StateError, StoredPage,
};
use wasmtime::Store;

/// One instance of a component.
pub(in crate::providers) struct ComponentInstance {
    store: Store<ProviderGuest>,
    bindings: StateStore,
}

impl ComponentInstance {
    /// Instantiates the component. It is not initialised yet.
    ///
    /// # Errors
    ///
    /// A trap, or a limit that it exceeds.
    pub(super) async fn new(
        pre: &StateStorePre<ProviderGuest>,
        mut store: Store<ProviderGuest>,
    ) -> wasmtime::Result<Self> {
        let bindings = pre.instantiate_async(&mut store).await?;
        Ok(Self { store, bindings })
    }

    fn provider(&mut self) -> (&provider::Guest, &mut Store<ProviderGuest>) {
        (self.bindings.dapr_state_provider(), &mut self.store)
    }

    pub(super) async fn init(&mut self, spec: &ProviderSpec) -> Answer<Result<Declaration, StateError>> {
        let configuration = configuration(spec);
        let (provider, store) = self.provider();
        let declared = provider.call_init(store, &configuration).await?;
        Ok(declared.map(Declaration::from).map_err(StateError::from))
    }

    pub(super) async fn get(
        &mut self,
        app: &str,
        key: &Key,
        options: &GetOptions,
    ) -> Answer<Result<Option<Entry>, StateError>> {
        let (provider, store) = self.provider();
        let found = provider
            .call_get(store, &caller(app), key.as_str(), &get_options(options))
            .await?;
        Ok(found
            .map_err(StateError::from)
            .and_then(|found| found.map(entry).transpose()))
    }

    pub(super) async fn bulk_get(
        &mut self,
        app: &str,
        keys: &[Key],
        options: &GetOptions,
        max_bytes: usize,
    ) -> Answer<Result<Vec<Option<Entry>>, StateError>> {
        let keys: Vec<String> = keys.iter().map(|key| key.as_str().to_owned()).collect();
        let max_bytes = u32::try_from(max_bytes).unwrap_or(u32::MAX);
        let (provider, store) = self.provider();
        let found = provider
            .call_bulk_get(store, &caller(app), &keys, &get_options(options), max_bytes)
            .await?;
        let entries =
            |found: Vec<Option<types::Entry>>| found.into_iter().map(|found| found.map(entry).transpose()).collect();
        Ok(found.map_err(StateError::from).and_then(entries))
    }

    pub(super) async fn set(&mut self, app: &str, item: SetItem) -> Answer<Result<(), StateError>> {
        let (provider, store) = self.provider();
        let done = provider.call_set(store, &caller(app), &set_item(item)).await?;
        Ok(done.map_err(StateError::from))
    }

    pub(super) async fn bulk_set(&mut self, app: &str, items: Vec<SetItem>) -> Answer<Result<(), BulkError>> {
        let asked = items.len();
        let items: Vec<_> = items.into_iter().map(set_item).collect();
        let (provider, store) = self.provider();
        let done = provider.call_bulk_set(store, &caller(app), &items).await?;
        Ok(bulk(done, asked))
    }

    pub(super) async fn delete(&mut self, app: &str, item: DeleteItem) -> Answer<Result<(), StateError>> {
        let (provider, store) = self.provider();
        let done = provider.call_delete(store, &caller(app), &delete_item(item)).await?;
        Ok(done.map_err(StateError::from))
    }

    pub(super) async fn bulk_delete(&mut self, app: &str, items: Vec<DeleteItem>) -> Answer<Result<(), BulkError>> {
        let asked = items.len();
        let items: Vec<_> = items.into_iter().map(delete_item).collect();
        let (provider, store) = self.provider();
        let done = provider.call_bulk_delete(store, &caller(app), &items).await?;
        Ok(bulk(done, asked))
    }

    pub(super) async fn transact(
        &mut self,
        app: &str,
        operations: Vec<Operation>,
        metadata: &Metadata,
    ) -> Answer<Result<(), StateError>> {
        let operations: Vec<_> = operations.into_iter().map(operation).collect();
        let metadata = metadata.clone().into_pairs();
        let (provider, store) = self.provider();
        let done = provider
            .call_transact(store, &caller(app), &operations, &metadata)
            .await?;
        Ok(done.map_err(StateError::from))
    }

    pub(super) async fn list_keys(&mut self, app: &str, listing: &Listing) -> Answer<Result<StoredPage, StateError>> {
        let listing = listing_of(listing);
        let (provider, store) = self.provider();
        let page = provider.call_list_keys(store, &caller(app), &listing).await?;
        Ok(page.map(page_of).map_err(StateError::from))
    }
}
