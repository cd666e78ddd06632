//! A bounded queue in front of threads.
//!
//! Callers never wait for a place: a full queue refuses, and the app hears `throttled` while the host stays whole. It is
//! bounded in jobs and in bytes, because a thousand jobs may be a thousand times eight megabytes.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// How much a queue holds, or a group takes from it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Capacity {
    pub(super) jobs: usize,
    pub(super) bytes: usize,
}

/// Why a job was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// There is no place for it.
    Full,
    /// Nobody will do it any more.
    Closed,
}

/// What a thread gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken<T> {
    /// At least one job, in the order in which they came.
    Jobs(Vec<T>),
    /// Nothing came in time.
    Nothing,
    /// The queue is closed, and every job was taken.
    Closed,
}

/// A bounded queue of jobs, each with its size in bytes.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    capacity: Capacity,
}

struct State<T> {
    jobs: VecDeque<(T, usize)>,
    bytes: usize,
    is_closed: bool,
}

impl<T> Queue<T> {
    pub(super) fn new(capacity: Capacity) -> Self {
        let state = State { jobs: VecDeque::new(), bytes: 0, is_closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), capacity }
    }

    /// Puts a job at the end. One that is larger than the whole queue is taken when the queue is empty.
    pub(super) fn push(&self, job: T, bytes: usize) -> Result<(), Refused> {
        let mut state = self.state();
        if state.is_closed {
            return Err(Refused::Closed);
        }
        let fits = state.jobs.len() < self.capacity.jobs && state.bytes + bytes <= self.capacity.bytes;
        if !fits && !state.jobs.is_empty() {
            return Err(Refused::Full);
        }
        state.jobs.push_back((job, bytes));
        state.bytes += bytes;
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for a job; none when the queue is closed and empty.
    pub(super) fn pop(&self) -> Option<T> {
        let mut state = self.state();
        loop {
            if let Some(job) = state.pop() {
                return Some(job);
            }
            if state.is_closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits for jobs until a moment, or as long as it takes, and takes as many as `group` holds, at least one.
    pub(super) fn take(&self, group: Capacity, until: Option<Instant>) -> Taken<T> {
        let mut state = self.state();
        while state.jobs.is_empty() {
            if state.is_closed {
                return Taken::Closed;
            }
            state = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => return Taken::Nothing,
                Some(left) => self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
        let mut jobs = Vec::new();
        let mut bytes = 0;
        while jobs.len() < group.jobs
            && state.jobs.front().is_some_and(|(_, size)| jobs.is_empty() || bytes + size <= group.bytes)
        {
            bytes += state.jobs.front().map_or(0, |(_, size)| *size);
            jobs.extend(state.pop());
        }
        Taken::Jobs(jobs)
    }

    /// Refuses jobs from now on; those that are queued are still done.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.changed.notify_all();
    }

    // Each change of the state is complete before anything can panic, so a poisoned lock guards a whole one.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    fn pop(&mut self) -> Option<T> {
        let (job, size) = self.jobs.pop_front()?;
        self.bytes -= size;
        Some(job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::time::Duration;

    fn queue(jobs: usize, bytes: usize) -> Queue<u32> {
        Queue::new(Capacity { jobs, bytes })
    }

    #[test]
    fn jobs_come_out_in_order_and_in_groups() {
        let queue = queue(10, 100);
        for job in 0..5 {
            queue.push(job, 10).unwrap();
        }
        assert_eq!(queue.take(Capacity { jobs: 2, bytes: 100 }, None), Taken::Jobs(vec![0, 1]));
        assert_eq!(queue.take(Capacity { jobs: 9, bytes: 25 }, None), Taken::Jobs(vec![2, 3]));
        assert_eq!(queue.pop(), Some(4));
    }

    #[test]
    fn a_full_queue_refuses() {
        let by_count = queue(2, 100);
        by_count.push(0, 1).unwrap();
        by_count.push(1, 1).unwrap();
        assert_eq!(by_count.push(2, 1), Err(Refused::Full));
        let by_bytes = queue(10, 100);
        by_bytes.push(0, 60).unwrap();
        assert_eq!(by_bytes.push(1, 60), Err(Refused::Full));
        by_bytes.pop();
        by_bytes.push(1, 60).unwrap();
    }

    #[test]
    fn a_job_larger_than_the_queue_is_done_alone() {
        let queue = queue(10, 100);
        queue.push(0, 1000).unwrap();
        assert_eq!(queue.push(1, 1), Err(Refused::Full));
        assert_eq!(queue.take(Capacity { jobs: 9, bytes: 10 }, None), Taken::Jobs(vec![0]));
        queue.push(1, 1).unwrap();
    }

    #[test]
    fn a_closed_queue_refuses_and_gives_out_what_it_has() {
        let queue = queue(10, 100);
        queue.push(0, 1).unwrap();
        queue.close();
        assert_eq!(queue.push(1, 1), Err(Refused::Closed));
        assert_eq!(queue.take(Capacity { jobs: 9, bytes: 9 }, None), Taken::Jobs(vec![0]));
        assert_eq!(queue.take(Capacity { jobs: 9, bytes: 9 }, None), Taken::Closed);
        assert_eq!(queue.pop(), None);
    }

    #[test]
    fn waiting_ends_in_time() {
        let until = Instant::now() + Duration::from_millis(5);
        assert_eq!(queue(1, 1).take(Capacity { jobs: 1, bytes: 1 }, Some(until)), Taken::Nothing);
    }

    #[test]
    fn closing_wakes_all_who_wait() {
        let queue = Arc::new(queue(10, 100));
        let waiting = [0, 1].map(|_| {
            let queue = Arc::clone(&queue);
            std::thread::spawn(move || queue.pop())
        });
        queue.close();
        for thread in waiting {
            assert_eq!(thread.join().unwrap(), None);
        }
    }
}
