//! The places of a pool, and who waits for one.

use super::failures::{FIRST_REST, Failures, Fitness};
use super::lease::Lease;
use dapr_blocks::chain;
use std::collections::VecDeque;
use std::error::Error;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Calls that wait for an instance: as many as a quarter of the requests that a host has under way, so that a store that
/// hangs cannot hold them all.
const WAITING: usize = 256;

/// What makes an instance.
pub(crate) trait Start: Send + Sync + 'static {
    type Instance: Send + 'static;
    type Error: Error + Send + Sync + 'static;

    fn start(&self) -> impl Future<Output = Result<Self::Instance, Self::Error>> + Send;
}

/// Why a call gets no instance. None of it was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Too many others wait, or waited for too long.
    Full,
    /// All places rest.
    Down,
    /// The pool is closed.
    Closed,
}

/// Long-lived instances, at most `size` of them.
pub(crate) struct Pool<S: Start>(Arc<Inner<S>>);

pub(super) struct Inner<S: Start> {
    /// What logs call it.
    name: String,
    /// The longest that a call takes.
    deadline: Duration,
    start: S,
    size: usize,
    state: Mutex<State<S>>,
    tasks: TaskTracker,
    closing: CancellationToken,
    runtime: Handle,
}

/// An instance.
pub(super) struct Live<S: Start> {
    pub(super) instance: S::Instance,
    pub(super) began: Instant,
}

struct State<S: Start> {
    idle: Vec<Live<S>>,
    waiting: VecDeque<oneshot::Sender<Lease<S>>>,
    busy: usize,
    starting: usize,
    resting: usize,
    failures: Failures,
}

impl<S: Start> State<S> {
    fn places(&self) -> usize {
        self.idle.len() + self.busy + self.starting + self.resting
    }

    fn is_live(&self) -> bool {
        !self.idle.is_empty() || self.busy > 0
    }

    fn is_down(&self) -> bool {
        self.resting > 0 && self.resting == self.places()
    }

    /// Notes that the instance of a place broke which counts nowhere at the moment, and how long it is to rest after it.
    fn rest(&mut self, began: Instant, at_least: Duration) -> Duration {
        let rest = self.failures.note(began, Instant::now()).max(at_least);
        if !self.is_live() {
            self.failures.none_left();
        }
        match rest.is_zero() {
            true => self.starting += 1,
            false => self.resting += 1,
        }
        if self.is_down() {
            // Those who wait are told so by this.
            self.waiting.clear();
        }
        rest
    }
}

impl<S: Start> Pool<S> {
    /// A pool with its first instance, of which no call takes longer than `deadline`. Its tasks run on this runtime.
    pub(crate) fn new(
        name: &str,
        (start, size): (S, usize),
        first: S::Instance,
        deadline: Duration,
        tasks: TaskTracker,
    ) -> Self {
        let first = Live {
            instance: first,
            began: Instant::now(),
        };
        Self(Arc::new(Inner {
            name: name.to_owned(),
            deadline,
            start,
            size,
            state: Mutex::new(State {
                idle: vec![first],
                waiting: VecDeque::new(),
                busy: 0,
                starting: 0,
                resting: 0,
                failures: Failures::default(),
            }),
            tasks,
            closing: CancellationToken::new(),
            runtime: Handle::current(),
        }))
    }

    /// An instance for one call, waited for no longer than `patience`.
    pub(crate) async fn acquire(&self, patience: Duration) -> Result<Lease<S>, Refused> {
        let waiting = {
            let mut state = self.0.state();
            if self.0.closing.is_cancelled() {
                return Err(Refused::Closed);
            }
            if let Some(live) = state.idle.pop() {
                state.busy += 1;
                return Ok(Lease::new(Arc::clone(&self.0), live));
            }
            if state.is_down() {
                return Err(Refused::Down);
            }
            if state.waiting.len() >= WAITING {
                state.waiting.retain(|waiting| !waiting.is_closed());
            }
            if state.waiting.len() >= WAITING {
                return Err(Refused::Full);
            }
            if state.places() < self.0.size {
                state.starting += 1;
                self.0.fill(Duration::ZERO);
            }
            let (lease, waiting) = oneshot::channel();
            state.waiting.push_back(lease);
            waiting
        };
        match tokio::time::timeout(patience, waiting).await {
            Ok(Ok(lease)) => Ok(lease),
            Ok(Err(_)) if self.0.closing.is_cancelled() => Err(Refused::Closed),
            Ok(Err(_)) => Err(Refused::Down),
            Err(_) => Err(Refused::Full),
        }
    }

    /// How it is.
    pub(crate) fn fitness(&self) -> Fitness {
        let state = self.0.state();
        state.failures.fitness(Instant::now(), self.0.deadline)
    }

    /// Refuses calls from now on, waits for those under way, and lets go of the instances.
    pub(crate) async fn close(&self) {
        self.0.closing.cancel();
        let (idle, waiting) = {
            let mut state = self.0.state();
            (std::mem::take(&mut state.idle), std::mem::take(&mut state.waiting))
        };
        drop((idle, waiting));
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }
}

impl<S: Start> Inner<S> {
    // Nothing that can panic happens while it is held.
    fn state(&self) -> MutexGuard<'_, State<S>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call was answered.
    pub(super) fn answered(&self) {
        self.state().failures.answered(Instant::now);
    }

    /// Gives an instance to who has waited longest, or lets it rest idle. Its place counts as busy.
    pub(super) fn offer(self: &Arc<Self>, live: Live<S>) {
        let mut state = self.state();
        while let Some(waiting) = state.waiting.pop_front() {
            if !waiting.is_closed() {
                drop(state);
                // Who leaves in this moment gives it back by dropping it.
                let _ = waiting.send(Lease::new(Arc::clone(self), live));
                return;
            }
        }
        state.busy -= 1;
        if !self.closing.is_cancelled() {
            state.idle.push(live);
        }
    }

    /// A busy place has lost its instance. The first failure costs no rest.
    pub(super) fn broke(self: &Arc<Self>, began: Instant, cause: &str) {
        let rest = {
            let mut state = self.state();
            state.busy -= 1;
            state.rest(began, Duration::ZERO)
        };
        self.tell(cause, rest);
        self.fill(rest);
    }

    /// A starting place has no instance. Without a rest, what cannot start would be started without end.
    fn did_not_start(&self, began: Instant, cause: &str) -> Duration {
        let rest = {
            let mut state = self.state();
            state.starting -= 1;
            state.rest(began, FIRST_REST)
        };
        self.tell(cause, rest);
        rest
    }

    /// Not while the state is held: whoever reads the log may be slow.
    fn tell(&self, cause: &str, rest: Duration) {
        let when = match rest.is_zero() {
            true => "at once".to_owned(),
            false => format!("in {rest:?}"),
        };
        tracing::warn!(
            store = self.name,
            cause,
            "an instance of the store broke; the next one starts {when}"
        );
    }

    /// Makes an instance for a place that is starting, or resting if there is a rest, and again until that succeeds.
    fn fill(self: &Arc<Self>, mut rest: Duration) {
        let pool = Arc::clone(self);
        let fill = async move {
            loop {
                if !rest.is_zero() {
                    tokio::select! {
                        () = pool.closing.cancelled() => return,
                        () = tokio::time::sleep(rest) => {}
                    }
                    let mut state = pool.state();
                    state.resting -= 1;
                    state.starting += 1;
                }
                let place = Starting::new(&pool);
                let started = tokio::select! {
                    () = pool.closing.cancelled() => return,
                    started = pool.start.start() => started,
                };
                match started {
                    Ok(instance) => return place.succeed(instance),
                    Err(error) => rest = place.fail(&chain(&error)),
                }
            }
        };
        self.tasks.spawn_on(fill, &self.runtime);
    }
}

/// A place that is starting. If what starts it panics, it is not lost; else it is dropped undone when the pool is closed.
struct Starting<'a, S: Start> {
    pool: &'a Arc<Inner<S>>,
    began: Instant,
    is_done: bool,
}

impl<'a, S: Start> Starting<'a, S> {
    fn new(pool: &'a Arc<Inner<S>>) -> Self {
        Self {
            pool,
            began: Instant::now(),
            is_done: false,
        }
    }

    /// Its instance serves from now on.
    fn succeed(mut self, instance: S::Instance) {
        self.is_done = true;
        {
            let mut state = self.pool.state();
            state.starting -= 1;
            state.busy += 1;
            state.failures.started(Instant::now());
        }
        tracing::info!(store = self.pool.name, "an instance of the store started");
        let began = self.began;
        self.pool.offer(Live { instance, began });
    }

    /// There is no instance. Answers for how long it rests.
    fn fail(mut self, cause: &str) -> Duration {
        self.is_done = true;
        self.pool.did_not_start(self.began, cause)
    }
}

impl<S: Start> Drop for Starting<'_, S> {
    fn drop(&mut self) {
        if !self.is_done && std::thread::panicking() {
            let rest = self
                .pool
                .did_not_start(self.began, "the host panicked when it started one");
            self.pool.fill(rest);
        }
    }
}

#[cfg(test)]
mod tests;
