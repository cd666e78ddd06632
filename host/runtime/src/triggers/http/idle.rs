//! Instances that wait for their next request. What waits for too long is ended.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

/// What waits, the last one first: fewer of them are kept than the busiest moment needed.
pub(super) struct Idle<T: Send + 'static>(Arc<Resting<T>>);

struct Resting<T> {
    patience: Duration,
    waiting: Mutex<Waiting<T>>,
}

struct Waiting<T> {
    /// Since when, the longest first.
    since: VecDeque<(Instant, T)>,
    /// Whether a task ends what has waited for too long. There is one while something waits.
    is_watched: bool,
}

impl<T: Send + 'static> Idle<T> {
    /// Nothing yet; to be ended after `patience`.
    pub(super) fn new(patience: Duration) -> Self {
        Self(Arc::new(Resting {
            patience,
            waiting: Mutex::new(Waiting {
                since: VecDeque::new(),
                is_watched: false,
            }),
        }))
    }

    pub(super) fn take(&self) -> Option<T> {
        self.0.waiting().since.pop_back().map(|(_, waited)| waited)
    }

    pub(super) fn put(&self, done: T) {
        let now = Instant::now();
        let mut waiting = self.0.waiting();
        waiting.since.push_back((now, done));
        if !std::mem::replace(&mut waiting.is_watched, true) {
            tokio::spawn(watch(Arc::downgrade(&self.0), now + self.0.patience));
        }
    }
}

/// What has waited longest.
enum Oldest<T> {
    /// Is ended.
    Ended(T),
    /// Has time until then.
    Until(Instant),
}

impl<T> Resting<T> {
    /// None if nothing waits; whoever watched is done then.
    fn oldest(&self) -> Option<Oldest<T>> {
        let mut waiting = self.waiting();
        let until = waiting.since.front().map(|(since, _)| *since + self.patience);
        waiting.is_watched = until.is_some();
        let until = until?;
        if until > Instant::now() {
            return Some(Oldest::Until(until));
        }
        let ended = waiting.since.pop_front();
        ended.map(|(_, ended)| Oldest::Ended(ended))
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends what waits for too long, until nothing waits.
async fn watch<T>(resting: Weak<Resting<T>>, first: Instant) {
    sleep_until(first).await;
    while let Some(oldest) = resting.upgrade().and_then(|resting| resting.oldest()) {
        match oldest {
            // One after the other: to end an instance takes a moment, and others want the thread.
            Oldest::Ended(ended) => {
                drop(ended);
                yield_now().await;
            }
            Oldest::Until(until) => sleep_until(until).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn what_came_last_is_taken_first() {
        let idle = Idle::new(PATIENCE);
        idle.put(1);
        idle.put(2);
        assert_eq!([idle.take(), idle.take(), idle.take()], [Some(2), Some(1), None]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_for_too_long_is_ended_and_nothing_else() {
        let idle = Idle::new(PATIENCE);
        let (first, second) = (Arc::new(()), Arc::new(()));
        idle.put(Arc::clone(&first));
        tokio::time::sleep(PATIENCE / 2).await;
        idle.put(Arc::clone(&second));
        tokio::time::sleep(PATIENCE * 3 / 4).await;
        assert_eq!((Arc::strong_count(&first), Arc::strong_count(&second)), (1, 2));
        tokio::time::sleep(PATIENCE).await;
        assert_eq!(Arc::strong_count(&second), 1);
        // And what comes when nothing waited any more.
        idle.put(Arc::clone(&first));
        tokio::time::sleep(PATIENCE * 2).await;
        assert_eq!(Arc::strong_count(&first), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_goes_with_who_keeps_it() {
        let idle = Idle::new(PATIENCE);
        let only = Arc::new(());
        idle.put(Arc::clone(&only));
        drop(idle);
        assert_eq!(Arc::strong_count(&only), 1);
    }
}
