//! Open connections, bounded: at the limit the longest-idle one is closed for the next.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long one connection may take to make room before the next is told to. Longer than it takes to send what says that
/// a connection closes, so that no more are closed than have to be.
const MAKES_ROOM_WITHIN: Duration = Duration::from_millis(150);

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
    /// Tells the connection to finish the requests that it has, if any, and close.
    pub(super) close: CancellationToken,
}

#[derive(Clone, Copy)]
enum Activity {
    /// Without anything to do since then.
    Idle(Instant),
    /// With this many requests, or answers that the client does not take.
    Busy(usize),
}

/// An open connection's place. Given back when dropped.
pub(super) struct Place {
    pub(super) connection: Arc<Connection>,
    connections: Connections,
    _room: OwnedSemaphorePermit,
}

/// Something under way on a connection. Over when dropped.
pub(super) struct Busy(Arc<Connection>);

impl Connections {
    pub(super) fn new(max: usize) -> Self {
        Self {
            room: Arc::new(Semaphore::new(max)),
            open: Arc::default(),
        }
    }

    /// A place for the connection `id`: at once, or when one that is idle has closed, or when any has.
    pub(super) async fn place(&self, id: u64) -> Place {
        let room = match Arc::clone(&self.room).try_acquire_owned() {
            Ok(room) => room,
            Err(_) => self.make_room().await,
        };
        let connection = Arc::new(Connection {
            id,
            activity: Mutex::new(Activity::Idle(Instant::now())),
            close: CancellationToken::new(),
        });
        self.open().insert(id, Arc::clone(&connection));
        Place {
            connection,
            connections: self.clone(),
            _room: room,
        }
    }

    /// Closes idle connections, the longest-idle one first, until there is a place. One that became idle only now counts,
    /// too.
    async fn make_room(&self) -> OwnedSemaphorePermit {
        loop {
            self.close_longest_idle();
            let room = Arc::clone(&self.room).acquire_owned();
            if let Ok(room) = tokio::time::timeout(MAKES_ROOM_WITHIN, room).await {
                return room.expect("the semaphore is never closed");
            }
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
    /// Counts something under way on this connection until it is dropped.
    pub(super) fn busy(self: &Arc<Self>) -> Busy {
        let mut activity = self.activity();
        *activity = match *activity {
            Activity::Idle(_) => Activity::Busy(1),
            Activity::Busy(requests) => Activity::Busy(requests + 1),
        };
        drop(activity);
        Busy(Arc::clone(self))
    }

    /// Ready when the connection has been idle for as long as this.
    ///
    /// Looks now and then, so that a request costs no timer.
    pub(super) async fn idle_for(&self, patience: Duration) {
        loop {
            let look = match *self.activity() {
                Activity::Idle(since) => since + patience,
                Activity::Busy(_) => Instant::now() + patience,
            };
            if look <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(look).await;
        }
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

    #[tokio::test(start_paused = true)]
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

    #[tokio::test(start_paused = true)]
    async fn one_that_does_not_make_room_is_not_waited_for() {
        let connections = Connections::new(2);
        let _first = connections.place(1).await;
        let second = connections.place(2).await;
        let waiting = tokio::spawn({
            let connections = connections.clone();
            async move { connections.place(3).await }
        });
        second.connection.close.cancelled().await;
        drop(second);
        drop(waiting.await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_becomes_idle_while_another_waits_makes_room() {
        let connections = Connections::new(1);
        let only = connections.place(1).await;
        let busy = only.connection.busy();
        let waiting = tokio::spawn({
            let connections = connections.clone();
            async move { connections.place(2).await }
        });
        tokio::time::sleep(10 * MAKES_ROOM_WITHIN).await;
        assert!(!only.connection.close.is_cancelled());
        drop(busy);
        only.connection.close.cancelled().await;
        drop(only);
        drop(waiting.await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_from_the_end_of_its_last_request() {
        const PATIENCE: Duration = Duration::from_secs(10);
        let connections = Connections::new(1);
        let place = connections.place(1).await;
        let begun = Instant::now();
        let busy = place.connection.busy();
        tokio::spawn(async move {
            tokio::time::sleep(3 * PATIENCE / 2).await;
            drop(busy);
        });
        place.connection.idle_for(PATIENCE).await;
        assert_eq!(begun.elapsed().as_secs(), 25);
    }
}
