//! One instance of a component that exports `dapr:state/provider`, and how it is called.

use super::answer::{Answer, Declaration, Instances, shown, untrue};
use super::guest::ProviderGuest;
use dapr_blocks::state::{
    BulkError, Condition, Consistency, ContentType, DeleteItem, Entry, Etag, Features, GetOptions, Key, Limits,
    Listing, Metadata, Operation, SetItem, StateError, StoredPage, Ttl,
};
use wasmtime::Store;

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "dapr:host/state-store",
        exports: { default: async },
        require_store_data_send: true,
    });
}
use bindings::StateStore;
pub(super) use bindings::StateStorePre;
use bindings::dapr::state::types;
use bindings::exports::dapr::state::provider as wit;

/// One instance of a component.
pub(super) struct ComponentInstance {
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

    fn provider(&mut self) -> (&wit::Guest, &mut Store<ProviderGuest>) {
        (self.bindings.dapr_state_provider(), &mut self.store)
    }

    pub(super) async fn init(
        &mut self,
        name: &str,
        metadata: &[(String, String)],
    ) -> Answer<Result<Declaration, StateError>> {
        let configuration = wit::Configuration {
            name: name.to_owned(),
            metadata: metadata.to_vec(),
        };
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
        let operations: Vec<_> = operations
            .into_iter()
            .map(|operation| match operation {
                Operation::Set(item) => wit::Operation::Set(set_item(item)),
                Operation::Delete(item) => wit::Operation::Delete(delete_item(item)),
            })
            .collect();
        let metadata = metadata.clone().into_pairs();
        let (provider, store) = self.provider();
        let done = provider
            .call_transact(store, &caller(app), &operations, &metadata)
            .await?;
        Ok(done.map_err(StateError::from))
    }

    pub(super) async fn list_keys(&mut self, app: &str, listing: &Listing) -> Answer<Result<StoredPage, StateError>> {
        let listing = wit::Listing {
            prefix: listing.prefix().to_owned(),
            // A page has at most a thousand.
            limit: u32::try_from(listing.limit()).unwrap_or(u32::MAX),
            position: listing.position().map(str::to_owned),
        };
        let (provider, store) = self.provider();
        let page = provider.call_list_keys(store, &caller(app), &listing).await?;
        Ok(page
            .map(|wit::Page { keys, next }| StoredPage { keys, next })
            .map_err(StateError::from))
    }
}

// ---- lowering ----

fn caller(app: &str) -> wit::Caller {
    wit::Caller { app: app.to_owned() }
}

fn get_options(options: &GetOptions) -> types::GetOptions {
    types::GetOptions {
        consistency: options.consistency.map(types::Consistency::from),
        metadata: options.metadata.clone().into_pairs(),
    }
}

fn set_item(item: SetItem) -> wit::SetItem {
    let SetItem {
        key,
        value,
        condition,
        ttl,
        content_type,
        consistency,
        metadata,
    } = item;
    wit::SetItem {
        key: key.into_string(),
        value,
        condition: match condition {
            Condition::Any => types::Condition::Any,
            Condition::Absent => types::Condition::Absent,
            Condition::Matches(etag) => types::Condition::Matches(etag.into_string()),
        },
        ttl: ttl.map(Ttl::seconds),
        content_type: content_type.map(ContentType::into_string),
        consistency: consistency.map(types::Consistency::from),
        metadata: metadata.into_pairs(),
    }
}

fn delete_item(item: DeleteItem) -> wit::DeleteItem {
    let DeleteItem {
        key,
        etag,
        consistency,
        metadata,
    } = item;
    wit::DeleteItem {
        key: key.into_string(),
        etag: etag.map(Etag::into_string),
        consistency: consistency.map(types::Consistency::from),
        metadata: metadata.into_pairs(),
    }
}

impl From<Consistency> for types::Consistency {
    fn from(consistency: Consistency) -> Self {
        match consistency {
            Consistency::Eventual => Self::Eventual,
            Consistency::Strong => Self::Strong,
        }
    }
}

// ---- lifting: whatever a provider says is checked before anybody believes it ----

fn entry(entry: types::Entry) -> Result<Entry, StateError> {
    let types::Entry {
        value,
        etag,
        content_type,
        expires_at,
        metadata,
    } = entry;
    let content_type = content_type
        .map(ContentType::new)
        .transpose()
        .map_err(|error| untrue(format!("a content type that is none: {error}")))?;
    let metadata = Metadata::new(metadata).map_err(|error| untrue(format!("metadata that is none: {error}")))?;
    let etag = etag
        .map(|etag| Etag::from_store(etag).ok_or_else(|| untrue("an etag that is empty or too long")))
        .transpose()?;
    Ok(Entry {
        value,
        etag,
        content_type,
        expires_at,
        metadata,
    })
}

fn bulk(done: Result<Vec<Result<(), wit::Error>>, wit::Error>, asked: usize) -> Result<(), BulkError> {
    let results = done.map_err(|error| BulkError::Call(error.into()))?;
    if results.len() != asked {
        // Which of them were done, nobody can tell.
        let reason = format!("the store answered {} results for {asked} items", results.len());
        return Err(BulkError::Call(StateError::OutcomeUnknown { reason, source: None }));
    }
    BulkError::from_results(results.into_iter().map(|result| result.map_err(StateError::from)))
}

impl From<wit::Error> for StateError {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::Invalid(text) => Self::Invalid(shown(&text)),
            wit::Error::TooLarge(text) => Self::TooLarge(shown(&text)),
            wit::Error::EtagMismatch(key) => Self::EtagMismatch { key },
            wit::Error::Denied(text) => Self::Denied {
                reason: shown(&text),
                source: None,
            },
            wit::Error::Throttled => Self::Throttled,
            wit::Error::Unavailable(text) => Self::Unavailable {
                reason: shown(&text),
                source: None,
            },
            wit::Error::OutcomeUnknown(text) => Self::OutcomeUnknown {
                reason: shown(&text),
                source: None,
            },
            wit::Error::Internal(text) => Self::internal(shown(&text)),
        }
    }
}

impl From<wit::Declaration> for Declaration {
    fn from(declaration: wit::Declaration) -> Self {
        let wit::Declaration {
            features,
            instances,
            limits,
        } = declaration;
        let or = |limit: Option<u32>, default: usize| limit.map_or(default, |limit| limit as usize);
        let host = Limits::default();
        Self {
            features: Features {
                etags: features.contains(wit::Features::ETAGS),
                transactions: features.contains(wit::Features::TRANSACTIONS),
                ttl: features.contains(wit::Features::TTL),
                listing: features.contains(wit::Features::LISTING),
            },
            limits: Limits {
                key: or(limits.key, host.key),
                value: or(limits.value, host.value),
                items: or(limits.items, host.items),
                operations: or(limits.operations, host.operations),
                batch: or(limits.batch, host.batch),
            },
            instances: match instances {
                wit::Instances::One => Instances::One,
                wit::Instances::Several => Instances::Several,
            },
        }
    }
}
