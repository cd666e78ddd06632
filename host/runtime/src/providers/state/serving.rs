//! The fleet as a `StateStore`: apps cannot tell it from a built-in one.

use super::answer::keep_finding;
use super::answer::{of_read, refused, untrue, within_features};
use super::contract;
use super::requests::{Asked, BulkGetRequest, Call, GetRequest, Response, State, TransactRequest};
use crate::providers::answer::silent;
use crate::providers::serving::{Fleet, LoopProvider, Silent, Unanswered};
use crate::providers::start::OpenError;
use async_trait::async_trait;
use dapr_blocks::state::{
    BulkError, DeleteItem, Entry, Features, GetOptions, Health, Key, Limits, Listing, Metadata, Operation, SetItem,
    StateError, StateStore, StoredPage,
};
use std::sync::Arc;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// A store whose vendor is a provider in the serve-loop form.
pub(super) struct LoopStore {
    fleet: Arc<Fleet<State>>,
    /// The app id of whoever asks.
    caller: Arc<str>,
    /// Asks for an app while the server is away.
    _finds: Option<AbortOnDropHandle<()>>,
}

impl LoopStore {
    /// Starts the first instance of a provider.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if it does not start, or does not allow what is configured.
    pub(super) async fn open(provider: LoopProvider<State>) -> Result<Self, OpenError> {
        Ok(Self {
            fleet: Arc::new(Fleet::open(provider).await?),
            caller: "".into(),
            _finds: None,
        })
    }

    fn view(&self, app: &str, finds: Option<AbortOnDropHandle<()>>) -> Self {
        Self {
            fleet: Arc::clone(&self.fleet),
            caller: app.into(),
            _finds: finds,
        }
    }

    async fn ask(&self, call: Call) -> Result<Result<Response, StateError>, Unanswered> {
        let caller = Arc::clone(&self.caller);
        let reply = self.fleet.call(Asked { caller, call }).await?;
        Ok(reply.map_err(StateError::from))
    }

    async fn read(&self, call: Call) -> Result<Response, StateError> {
        let answered = self.ask(call).await.map_err(|unanswered| match unanswered {
            Unanswered::Refused(why) => refused(&why),
            Unanswered::Silent(why) => unavailable(&why),
        })?;
        answered.map_err(of_read)
    }

    async fn write(&self, call: Call) -> Result<Response, StateError> {
        self.ask(call).await.map_err(|unanswered| match unanswered {
            Unanswered::Refused(why) => refused(&why),
            Unanswered::Silent(why @ Silent::NotBegun(_)) => unavailable(&why),
            Unanswered::Silent(why @ Silent::Begun(_)) => StateError::OutcomeUnknown {
                reason: silent(&why),
                source: None,
            },
        })?
    }

    async fn done(&self, call: Call) -> Result<(), StateError> {
        match self.write(call).await? {
            Response::Done => Ok(()),
            _ => Err(not_asked_of_a_write()),
        }
    }

    async fn each(&self, call: Call, asked: usize) -> Result<(), BulkError> {
        match self.write(call).await? {
            Response::Each(results) => contract::bulk(Ok(results), asked),
            _ => Err(not_asked_of_a_write().into()),
        }
    }

    fn entry(&self, entry: Option<contract::types::Entry>) -> Result<Option<Entry>, StateError> {
        let entry = entry.map(contract::entry).transpose()?;
        within_features(self.features(), entry)
    }
}

fn unavailable(why: &Silent) -> StateError {
    StateError::Unavailable {
        reason: silent(why),
        source: None,
    }
}

fn not_asked() -> StateError {
    untrue("something else than was asked for")
}

/// What was written then, nobody can tell.
fn not_asked_of_a_write() -> StateError {
    StateError::OutcomeUnknown {
        reason: "the store answered something else than was asked for".to_owned(),
        source: None,
    }
}

#[async_trait]
impl StateStore for LoopStore {
    fn features(&self) -> Features {
        self.fleet.declaration().features
    }

    fn limits(&self) -> Limits {
        self.fleet.declaration().limits
    }

    fn of_app(&self, app: &str) -> Option<Arc<dyn StateStore>> {
        let asks = self.view(app, None);
        let finds = async move { keep_finding(asks.fleet.pulse(), &asks).await };
        let finds = AbortOnDropHandle::new(self.fleet.runtime().spawn(finds));
        Some(Arc::new(self.view(app, Some(finds))))
    }

    fn health(&self) -> Health {
        self.fleet.health()
    }

    fn unanswered(&self, since: Instant) {
        self.fleet.pulse().unanswered(since);
    }

    async fn get(&self, key: &Key, options: &GetOptions) -> Result<Option<Entry>, StateError> {
        let call = Call::Get(GetRequest {
            key: key.as_str().to_owned(),
            options: contract::get_options(options),
        });
        match self.read(call).await? {
            Response::Entry(entry) => self.entry(entry),
            _ => Err(not_asked()),
        }
    }

    async fn bulk_get(
        &self,
        keys: &[Key],
        options: &GetOptions,
        max_bytes: usize,
    ) -> Result<Vec<Option<Entry>>, StateError> {
        let call = Call::BulkGet(BulkGetRequest {
            keys: keys.iter().map(|key| key.as_str().to_owned()).collect(),
            options: contract::get_options(options),
            max_bytes: u32::try_from(max_bytes).unwrap_or(u32::MAX),
        });
        match self.read(call).await? {
            Response::Entries(entries) => entries.into_iter().map(|entry| self.entry(entry)).collect(),
            _ => Err(not_asked()),
        }
    }

    async fn set(&self, item: SetItem) -> Result<(), StateError> {
        self.done(Call::Set(contract::set_item(item))).await
    }

    async fn bulk_set(&self, items: Vec<SetItem>) -> Result<(), BulkError> {
        let asked = items.len();
        let items = items.into_iter().map(contract::set_item).collect();
        self.each(Call::BulkSet(items), asked).await
    }

    async fn delete(&self, item: DeleteItem) -> Result<(), StateError> {
        self.done(Call::Delete(contract::delete_item(item))).await
    }

    async fn bulk_delete(&self, items: Vec<DeleteItem>) -> Result<(), BulkError> {
        let asked = items.len();
        let items = items.into_iter().map(contract::delete_item).collect();
        self.each(Call::BulkDelete(items), asked).await
    }

    async fn transact(&self, operations: Vec<Operation>, metadata: &Metadata) -> Result<(), StateError> {
        let call = Call::Transact(TransactRequest {
            operations: operations.into_iter().map(contract::operation).collect(),
            metadata: metadata.clone().into_pairs(),
        });
        self.done(call).await
    }

    async fn list_keys(&self, listing: &Listing) -> Result<StoredPage, StateError> {
        match self.read(Call::ListKeys(contract::listing(listing))).await? {
            Response::Keys(page) => Ok(contract::page(page)),
            _ => Err(not_asked()),
        }
    }

    async fn close(&self) {
        self.fleet.close().await;
    }
}
