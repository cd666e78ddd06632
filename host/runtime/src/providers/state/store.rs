//! A provider as a `StateStore`: apps cannot tell it from a built-in one.

use super::answer::{keep_finding, of_read, refused, within_features};
use super::instance::Instance;
use super::provider::Provider;
use super::serving::LoopStore;
use crate::providers::answer::{Answer, Heard};
use crate::providers::called::{Called, Uncalled, broken};
use crate::providers::start::OpenError;
use async_trait::async_trait;
use dapr_blocks::state::{
    BulkError, DeleteItem, Entry, Features, GetOptions, Health, Key, Limits, Listing, Metadata, Operation, SetItem,
    StateError, StateStore, StoredPage,
};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// Starts the first instance of a provider, of whichever form.
///
/// # Errors
///
/// [`OpenError`] if it does not start, or does not allow what is configured.
pub async fn open(provider: Provider) -> Result<Arc<dyn StateStore>, OpenError> {
    Ok(match provider.in_a_loop() {
        Some(provider) => Arc::new(LoopStore::open(provider).await?),
        None => Arc::new(ProviderStore::open(provider).await?),
    })
}

/// What opens a provider, each time that it is called.
pub fn opener(provider: Provider) -> impl Fn() -> Opening + Send + Sync + 'static {
    move || Box::pin(open(provider.clone()))
}

/// A store that is being opened.
pub type Opening = Pin<Box<dyn Future<Output = Result<Arc<dyn StateStore>, OpenError>> + Send>>;

/// A store whose vendor is a provider that is called.
struct ProviderStore {
    /// What the views of all apps share.
    called: Arc<Called<Provider>>,
    /// The app id of whoever asks.
    caller: Arc<str>,
    /// Asks for an app while the server is away.
    _finds: Option<AbortOnDropHandle<()>>,
}

/// What a call that was begun and has no answer may have done.
#[derive(Clone, Copy)]
enum Access {
    Read,
    Write,
}

impl ProviderStore {
    async fn open(provider: Provider) -> Result<Self, OpenError> {
        let spec = provider.linked().spec().clone();
        Ok(Self {
            called: Arc::new(Called::open(provider, &spec).await?),
            caller: "".into(),
            _finds: None,
        })
    }

    fn view(&self, app: &str, finds: Option<AbortOnDropHandle<()>>) -> Self {
        Self {
            called: Arc::clone(&self.called),
            caller: app.into(),
            _finds: finds,
        }
    }

    /// Makes a call on an instance.
    async fn call<T, F>(
        &self,
        access: Access,
        work: impl FnOnce(Instance, Arc<str>) -> F + Send + 'static,
    ) -> Result<T, StateError>
    where
        T: Heard + Send + 'static,
        F: Future<Output = (Instance, Answer<T>)> + Send + 'static,
    {
        let caller = Arc::clone(&self.caller);
        let answered = self.called.call(move |instance| work(instance, caller));
        answered.await.map_err(|uncalled| unanswered(access, uncalled))
    }
}

fn unanswered(access: Access, uncalled: Uncalled) -> StateError {
    let cause = match uncalled {
        Uncalled::Refused(why) => return refused(&why),
        Uncalled::Broken(cause) => cause,
    };
    let (reason, source) = (broken(&cause), Some(cause.into()));
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
        self.called.declaration().features
    }

    fn limits(&self) -> Limits {
        self.called.declaration().limits
    }

    fn of_app(&self, app: &str) -> Option<Arc<dyn StateStore>> {
        let asks = self.view(app, None);
        let finds = async move { keep_finding(asks.called.pulse(), &asks).await };
        let finds = AbortOnDropHandle::new(self.called.runtime().spawn(finds));
        Some(Arc::new(self.view(app, Some(finds))))
    }

    fn bounds(&self) -> Option<String> {
        Some(self.called.bounds())
    }

    fn health(&self) -> Health {
        self.called.health()
    }

    fn unanswered(&self, since: Instant) {
        self.called.pulse().unanswered(since);
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
        self.called.close().await;
    }
}
