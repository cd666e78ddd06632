//! How many calls may wait for the server, and with how much.

use tokio::sync::{Semaphore, SemaphorePermit, TryAcquireError};

/// Calls and bytes that may be under way.
pub(super) struct Places {
    calls: Semaphore,
    bytes: Semaphore,
    most: Capacity,
}

/// How many may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Capacity {
    pub(super) calls: u32,
    pub(super) bytes: u32,
}

/// A call's place, until it is dropped.
pub(super) struct Place<'a> {
    _call: SemaphorePermit<'a>,
    _bytes: SemaphorePermit<'a>,
}

/// Why a call has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Full,
    Closed,
}

impl Places {
    pub(super) fn new(most: Capacity) -> Self {
        Self {
            calls: Semaphore::new(most.calls as usize),
            bytes: Semaphore::new(most.bytes as usize),
            most,
        }
    }

    /// A place for a call of so many bytes.
    pub(super) fn take(&self, bytes: usize) -> Result<Place<'_>, Refused> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        Ok(Place {
            _call: self.calls.try_acquire().map_err(refused)?,
            _bytes: self.bytes.try_acquire_many(bytes).map_err(refused)?,
        })
    }

    /// Waits until nobody has a place, and gives none any more.
    pub(super) async fn clear(&self) {
        // One that cannot be had is closed already.
        let all = self.calls.acquire_many(self.most.calls).await;
        self.close();
        drop(all);
    }

    /// Gives no place any more.
    pub(super) fn close(&self) {
        self.calls.close();
        self.bytes.close();
    }
}

fn refused(error: TryAcquireError) -> Refused {
    match error {
        TryAcquireError::NoPermits => Refused::Full,
        TryAcquireError::Closed => Refused::Closed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(places: &Places, bytes: usize) -> Result<Place<'_>, Refused> {
        places.take(bytes)
    }

    #[test]
    fn there_are_so_many_places_for_so_many_bytes() {
        let places = Places::new(Capacity { calls: 2, bytes: 100 });
        let first = taken(&places, 60).ok().unwrap();
        assert_eq!(taken(&places, 60).err(), Some(Refused::Full));
        let second = taken(&places, 40).ok().unwrap();
        assert_eq!(taken(&places, 0).err(), Some(Refused::Full));
        drop(first);
        assert!(taken(&places, 60).is_ok());
        drop(second);
        places.close();
        assert_eq!(taken(&places, 0).err(), Some(Refused::Closed));
    }

    #[tokio::test]
    async fn places_are_clear_when_the_last_call_has_gone() {
        let places = Places::new(Capacity { calls: 2, bytes: 100 });
        let place = taken(&places, 1).ok().unwrap();
        let (_, ()) = tokio::join!(places.clear(), async move { drop(place) });
        assert_eq!(taken(&places, 0).err(), Some(Refused::Closed));
    }
}
