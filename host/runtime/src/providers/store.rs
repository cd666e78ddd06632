//! A provider as a `StateStore`: apps cannot tell it from a built-in one.

use super::answer::{Answer, Declaration, Instances, health, of_read, refused, within_features};
use super::detached::Detached;
use super::instance::Instance;
use super::linked::{Alike, Provider, StartError};
use super::pool::{Broken, Pool};
use super::serving::LoopStore;
use async_trait::async_trait;
use dapr_blocks::state::{
    BulkError, DeleteItem, Entry, Features, GetOptions, Health, Key, Limits, Listing, Metadata, Operation, SetItem,
    StateError, StateStore, StoredPage,
};
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
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

/// Starts the first instance of a provider, of whichever form.
///
/// # Errors
///
/// [`OpenError`] if it does not start, or does not allow what is configured.
pub async fn open(provider: Provider) -> Result<Arc<dyn StateStore>, OpenError> {
    Ok(match provider.in_a_loop() {
        Some(provider) => {
            let asked = provider.spec().instances;
            Arc::new(LoopStore::open(provider, |declaration| size(asked, declaration)).await?)
        }
        None => Arc::new(ProviderStore::open(provider).await?),
    })
}

/// What opens a provider, each time that it is called.
pub fn opener(provider: Provider) -> impl Fn() -> Opening + Send + Sync + 'static {
    move || Box::pin(open(provider.clone()))
}

/// A store that is being opened.
pub type Opening = Pin<Box<dyn Future<Output = Result<Arc<dyn StateStore>, OpenError>> + Send>>;

/// How many instances there may be.
fn size(asked: Option<NonZeroUsize>, declaration: &Declaration) -> Result<usize, OpenError> {
    match (declaration.instances, asked) {
        (Instances::One, Some(asked)) if asked.get() > 1 => Err(OpenError::OneInstance(asked)),
        (Instances::One, _) => Ok(1),
        (Instances::Several, Some(asked)) => Ok(asked.get()),
        (Instances::Several, None) => Ok(std::thread::available_parallelism().map_or(1, NonZeroUsize::get)),
    }
}

/// A store whose vendor is a provider that is called.
struct ProviderStore {
    served: Arc<Served>,
    /// The app id of whoever asks.
    caller: Arc<str>,
}

/// What the views of all apps share.
struct Served {
    pool: Pool<Alike>,
    /// The most instances at once.
    instances: usize,
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
    async fn open(provider: Provider) -> Result<Self, OpenError> {
        let spec = provider.spec().clone();
        let (first, declaration) = provider.start().await?;
        let size = size(spec.instances, &declaration)?;
        let tasks = TaskTracker::new();
        let start = Alike {
            provider,
            declaration: declaration.clone(),
        };
        Ok(Self {
            served: Arc::new(Served {
                pool: Pool::new(&spec.name, (start, size), first, spec.deadline, tasks.clone()),
                instances: size,
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
        let lease = pool.acquire(*deadline / 2).await.map_err(|why| refused(&why))?;
        let (deadline, caller) = (*deadline, Arc::clone(&self.caller));
        let call = lease.call(deadline, move |instance| work(instance, caller));
        Detached::new(call, tasks, runtime)
            .await
            .map_err(|broken| unanswered(access, broken))
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

    fn bounds(&self) -> Option<String> {
        Some(match self.served.instances {
            1 => "1 instance".to_owned(),
            instances => format!("{instances} instances at most"),
        })
    }

    fn health(&self) -> Health {
        health(self.served.pool.fitness())
    }

    async fn get(&self, key: &Key, options: &GetOptions) -> Result<Option<Entry>, StateError> {
        let (key, options) = (key.clone(), options.clone());
        let found = self.call(Access::Read, on!(|instance, app| instance.get(&app, &key, &options)));
        within_features(self.features(), found.await?.map_err(of_read)?)
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
        let features = self.features();
        found
            .into_iter()
            .map(|entry| within_features(features, entry))
            .collect()
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
