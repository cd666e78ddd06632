//! A provider as a `StateStore`: apps cannot tell it from a built-in one.

use super::answer::{Answer, Declaration, Instances, untrue};
use super::detached::Detached;
use super::instance::Instance;
use super::linked::{Alike, Provider, StartError};
use super::pool::{Broken, Fitness, Pool, Refused};
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
    pool: Pool<Alike>,
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
            (Instances::One, Some(asked)) if asked.get() > 1 => return Err(OpenError::OneInstance(asked)),
            (Instances::One, _) => 1,
            (Instances::Several, Some(asked)) => asked.get(),
            (Instances::Several, None) => std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
        };
        let tasks = TaskTracker::new();
        let start = Alike {
            provider,
            declaration: declaration.clone(),
        };
        Ok(Self {
            served: Arc::new(Served {
                pool: Pool::new(&spec.name, (start, size), first, spec.deadline, tasks.clone()),
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
    async fn call<T, F>(
        &self,
        access: Access,
        work: impl FnOnce(Instance, Arc<str>) -> F + Send + 'static,
    ) -> Result<T, StateError>
    where
        T: Send + 'static,
        F: Future<Output = (Instance, Answer<T>)> + Send + 'static,
    {
        let Served {
            pool,
            deadline,
            tasks,
            runtime,
            ..
        } = &*self.served;
        let lease = pool.acquire(*deadline / 2).await.map_err(refused)?;
        let (deadline, caller) = (*deadline, Arc::clone(&self.caller));
        let call = lease.call(deadline, move |instance| work(instance, caller));
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
    let reason = match refused {
        Refused::Full => return StateError::Throttled,
        // The log has the cause, once.
        Refused::Down => "its component keeps failing and starts again later",
        Refused::Closed => "the host is stopping",
    };
    StateError::Unavailable {
        reason: reason.to_owned(),
        source: None,
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

/// A read's error, as a read may have it: nothing was written, whatever the provider says.
fn of_read(error: StateError) -> StateError {
    match error {
        StateError::OutcomeUnknown { reason, source } => StateError::Unavailable { reason, source },
        StateError::EtagMismatch { .. } => untrue("that a condition of a read does not hold"),
        error => error,
    }
}

/// What a call does with its instance, which it gives back.
macro_rules! on {
    (|$instance:ident, $app:ident| $call:expr) => {
        move |mut $instance: Instance, $app: Arc<str>| async move {
            let answer = $call.await;
            ($instance, answer)
        }
    };
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
        match self.served.pool.fitness() {
            Fitness::Well => Health::Well,
            // The causes may be the server's own words, and are for the log.
            Fitness::Failing { failures } => Health::Failing(format!(
                "its component failed {failures} times in a row; the log has the causes"
            )),
        }
    }

    async fn get(&self, key: &Key, options: &GetOptions) -> Result<Option<Entry>, StateError> {
        let (key, options) = (key.clone(), options.clone());
        let found = self.call(Access::Read, on!(|instance, app| instance.get(&app, &key, &options)));
        self.featured(found.await?.map_err(of_read)?)
    }

    async fn bulk_get(
        &self,
        keys: &[Key],
        options: &GetOptions,
        max_bytes: usize,
    ) -> Result<Vec<Option<Entry>>, StateError> {
        let (keys, options) = (keys.to_vec(), options.clone());
        let found = self.call(
            Access::Read,
            on!(|instance, app| instance.bulk_get(&app, &keys, &options, max_bytes)),
        );
        let found = found.await?.map_err(of_read)?;
        found.into_iter().map(|entry| self.featured(entry)).collect()
    }

    async fn set(&self, item: SetItem) -> Result<(), StateError> {
        let done = self.call(Access::Write, on!(|instance, app| instance.set(&app, item)));
        done.await?
    }

    async fn bulk_set(&self, items: Vec<SetItem>) -> Result<(), BulkError> {
        let done = self.call(Access::Write, on!(|instance, app| instance.bulk_set(&app, items)));
        done.await?
    }

    async fn delete(&self, item: DeleteItem) -> Result<(), StateError> {
        let done = self.call(Access::Write, on!(|instance, app| instance.delete(&app, item)));
        done.await?
    }

    async fn bulk_delete(&self, items: Vec<DeleteItem>) -> Result<(), BulkError> {
        let done = self.call(Access::Write, on!(|instance, app| instance.bulk_delete(&app, items)));
        done.await?
    }

    async fn transact(&self, operations: Vec<Operation>, metadata: &Metadata) -> Result<(), StateError> {
        let metadata = metadata.clone();
        let done = self.call(
            Access::Write,
            on!(|instance, app| instance.transact(&app, operations, &metadata)),
        );
        done.await?
    }

    async fn list_keys(&self, listing: &Listing) -> Result<StoredPage, StateError> {
        let listing = listing.clone();
        let page = self.call(Access::Read, on!(|instance, app| instance.list_keys(&app, &listing)));
        page.await?.map_err(of_read)
    }

    async fn close(&self) {
        self.served.pool.close().await;
    }
}
