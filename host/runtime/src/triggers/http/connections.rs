//! Open connections, bounded: at the limit the longest-idle one is closed for the next.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// The open connections of a server.
#[derive(Clone)]
pub(super) struct Connections {
    room: Arc<Semaphore>,
    open: Arc<Mutex<HashMap<u64, Arc<Connection>>>>,
}

/// One open connection.
pub(super) struct Connection {
    id: u64,
    activity: Mutex<Activity>,
    /// Tells the connection to finish the request that it has, if any, and close.
    pub(super) close: CancellationToken,
    /// Told when the first request has come.
    pub(super) first_request: Notify,
}

#[derive(Clone, Copy)]
enum Activity {
    /// Without a request since then.
    Idle(Instant),
    /// With this many requests.
    Busy(usize),
}

/// An open connection's place. Given back when dropped.
pub(super) struct Place {
    pub(super) connection: Arc<Connection>,
    connections: Connections,
    _room: OwnedSemaphorePermit,
}

/// A request on a connection. Over when dropped.
pub(super) struct Busy(Arc<Connection>);

impl Connections {
    pub(super) fn new(max: usize) -> Self {
        Self {
            room: Arc::new(Semaphore::new(max)),
            open: Arc::default(),
        }
    }

    /// A place for the connection `id`: at once, or when the longest-idle one has closed, or when any has.
    pub(super) async fn place(&self, id: u64) -> Place {
        let room = match Arc::clone(&self.room).try_acquire_owned() {
            Ok(room) => room,
            Err(_) => {
                self.close_longest_idle();
                Arc::clone(&self.room)
                    .acquire_owned()
                    .await
                    .expect("the semaphore is never closed")
            }
        };
        let connection = Arc::new(Connection {
            id,
            activity: Mutex::new(Activity::Idle(Instant::now())),
            close: CancellationToken::new(),
            first_request: Notify::new(),
        });
        self.open().insert(id, Arc::clone(&connection));
        Place {
            connection,
            connections: self.clone(),
            _room: room,
        }
    }

    /// Tells all connections to close.
    pub(super) fn close_all(&self) {
        for connection in self.open().values() {
            connection.close.cancel();
        }
    }

    fn close_longest_idle(&self) {
        let open = self.open();
        let idle = open.values().filter(|connection| !connection.close.is_cancelled());
        let idle = idle.filter_map(|connection| match *connection.activity() {
            Activity::Idle(since) => Some((since, connection)),
            Activity::Busy(_) => None,
        });
        if let Some((_, connection)) = idle.min_by_key(|(since, _)| *since) {
            connection.close.cancel();
        }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u64, Arc<Connection>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.open().remove(&self.connection.id);
    }
}

impl Connection {
    /// Counts a request on this connection until it is dropped.
    pub(super) fn busy(self: &Arc<Self>) -> Busy {
        let mut activity = self.activity();
        *activity = match *activity {
            Activity::Idle(_) => Activity::Busy(1),
            Activity::Busy(requests) => Activity::Busy(requests + 1),
        };
        drop(activity);
        self.first_request.notify_one();
        Busy(Arc::clone(self))
    }

    fn activity(&self) -> MutexGuard<'_, Activity> {
        self.activity.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut activity = self.0.activity();
        *activity = match *activity {
            Activity::Idle(_) | Activity::Busy(0 | 1) => Activity::Idle(Instant::now()),
            Activity::Busy(requests) => Activity::Busy(requests - 1),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn at_the_limit_the_longest_idle_connection_makes_room() {
        let connections = Connections::new(2);
        let first = connections.place(1).await;
        let second = connections.place(2).await;
        let busy = first.connection.busy();
        let waiting = tokio::spawn({
            let connections = connections.clone();
            async move { connections.place(3).await }
        });
        second.connection.close.cancelled().await;
        assert!(!first.connection.close.is_cancelled(), "a busy connection stays");
        drop(second);
        drop(waiting.await.unwrap());
        drop(busy);
    }
}
