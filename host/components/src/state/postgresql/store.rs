//! The store: requests, and what becomes of them.

use super::cleanup::Cleanup;
use super::fault::{Fault, Stage};
use super::listing::Page;
use super::open_error::OpenError;
use super::pool::Pool;
use super::read::{BulkGet, Get};
use super::schema;
use super::server::Connector;
use super::session::Session;
use super::settings::PostgresqlSettings;
use super::write::{Delete, DeleteEach, NotDone, Set, SetEach, Transact};
use async_trait::async_trait;
use dapr_blocks::Pulse;
use dapr_blocks::state::{
    BulkError, DeleteItem, Entry, Features, GetOptions, Health, ItemError, Key, Listing, Metadata, Operation, SetItem,
    StateError, StateStore, StoredPage,
};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// A store in a PostgreSQL database.
pub struct PostgresqlStore {
    shared: Arc<Shared>,
    /// None: whoever has it only looks at it.
    cleanup: Option<Cleanup>,
}

/// What calls share with the cleanup.
pub(super) struct Shared {
    pub(super) pool: Pool,
    pub(super) settings: PostgresqlSettings,
    /// Whether the server answers.
    pub(super) pulse: Pulse,
}

/// Something that is asked of the server.
pub(super) trait Request: Sync {
    /// What it answers.
    type Answer: Send;

    /// Whether it reads or writes.
    const STAGE: Stage;

    /// Asks on a connection, and waits for the whole answer.
    fn ask(&self, session: &Session) -> impl Future<Output = Result<Self::Answer, Fault>> + Send;
}

impl PostgresqlStore {
    /// Connects, and brings the tables to the layout that this host knows.
    ///
    /// # Errors
    ///
    /// [`OpenError`] names the server, and what is wrong with it or with the way to it.
    pub async fn open(settings: &PostgresqlSettings) -> Result<Self, OpenError> {
        let connector = settings.server.connector().await?;
        let session = in_time(settings, Box::pin(schema::open(&connector, settings))).await?;
        let shared = Shared::new(connector, settings, session);
        Ok(Self {
            cleanup: Some(Cleanup::start(Arc::clone(&shared))),
            shared,
        })
    }

    /// Connects, and looks at the tables: makes none, and removes nothing that has ended. None: some are missing, which
    /// [`PostgresqlStore::open`] makes.
    ///
    /// # Errors
    ///
    /// As [`PostgresqlStore::open`].
    pub async fn look(settings: &PostgresqlSettings) -> Result<Option<Self>, OpenError> {
        let connector = settings.server.connector().await?;
        let session = in_time(settings, Box::pin(schema::look(&connector, settings))).await?;
        Ok(session.map(|session| Self {
            shared: Shared::new(connector, settings, session),
            cleanup: None,
        }))
    }

    async fn ask<R: Request>(&self, request: R) -> Result<R::Answer, StateError> {
        let timeout = self.shared.settings.timeout;
        self.shared.ask(&request, timeout).await.map_err(Fault::into_error)
    }
}

/// What comes of it within the store's timeout.
async fn in_time<T>(
    settings: &PostgresqlSettings,
    work: impl Future<Output = Result<T, OpenError>>,
) -> Result<T, OpenError> {
    let timeout = settings.timeout;
    let done = tokio::time::timeout(timeout, work).await;
    done.unwrap_or_else(|_| {
        Err(OpenError::TimedOut {
            server: settings.server.to_string(),
            timeout,
        })
    })
}

impl Shared {
    fn new(connector: Connector, settings: &PostgresqlSettings, first: Session) -> Arc<Self> {
        Arc::new(Self {
            pool: Pool::new(connector, settings.clone(), first),
            settings: settings.clone(),
            pulse: Pulse::default(),
        })
    }

    /// Asks once: what fails is tried again by the store's policy, which knows how often and what is safe.
    pub(super) async fn ask<R: Request>(&self, request: &R, timeout: Duration) -> Result<R::Answer, Fault> {
        let begun = Instant::now();
        let asked = self.ask_in(request, begun, timeout).await;
        self.note(begun, asked.as_ref().err());
        if asked.as_ref().err().is_some_and(Fault::breaks_connections) {
            // So that the next attempt does not find the next one that is broken.
            self.pool.forget();
        }
        asked
    }

    async fn ask_in<R: Request>(&self, request: &R, begun: Instant, timeout: Duration) -> Result<R::Answer, Fault> {
        let deadline = begun + timeout;
        let timed_out = |stage| Fault::TimedOut { after: timeout, stage };
        let lease = timeout_at(deadline, self.pool.lease()).await;
        let lease = lease.map_err(|_| timed_out(Stage::Connect))??;
        let asked = timeout_at(deadline, request.ask(lease.session())).await;
        let asked = asked.unwrap_or_else(|_| Err(timed_out(R::STAGE)));
        if asked.as_ref().err().is_none_or(Fault::leaves_connection) {
            lease.give_back();
        }
        asked
    }

    /// Remembers whether the server answers.
    fn note(&self, begun: Instant, fault: Option<&Fault>) {
        match fault {
            Some(Fault::Closed) => {}
            Some(Fault::TimedOut { .. }) => self.pulse.unanswered(begun),
            fault => match fault.and_then(Fault::silence) {
                None => self.pulse.answered(),
                Some(reason) => self.pulse.silent(reason),
            },
        }
    }
}

#[async_trait]
impl StateStore for PostgresqlStore {
    fn features(&self) -> Features {
        Features::ALL
    }

    fn bounds(&self) -> Option<String> {
        Some(format!("{} connections", self.shared.settings.max_connections))
    }

    fn health(&self) -> Health {
        self.shared.pulse.health()
    }

    fn unanswered(&self, since: Instant) {
        self.shared.pulse.unanswered(since);
    }

    async fn get(&self, key: &Key, _options: &GetOptions) -> Result<Option<Entry>, StateError> {
        self.ask(Get(key)).await
    }

    /// Answers one state of the database: no write comes between two of the items.
    async fn bulk_get(
        &self,
        keys: &[Key],
        _options: &GetOptions,
        max_bytes: usize,
    ) -> Result<Vec<Option<Entry>>, StateError> {
        self.ask(BulkGet { keys, max_bytes }).await
    }

    async fn set(&self, item: SetItem) -> Result<(), StateError> {
        self.ask(Set::new(item, &self.shared.settings.layout)).await
    }

    async fn bulk_set(&self, items: Vec<SetItem>) -> Result<(), BulkError> {
        let keys = items.iter().map(|item| item.key.clone()).collect();
        let request = SetEach::new(items, &self.shared.settings.layout);
        bulk(keys, self.ask(request).await?)
    }

    async fn delete(&self, item: DeleteItem) -> Result<(), StateError> {
        self.ask(Delete(item)).await
    }

    async fn bulk_delete(&self, items: Vec<DeleteItem>) -> Result<(), BulkError> {
        let keys = items.iter().map(|item| item.key.clone()).collect();
        bulk(keys, self.ask(DeleteEach(items)).await?)
    }

    async fn transact(&self, mut operations: Vec<Operation>, _metadata: &Metadata) -> Result<(), StateError> {
        match operations.pop() {
            Some(Operation::Set(item)) if operations.is_empty() => self.set(item).await,
            Some(Operation::Delete(item)) if operations.is_empty() => self.delete(item).await,
            last => {
                operations.extend(last);
                self.ask(Transact::new(operations, &self.shared.settings.layout)).await
            }
        }
    }

    async fn list_keys(&self, listing: &Listing) -> Result<StoredPage, StateError> {
        self.ask(Page(listing)).await
    }

    async fn close(&self) {
        if let Some(cleanup) = &self.cleanup {
            cleanup.stop();
        }
        self.shared.pool.close();
    }
}

/// The result of a bulk write, of which these were not done.
fn bulk(keys: Vec<Key>, not_done: NotDone) -> Result<(), BulkError> {
    let failed = |(index, key): (usize, Key)| {
        let key = Some(key.into_string());
        not_done.contains(&index).then_some(ItemError {
            index,
            error: StateError::EtagMismatch { key },
        })
    };
    let failed: Vec<_> = keys.into_iter().enumerate().filter_map(failed).collect();
    match failed.is_empty() {
        true => Ok(()),
        false => Err(BulkError::Items(failed)),
    }
}
