//! `dapr:state/store` and its twin `store-async`, both on [`AppStores`].

use crate::event_loop::within;
use dapr_blocks::state::{
    AppStore, AppStores, BulkError, Condition, Consistency, ContentType, Cursor, DeleteItem, Entry, Etag, GetOptions,
    Metadata, Operation, PageLimit, SetItem, StateError, Ttl,
};
use std::sync::Arc;
use wasmtime::component::{Accessor, HasData, Linker};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "
            package dapr-wasm:runtime;
            world capabilities {
                import dapr:state/store@0.1.0;
                import dapr:state/store-async@0.1.0;
            }
        ",
        world: "dapr-wasm:runtime/capabilities",
        imports: { default: async },
        require_store_data_send: true,
    });
}
use bindings::dapr::state::{store as generated, store_async as generated_async, types as wit};

/// The stores of the app that an instance belongs to.
pub(crate) struct State<'a> {
    stores: &'a Arc<AppStores>,
}

impl<'a> State<'a> {
    pub(crate) fn new(stores: &'a Arc<AppStores>) -> Self {
        Self { stores }
    }
}

/// Lets an app import `dapr:state/store`.
pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> State<'_>,
) -> wasmtime::Result<()> {
    generated::add_to_linker::<T, HasState>(linker, view)
}

/// Lets an app import `dapr:state/store-async`.
pub(crate) fn add_async_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> State<'_>,
) -> wasmtime::Result<()> {
    generated_async::add_to_linker::<T, HasState>(linker, view)
}

/// Lets an app import the records that both interfaces share.
pub(crate) fn add_types_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> State<'_>,
) -> wasmtime::Result<()> {
    wit::add_to_linker::<T, HasState>(linker, view)
}

struct HasState;

impl HasData for HasState {
    type Data<'a> = State<'a>;
}

impl wit::Host for State<'_> {}
impl generated_async::Host for State<'_> {}

impl generated::Host for State<'_> {
    async fn get(
        &mut self,
        store: String,
        key: String,
        options: Option<wit::GetOptions>,
    ) -> Result<Option<wit::Entry>, wit::Error> {
        get(self.stores, store, key, options).await
    }

    async fn bulk_get(
        &mut self,
        store: String,
        keys: Vec<String>,
        options: Option<wit::GetOptions>,
    ) -> Result<Vec<Option<wit::Entry>>, wit::Error> {
        bulk_get(self.stores, store, keys, options).await
    }

    async fn set(
        &mut self,
        store: String,
        key: String,
        value: Vec<u8>,
        options: Option<wit::SetOptions>,
    ) -> Result<(), wit::Error> {
        set(self.stores, store, wit::SetItem { key, value, options }).await
    }

    async fn bulk_set(&mut self, store: String, items: Vec<wit::SetItem>) -> Result<(), wit::BulkError> {
        bulk_set(self.stores, store, items).await
    }

    async fn delete(
        &mut self,
        store: String,
        key: String,
        options: Option<wit::DeleteOptions>,
    ) -> Result<(), wit::Error> {
        delete(self.stores, store, wit::DeleteItem { key, options }).await
    }

    async fn bulk_delete(&mut self, store: String, items: Vec<wit::DeleteItem>) -> Result<(), wit::BulkError> {
        bulk_delete(self.stores, store, items).await
    }

    async fn transact(
        &mut self,
        store: String,
        operations: Vec<wit::Operation>,
        options: Option<wit::TransactOptions>,
    ) -> Result<(), wit::Error> {
        transact(self.stores, store, operations, options).await
    }

    async fn list_keys(
        &mut self,
        store: String,
        prefix: String,
        options: Option<wit::ListOptions>,
    ) -> Result<wit::KeyPage, wit::Error> {
        list_keys(self.stores, store, prefix, options).await
    }
}

impl HasState {
    /// The stores, owned: a call of the async form must not borrow the instance while it waits.
    fn stores<T>(accessor: &Accessor<T, Self>) -> Arc<AppStores> {
        accessor.with(|mut access| Arc::clone(access.get().stores))
    }
}

impl<T: Send> generated_async::HostWithStore<T> for HasState {
    async fn get(
        accessor: &Accessor<T, Self>,
        store: String,
        key: String,
        options: Option<wit::GetOptions>,
    ) -> Result<Option<wit::Entry>, wit::Error> {
        within(get(&Self::stores(accessor), store, key, options)).await
    }

    async fn bulk_get(
        accessor: &Accessor<T, Self>,
        store: String,
        keys: Vec<String>,
        options: Option<wit::GetOptions>,
    ) -> Result<Vec<Option<wit::Entry>>, wit::Error> {
        within(bulk_get(&Self::stores(accessor), store, keys, options)).await
    }

    async fn set(
        accessor: &Accessor<T, Self>,
        store: String,
        key: String,
        value: Vec<u8>,
        options: Option<wit::SetOptions>,
    ) -> Result<(), wit::Error> {
        within(set(
            &Self::stores(accessor),
            store,
            wit::SetItem { key, value, options },
        ))
        .await
    }

    async fn bulk_set(
        accessor: &Accessor<T, Self>,
        store: String,
        items: Vec<wit::SetItem>,
    ) -> Result<(), wit::BulkError> {
        within(bulk_set(&Self::stores(accessor), store, items)).await
    }

    async fn delete(
        accessor: &Accessor<T, Self>,
        store: String,
        key: String,
        options: Option<wit::DeleteOptions>,
    ) -> Result<(), wit::Error> {
        within(delete(&Self::stores(accessor), store, wit::DeleteItem { key, options })).await
    }

    async fn bulk_delete(
        accessor: &Accessor<T, Self>,
        store: String,
        items: Vec<wit::DeleteItem>,
    ) -> Result<(), wit::BulkError> {
        within(bulk_delete(&Self::stores(accessor), store, items)).await
    }

    async fn transact(
        accessor: &Accessor<T, Self>,
        store: String,
        operations: Vec<wit::Operation>,
        options: Option<wit::TransactOptions>,
    ) -> Result<(), wit::Error> {
        within(transact(&Self::stores(accessor), store, operations, options)).await
    }

    async fn list_keys(
        accessor: &Accessor<T, Self>,
        store: String,
        prefix: String,
        options: Option<wit::ListOptions>,
    ) -> Result<wit::KeyPage, wit::Error> {
        within(list_keys(&Self::stores(accessor), store, prefix, options)).await
    }
}

// ---- the one implementation of both ----

async fn get(
    stores: &AppStores,
    store: String,
    key: String,
    options: Option<wit::GetOptions>,
) -> Result<Option<wit::Entry>, wit::Error> {
    let entry = stores.get(&store)?.get(&key, &get_options(options)?).await?;
    Ok(entry.map(wit::Entry::from))
}

async fn bulk_get(
    stores: &AppStores,
    store: String,
    keys: Vec<String>,
    options: Option<wit::GetOptions>,
) -> Result<Vec<Option<wit::Entry>>, wit::Error> {
    let entries = stores.get(&store)?.bulk_get(&keys, &get_options(options)?).await?;
    Ok(entries.into_iter().map(|entry| entry.map(wit::Entry::from)).collect())
}

async fn set(stores: &AppStores, store: String, item: wit::SetItem) -> Result<(), wit::Error> {
    Ok(stores.get(&store)?.set(set_item(item)?).await?)
}

async fn bulk_set(stores: &AppStores, store: String, items: Vec<wit::SetItem>) -> Result<(), wit::BulkError> {
    let (store, items) = lowered(stores, &store, items, set_item)?;
    Ok(store.bulk_set(items).await?)
}

async fn delete(stores: &AppStores, store: String, item: wit::DeleteItem) -> Result<(), wit::Error> {
    Ok(stores.get(&store)?.delete(delete_item(item)?).await?)
}

async fn bulk_delete(stores: &AppStores, store: String, items: Vec<wit::DeleteItem>) -> Result<(), wit::BulkError> {
    let (store, items) = lowered(stores, &store, items, delete_item)?;
    Ok(store.bulk_delete(items).await?)
}

async fn transact(
    stores: &AppStores,
    store: String,
    operations: Vec<wit::Operation>,
    options: Option<wit::TransactOptions>,
) -> Result<(), wit::Error> {
    let (store, operations) = lowered(stores, &store, operations, |operation| {
        Ok(match operation {
            wit::Operation::Set(item) => Operation::Set(set_item(item)?),
            wit::Operation::Delete(item) => Operation::Delete(delete_item(item)?),
        })
    })?;
    let metadata = Metadata::new(options.map(|options| options.metadata).unwrap_or_default())?;
    Ok(store.transact(operations, &metadata).await?)
}

async fn list_keys(
    stores: &AppStores,
    store: String,
    prefix: String,
    options: Option<wit::ListOptions>,
) -> Result<wit::KeyPage, wit::Error> {
    let (limit, cursor) = options.map_or((None, None), |options| (options.limit, options.cursor));
    let limit = limit.map(PageLimit::new).transpose()?.unwrap_or_default();
    let cursor = cursor.map(Cursor::new);
    let page = stores.get(&store)?.list_keys(&prefix, limit, cursor.as_ref()).await?;
    Ok(wit::KeyPage {
        keys: page.keys,
        cursor: page.cursor.map(Cursor::into_string),
    })
}

// ---- lowering ----

fn lowered<'a, W, I>(
    stores: &'a AppStores,
    store: &str,
    items: Vec<W>,
    lower: impl FnMut(W) -> Result<I, StateError>,
) -> Result<(&'a AppStore, Vec<I>), StateError> {
    Ok((
        stores.get(store)?,
        items.into_iter().map(lower).collect::<Result<_, _>>()?,
    ))
}

fn get_options(options: Option<wit::GetOptions>) -> Result<GetOptions, StateError> {
    let Some(options) = options else {
        return Ok(GetOptions::default());
    };
    Ok(GetOptions {
        consistency: options.consistency.map(Consistency::from),
        metadata: Metadata::new(options.metadata)?,
    })
}

fn set_item(item: wit::SetItem) -> Result<SetItem<String>, StateError> {
    let wit::SetItem { key, value, options } = item;
    let Some(options) = options else {
        return Ok(SetItem::new(key, value));
    };
    Ok(SetItem {
        key,
        value,
        condition: match options.condition {
            wit::Condition::Any => Condition::Any,
            wit::Condition::Absent => Condition::Absent,
            wit::Condition::Matches(etag) => Condition::Matches(Etag::new(etag)?),
        },
        ttl: options.ttl.map(Ttl::new).transpose()?,
        content_type: options.content_type.map(ContentType::new).transpose()?,
        consistency: options.consistency.map(Consistency::from),
        metadata: Metadata::new(options.metadata)?,
    })
}

fn delete_item(item: wit::DeleteItem) -> Result<DeleteItem<String>, StateError> {
    let wit::DeleteItem { key, options } = item;
    let Some(options) = options else {
        return Ok(DeleteItem::new(key));
    };
    Ok(DeleteItem {
        key,
        etag: options.etag.map(Etag::new).transpose()?,
        consistency: options.consistency.map(Consistency::from),
        metadata: Metadata::new(options.metadata)?,
    })
}

impl From<wit::Consistency> for Consistency {
    fn from(consistency: wit::Consistency) -> Self {
        match consistency {
            wit::Consistency::Eventual => Self::Eventual,
            wit::Consistency::Strong => Self::Strong,
        }
    }
}

// ---- lifting ----

impl From<Entry> for wit::Entry {
    fn from(entry: Entry) -> Self {
        Self {
            value: entry.value,
            etag: entry.etag.map(Etag::into_string),
            content_type: entry.content_type.map(ContentType::into_string),
            expires_at: entry.expires_at,
            metadata: entry.metadata.into_pairs(),
        }
    }
}

impl From<StateError> for wit::Error {
    fn from(error: StateError) -> Self {
        let text = error.to_string();
        match error {
            StateError::Invalid(_) => Self::Invalid(text),
            StateError::TooLarge(_) => Self::TooLarge(text),
            StateError::EtagMismatch { .. } => Self::EtagMismatch(text),
            StateError::NoSuchStore(_) => Self::NoSuchStore(text),
            StateError::NotConfigured => Self::NotConfigured(text),
            StateError::Denied { .. } => Self::Denied(text),
            StateError::Unsupported { .. } => Self::Unsupported(text),
            StateError::Throttled => Self::Throttled(text),
            StateError::Unavailable { .. } => Self::Unavailable(text),
            StateError::OutcomeUnknown { .. } => Self::OutcomeUnknown(text),
            _ => Self::Internal(text),
        }
    }
}

impl From<BulkError> for wit::BulkError {
    fn from(error: BulkError) -> Self {
        match error {
            BulkError::Call(error) => Self::Call(error.into()),
            BulkError::Items(items) => Self::Items(
                items
                    .into_iter()
                    .map(|item| wit::ItemError {
                        // A list holds at most a thousand items.
                        index: u32::try_from(item.index).unwrap_or(u32::MAX),
                        error: item.error.into(),
                    })
                    .collect(),
            ),
        }
    }
}

impl From<StateError> for wit::BulkError {
    fn from(error: StateError) -> Self {
        Self::Call(error.into())
    }
}
