//! A bounded queue in front of threads.
//!
//! Callers never wait for a place: a full queue refuses, and the app hears `throttled` while the host stays whole. It is
//! bounded in jobs and in bytes, because a thousand jobs may be a thousand times eight megabytes.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How much a queue holds, or a group takes from it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Capacity {
    pub(super) jobs: usize,
    pub(super) bytes: usize,
}

/// How long to wait for how many jobs, once there is one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gathering {
    pub(super) jobs: usize,
    pub(super) at_most: Duration,
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
    /// A thread that gathers jobs need not be woken before there are so many.
    wanted: usize,
}

impl<T> Queue<T> {
    pub(super) fn new(capacity: Capacity) -> Self {
        let state = State {
            jobs: VecDeque::new(),
            bytes: 0,
            is_closed: false,
            wanted: 0,
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            capacity,
        }
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
        let is_enough = state.jobs.len() >= state.wanted;
        drop(state);
        if is_enough {
            self.changed.notify_one();
        }
        Ok(())
    }

    /// How many jobs wait.
    pub(super) fn len(&self) -> usize {
        self.state().jobs.len()
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

    /// Waits for a job until a moment, or as long as it takes; then for more, as `gathering` says; and takes as many as
    /// `group` holds, at least one.
    pub(super) fn take(&self, group: Capacity, until: Option<Instant>, gathering: Gathering) -> Taken<T> {
        let mut state = self.state();
        while state.jobs.is_empty() {
            if state.is_closed {
                return Taken::Closed;
            }
            state = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => return Taken::Nothing,
                Some(left) => self.wait(state, left),
            };
        }
        let mut state = self.gather(state, group, gathering);
        let mut jobs = Vec::new();
        let mut bytes = 0;
        while jobs.len() < group.jobs
            && state
                .jobs
                .front()
                .is_some_and(|(_, size)| jobs.is_empty() || bytes + size <= group.bytes)
        {
            bytes += state.jobs.front().map_or(0, |(_, size)| *size);
            jobs.extend(state.pop());
        }
        Taken::Jobs(jobs)
    }

    fn gather<'s>(
        &'s self,
        mut state: MutexGuard<'s, State<T>>,
        group: Capacity,
        gathering: Gathering,
    ) -> MutexGuard<'s, State<T>> {
        let began = Instant::now();
        state.wanted = gathering.jobs.min(group.jobs);
        while state.jobs.len() < state.wanted && state.bytes < group.bytes && !state.is_closed {
            let left = gathering.at_most.saturating_sub(began.elapsed());
            if left.is_zero() {
                break;
            }
            state = self.wait(state, left);
        }
        state.wanted = 0;
        state
    }

    fn wait<'s>(&'s self, state: MutexGuard<'s, State<T>>, at_most: Duration) -> MutexGuard<'s, State<T>> {
        self.changed
            .wait_timeout(state, at_most)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }

    /// Refuses jobs from now on; those that are queued are still done.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.changed.notify_all();
    }

    /// Refuses jobs from now on, and gives back those that are queued.
    fn end(&self) -> VecDeque<(T, usize)> {
        self.close();
        let mut state = self.state();
        state.bytes = 0;
        std::mem::take(&mut state.jobs)
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

/// A queue in the hands of the threads that serve it. When the last one has let go of it, be it by a panic, nobody will do
/// what is queued: the queue is closed, and its jobs are refused instead of left to wait.
pub(super) struct Served<T> {
    queue: Arc<Queue<T>>,
    refuse: fn(T),
}

impl<T> Served<T> {
    pub(super) fn new(queue: Arc<Queue<T>>, refuse: fn(T)) -> Arc<Self> {
        Arc::new(Self { queue, refuse })
    }

    pub(super) fn queue(&self) -> &Queue<T> {
        &self.queue
    }
}

impl<T> Drop for Served<T> {
    fn drop(&mut self) {
        for (job, _) in self.queue.end() {
            (self.refuse)(job);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const ALONE: Gathering = Gathering {
        jobs: 1,
        at_most: Duration::ZERO,
    };

    fn queue(jobs: usize, bytes: usize) -> Queue<u32> {
        Queue::new(Capacity { jobs, bytes })
    }

    #[test]
    fn jobs_come_out_in_order_and_in_groups() {
        let queue = queue(10, 100);
        for job in 0..5 {
            queue.push(job, 10).unwrap();
        }
        assert_eq!(
            queue.take(Capacity { jobs: 2, bytes: 100 }, None, ALONE),
            Taken::Jobs(vec![0, 1])
        );
        assert_eq!(
            queue.take(Capacity { jobs: 9, bytes: 25 }, None, ALONE),
            Taken::Jobs(vec![2, 3])
        );
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
        assert_eq!(
            queue.take(Capacity { jobs: 9, bytes: 10 }, None, ALONE),
            Taken::Jobs(vec![0])
        );
        queue.push(1, 1).unwrap();
    }

    #[test]
    fn a_closed_queue_refuses_and_gives_out_what_it_has() {
        let queue = queue(10, 100);
        queue.push(0, 1).unwrap();
        queue.close();
        assert_eq!(queue.push(1, 1), Err(Refused::Closed));
        assert_eq!(
            queue.take(Capacity { jobs: 9, bytes: 9 }, None, ALONE),
            Taken::Jobs(vec![0])
        );
        assert_eq!(queue.take(Capacity { jobs: 9, bytes: 9 }, None, ALONE), Taken::Closed);
        assert_eq!(queue.pop(), None);
    }

    #[test]
    fn waiting_ends_in_time() {
        let until = Instant::now() + Duration::from_millis(5);
        assert_eq!(
            queue(1, 1).take(Capacity { jobs: 1, bytes: 1 }, Some(until), ALONE),
            Taken::Nothing
        );
    }

    #[test]
    fn a_group_gathers_the_jobs_that_are_expected() {
        let queue = Arc::new(queue(10, 100));
        let taking = {
            let queue = Arc::clone(&queue);
            let gathering = Gathering {
                jobs: 3,
                at_most: Duration::from_secs(60),
            };
            std::thread::spawn(move || queue.take(Capacity { jobs: 9, bytes: 100 }, None, gathering))
        };
        for job in 0..3 {
            queue.push(job, 1).unwrap();
            std::thread::sleep(Duration::from_millis(2));
        }
        assert_eq!(taking.join().unwrap(), Taken::Jobs(vec![0, 1, 2]));
    }

    #[test]
    fn gathering_ends_in_time_and_when_there_is_no_place_for_more() {
        let waiting = Gathering {
            jobs: 3,
            at_most: Duration::from_millis(5),
        };
        let queue = queue(10, 100);
        queue.push(0, 1).unwrap();
        assert_eq!(
            queue.take(Capacity { jobs: 9, bytes: 100 }, None, waiting),
            Taken::Jobs(vec![0])
        );
        let endless = Gathering {
            jobs: 3,
            at_most: Duration::from_secs(3600),
        };
        queue.push(1, 50).unwrap();
        assert_eq!(
            queue.take(Capacity { jobs: 1, bytes: 100 }, None, endless),
            Taken::Jobs(vec![1])
        );
        queue.push(2, 50).unwrap();
        assert_eq!(
            queue.take(Capacity { jobs: 9, bytes: 50 }, None, endless),
            Taken::Jobs(vec![2])
        );
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
