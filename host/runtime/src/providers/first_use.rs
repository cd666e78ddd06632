//! A store whose provider starts when an app first asks for something.
//!
//! Until then nobody knows what it can do, so that every feature counts as there; the first call finds out, and is refused
//! then where the provider lacks what it asks for. One that does not start is tried again at the next call, but not before a
//! rest: calls meanwhile are refused at once.

use super::linked::Provider;
use super::store::open;
use async_trait::async_trait;
use dapr_blocks::state::{
    BulkError, Condition, DeleteItem, Entry, Feature, Features, GetOptions, Health, Key, Limits, Listing, Metadata,
    Operation, SetItem, StateError, StateStore, StoredPage,
};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

/// How long a start that failed is not tried again: apps that ask in a loop would otherwise start it in a loop.
const REST: Duration = Duration::from_secs(1);

/// A store that is started at its first use.
pub(super) struct FirstUseStore {
    late: Arc<Late>,
    /// The app id of whoever asks.
    caller: Arc<str>,
    /// The started store, as this app asks it.
    view: OnceCell<Arc<dyn StateStore>>,
}

/// What the views of all apps share.
struct Late {
    provider: Provider,
    store: OnceCell<Arc<dyn StateStore>>,
    failed: Mutex<Option<Instant>>,
    tasks: TaskTracker,
    runtime: Handle,
}

impl FirstUseStore {
    pub(super) fn new(provider: Provider) -> Self {
        Self {
            late: Arc::new(Late {
                provider,
                store: OnceCell::new(),
                failed: Mutex::default(),
                tasks: TaskTracker::new(),
                runtime: Handle::current(),
            }),
            caller: "".into(),
            view: OnceCell::new(),
        }
    }

    /// The store, started by now.
    async fn started(&self) -> Result<&Arc<dyn StateStore>, StateError> {
        let view = || async {
            let store = self.late.start().await?;
            Ok(store.of_app(&self.caller).unwrap_or(store))
        };
        self.view.get_or_try_init(view).await
    }

    /// The same, if it has these features.
    async fn with(&self, needs: impl IntoIterator<Item = Feature>) -> Result<&Arc<dyn StateStore>, StateError> {
        let store = self.started().await?;
        let features = store.features();
        match needs.into_iter().find(|feature| !features.has(*feature)) {
            None => Ok(store),
            Some(feature) => Err(StateError::Unsupported {
                store: self.late.provider.spec().name.clone(),
                feature,
            }),
        }
    }
}

impl Late {
    /// Starts the store, if it is not. A start goes on when who asked for it leaves.
    async fn start(self: &Arc<Self>) -> Result<Arc<dyn StateStore>, StateError> {
        if let Some(store) = self.store.get() {
            return Ok(Arc::clone(store));
        }
        if self.failed().is_some_and(|failed| failed.elapsed() < REST) {
            return Err(does_not_start(None));
        }
        let late = Arc::clone(self);
        let start = async move {
            late.store
                .get_or_try_init(|| open(late.provider.clone()))
                .await
                .cloned()
        };
        let started = self.tasks.spawn_on(start, &self.runtime).await;
        let error: Box<dyn std::error::Error + Send + Sync> = match started {
            Ok(Ok(store)) => return Ok(store),
            Ok(Err(error)) => error.into(),
            Err(panic) => panic.into(),
        };
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        Err(does_not_start(Some(error)))
    }

    fn failed(&self) -> Option<Instant> {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn does_not_start(source: Option<Box<dyn std::error::Error + Send + Sync>>) -> StateError {
    StateError::Unavailable {
        reason: "its component does not start".to_owned(),
        source,
    }
}

/// What a write asks for.
fn needs_of_set(item: &SetItem) -> [Option<Feature>; 2] {
    let etags = (item.condition != Condition::Any).then_some(Feature::Etags);
    [etags, item.ttl.map(|_| Feature::Ttl)]
}

fn needs_of_delete(item: &DeleteItem) -> Option<Feature> {
    item.etag.as_ref().map(|_| Feature::Etags)
}

#[async_trait]
impl StateStore for FirstUseStore {
    fn features(&self) -> Features {
        self.late.store.get().map_or(Features::ALL, |store| store.features())
    }

    fn limits(&self) -> Limits {
        self.late
            .store
            .get()
            .map_or_else(Limits::default, |store| store.limits())
    }

    fn of_app(&self, app: &str) -> Option<Arc<dyn StateStore>> {
        Some(Arc::new(Self {
            late: Arc::clone(&self.late),
            caller: app.into(),
            view: OnceCell::new(),
        }))
    }

    fn health(&self) -> Health {
        match (self.late.store.get(), self.late.failed()) {
            (Some(store), _) => store.health(),
            (None, None) => Health::Well,
            (None, Some(_)) => Health::Failing("its component does not start; the log has the cause".to_owned()),
        }
    }

    async fn get(&self, key: &Key, options: &GetOptions) -> Result<Option<Entry>, StateError> {
        self.started().await?.get(key, options).await
    }

    async fn bulk_get(
        &self,
        keys: &[Key],
        options: &GetOptions,
        max_bytes: usize,
    ) -> Result<Vec<Option<Entry>>, StateError> {
        self.started().await?.bulk_get(keys, options, max_bytes).await
    }

    async fn set(&self, item: SetItem) -> Result<(), StateError> {
        let needs = needs_of_set(&item).into_iter().flatten();
        self.with(needs).await?.set(item).await
    }

    async fn bulk_set(&self, items: Vec<SetItem>) -> Result<(), BulkError> {
        let needs: Vec<_> = items.iter().flat_map(needs_of_set).flatten().collect();
        self.with(needs).await?.bulk_set(items).await
    }

    async fn delete(&self, item: DeleteItem) -> Result<(), StateError> {
        self.with(needs_of_delete(&item)).await?.delete(item).await
    }

    async fn bulk_delete(&self, items: Vec<DeleteItem>) -> Result<(), BulkError> {
        let needs: Vec<_> = items.iter().filter_map(needs_of_delete).collect();
        self.with(needs).await?.bulk_delete(items).await
    }

    async fn transact(&self, operations: Vec<Operation>, metadata: &Metadata) -> Result<(), StateError> {
        let mut needs = vec![Feature::Transactions];
        for operation in &operations {
            match operation {
                Operation::Set(item) => needs.extend(needs_of_set(item).into_iter().flatten()),
                Operation::Delete(item) => needs.extend(needs_of_delete(item)),
            }
        }
        self.with(needs).await?.transact(operations, metadata).await
    }

    async fn list_keys(&self, listing: &Listing) -> Result<StoredPage, StateError> {
        self.with([Feature::Listing]).await?.list_keys(listing).await
    }

    async fn close(&self) {
        self.late.tasks.close();
        self.late.tasks.wait().await;
        if let Some(store) = self.late.store.get() {
            store.close().await;
        }
    }
}
