//! A provider as a `StateStore`: apps cannot tell it from a built-in one.

use super::detached::Detached;
use super::instance::{self, Answer, Declaration, Instance, untrue};
use super::linked::{Instances, Provider, StartError};
use super::pool::{Broken, Condition, Pool, Refused, Work};
use async_trait::async_trait;
use dapr_blocks::state::{
    BulkError, DeleteItem, Entry, Features, GetOptions, Health, Key, Limits, Listing, Metadata, Operation, SetItem,
    StateError, StateStore, StoredPage,
};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

/// Why a provider cannot be used as it is configured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Its first instance does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// More instances are asked for than it allows.
    #[error("it keeps what is stored in its one instance, and {0} are asked for")]
    OneInstance(NonZeroUsize),
}

/// A store whose vendor is a provider.
pub struct ProviderStore {
    served: Arc<Served>,
    /// The app id of whoever asks.
    caller: Arc<str>,
}

/// What the views of all apps share.
struct Served {
    pool: Pool<Instances>,
    declaration: Declaration,
    deadline: Duration,
    tasks: TaskTracker,
    runtime: Handle,
}

/// What a call that was begun and has no answer may have done.
#[derive(Clone, Copy)]
enum Access {
    Read,
    Write,
}

impl ProviderStore {
    /// Starts the first instance of a provider.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if it does not start, or does not allow what is configured.
    pub async fn open(provider: Provider) -> Result<Self, OpenError> {
        let spec = provider.spec().clone();
        let (first, declaration) = provider.start().await?;
        let size = match (declaration.instances, spec.instances) {
            (instance::Instances::One, Some(asked)) if asked.get() > 1 => return Err(OpenError::OneInstance(asked)),
            (instance::Instances::One, _) => 1,
            (instance::Instances::Several, Some(asked)) => asked.get(),
            (instance::Instances::Several, None) => std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
        };
        let tasks = TaskTracker::new();
        let start = Instances {
            provider,
            declaration: declaration.clone(),
        };
        Ok(Self {
            served: Arc::new(Served {
                pool: Pool::new(&spec.name, start, size, first, tasks.clone()),
                declaration,
                deadline: spec.deadline,
                tasks,
                runtime: Handle::current(),
            }),
            caller: "".into(),
        })
    }

    /// Makes a call on an instance. It is begun or refused within half of the deadline, so that what is begun has the other
    /// half, and an app is not told that a write which nobody began may have been done.
    async fn call<T: Send + 'static>(
        &self,
        access: Access,
        work: impl for<'a> FnOnce(&'a mut Instance, Arc<str>) -> Work<'a, T> + Send + 'static,
    ) -> Result<T, StateError> {
        let Served {
            pool,
            deadline,
            tasks,
            runtime,
            ..
        } = &*self.served;
        let lease = pool.acquire(*deadline / 2).await.map_err(refused)?;
        let (deadline, caller) = (*deadline, Arc::clone(&self.caller));
        let call = async move { lease.call(deadline, move |instance| work(instance, caller)).await };
        Detached::new(call, tasks, runtime)
            .await
            .map_err(|broken| unanswered(access, broken))
    }

    /// The entry, as far as the provider's features go.
    fn featured(&self, entry: Option<Entry>) -> Result<Option<Entry>, StateError> {
        let Some(mut entry) = entry else {
            return Ok(None);
        };
        match (self.served.declaration.features.etags, &entry.etag) {
            (false, _) => entry.etag = None,
            (true, None) => return Err(untrue("an item without an etag, although it declares etags")),
            (true, Some(_)) => {}
        }
        Ok(Some(entry))
    }
}

fn refused(refused: Refused) -> StateError {
    let unavailable = |reason: &str, cause: Option<Arc<str>>| StateError::Unavailable {
        reason: reason.to_owned(),
        source: cause.map(|cause| cause.to_string().into()),
    };
    match refused {
        Refused::Full => StateError::Throttled,
        Refused::Down(cause) => unavailable("its component keeps failing and starts again later", Some(cause)),
        Refused::Closed => unavailable("the host is stopping", None),
    }
}

fn unanswered(access: Access, broken: Broken) -> StateError {
    let reason = match &broken {
        Broken::Trapped(_) => "its component failed during the call".to_owned(),
        Broken::TooSlow(deadline) => format!("no answer within {deadline:?}"),
    };
    let source = Some(broken.into());
    match access {
        Access::Read => StateError::Unavailable { reason, source },
        Access::Write => StateError::OutcomeUnknown { reason, source },
    }
}

/// A call that answers, in the form in which the pool takes it.
fn boxed<'a, T>(call: impl Future<Output = Answer<T>> + Send + 'a) -> Work<'a, T> {
    Box::pin(call)
}

#[async_trait]
impl StateStore for ProviderStore {
    fn features(&self) -> Features {
        self.served.declaration.features
    }

    fn limits(&self) -> Limits {
        self.served.declaration.limits
    }

    fn of_app(&self, app: &str) -> Option<Arc<dyn StateStore>> {
        Some(Arc::new(Self {
            served: Arc::clone(&self.served),
            caller: app.into(),
        }))
    }

    fn health(&self) -> Health {
        match self.served.pool.condition() {
            Condition::Well => Health::Well,
            Condition::Failing { failures, cause } => Health::Failing(format!("{failures} times in a row: {cause}")),
        }
    }

    async fn get(&self, key: &Key, options: &GetOptions) -> Result<Option<Entry>, StateError> {
        let (key, options) = (key.clone(), options.clone());
        let found = self.call(Access::Read, move |instance, app| {
            boxed(async move { instance.get(&app, &key, &options).await })
        });
        self.featured(found.await??)
    }

    async fn bulk_get(
        &self,
        keys: &[Key],
        options: &GetOptions,
        max_bytes: usize,
    ) -> Result<Vec<Option<Entry>>, StateError> {
        let (keys, options) = (keys.to_vec(), options.clone());
        let found = self.call(Access::Read, move |instance, app| {
            boxed(async move { instance.bulk_get(&app, &keys, &options, max_bytes).await })
        });
        let found = found.await??;
        found.into_iter().map(|entry| self.featured(entry)).collect()
    }

    async fn set(&self, item: SetItem) -> Result<(), StateError> {
        let done = self.call(Access::Write, move |instance, app| {
            boxed(async move { instance.set(&app, item).await })
        });
        done.await?
    }

    async fn bulk_set(&self, items: Vec<SetItem>) -> Result<(), BulkError> {
        let done = self.call(Access::Write, move |instance, app| {
            boxed(async move { instance.bulk_set(&app, items).await })
        });
        done.await?
    }

    async fn delete(&self, item: DeleteItem) -> Result<(), StateError> {
        let done = self.call(Access::Write, move |instance, app| {
            boxed(async move { instance.delete(&app, item).await })
        });
        done.await?
    }

    async fn bulk_delete(&self, items: Vec<DeleteItem>) -> Result<(), BulkError> {
        let done = self.call(Access::Write, move |instance, app| {
            boxed(async move { instance.bulk_delete(&app, items).await })
        });
        done.await?
    }

    async fn transact(&self, operations: Vec<Operation>, metadata: &Metadata) -> Result<(), StateError> {
        let metadata = metadata.clone();
        let done = self.call(Access::Write, move |instance, app| {
            boxed(async move { instance.transact(&app, operations, &metadata).await })
        });
        done.await?
    }

    async fn list_keys(&self, listing: &Listing) -> Result<StoredPage, StateError> {
        let listing = listing.clone();
        let page = self.call(Access::Read, move |instance, app| {
            boxed(async move { instance.list_keys(&app, &listing).await })
        });
        page.await?
    }

    async fn close(&self) {
        self.served.pool.close().await;
    }
}
