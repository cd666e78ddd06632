//! Connections: at most so many at once, made when they are needed, and closed when nobody has needed them for a while.
//!
//! A call has a connection to itself. One is given back only after the whole answer to what was asked: where the call was
//! dropped, ran out of time or broke, nobody knows what is still to come on it, and it is closed.

use super::fault::{Fault, Stage};
use super::server::Connector;
use super::session::Session;
use super::settings::PostgresqlSettings;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, SemaphorePermit};

/// The connections of a store.
pub(super) struct Pool {
    connector: Connector,
    settings: PostgresqlSettings,
    places: Semaphore,
    /// Those that nobody uses, the last one used at the end.
    idle: Mutex<Vec<Idle>>,
    max_idle: Duration,
}

struct Idle {
    session: Session,
    since: Instant,
}

/// A connection that is in use. Dropping it closes the connection.
pub(super) struct Lease<'p> {
    pool: &'p Pool,
    session: Session,
    _place: SemaphorePermit<'p>,
}

impl Pool {
    pub(super) fn new(connector: Connector, settings: PostgresqlSettings, first: Session) -> Self {
        let first = Idle {
            session: first,
            since: Instant::now(),
        };
        Self {
            connector,
            places: Semaphore::new(settings.max_connections.get() as usize),
            max_idle: settings.max_idle,
            settings,
            idle: Mutex::new(vec![first]),
        }
    }

    /// A connection, once there is a place.
    pub(super) async fn lease(&self) -> Result<Lease<'_>, Fault> {
        let place = self.places.acquire().await.map_err(|_| Fault::Closed)?;
        let session = match self.idle_session() {
            Some(session) => session,
            None => {
                let session = Session::open(&self.connector, &self.settings).await;
                session.map_err(|error| Fault::new(error, Stage::Connect))?
            }
        };
        Ok(Lease {
            pool: self,
            session,
            _place: place,
        })
    }

    /// The last one used that is still open.
    fn idle_session(&self) -> Option<Session> {
        let mut idle = self.idle();
        while let Some(Idle { session, since }) = idle.pop() {
            if !session.is_closed() && since.elapsed() < self.max_idle {
                return Some(session);
            }
        }
        None
    }

    /// Closes those that nobody has used for a while, and those that are broken.
    pub(super) fn prune(&self) {
        self.idle()
            .retain(|idle| !idle.session.is_closed() && idle.since.elapsed() < self.max_idle);
    }

    /// Closes all that nobody uses: one of them was found broken.
    pub(super) fn forget(&self) {
        self.idle().clear();
    }

    /// Ends all, and those in use once their calls have.
    pub(super) fn close(&self) {
        self.places.close();
        self.forget();
    }

    // Nothing panics while it holds the lock.
    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease<'_> {
    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// Gives the connection back: all that was asked on it is answered.
    pub(super) fn give_back(self) {
        let Self { pool, session, .. } = self;
        if session.is_closed() || pool.places.is_closed() {
            return;
        }
        pool.idle().push(Idle {
            session,
            since: Instant::now(),
        });
    }
}
