//! Instances that serve calls one at a time, and take the place of those that broke.
//!
//! Each of the pool's places is in one of four states:
//!
//! | state | becomes |
//! |---|---|
//! | idle | busy, with a call |
//! | busy | idle, or starting or resting if the instance broke |
//! | starting: an instance is being made | idle, or resting if that fails |
//! | resting: nothing is there until the back-off has passed | starting |
//!
//! Places come into being as calls find no idle one. A call that finds none waits in a bounded queue; if all places rest, it
//! is refused at once, since waiting for a store that breaks at each call would only make its callers slow.
//!
//! The first failure costs no rest, so that one bad call is felt by nobody else. What breaks again soon rests twice as long
//! each time, so that a provider that always breaks costs its neighbours next to nothing, and heals by itself when it can.

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

/// How long a place rests after its second failure in a row; doubled with each that follows.
const FIRST_REST: Duration = Duration::from_millis(100);

/// The longest that a place rests: a server that comes back is found within that.
const LONGEST_REST: Duration = Duration::from_secs(30);

/// Failures in a row after which a pool is said to be failing.
const FAILING: u32 = 3;

/// What makes an instance.
pub(super) trait Start: Send + Sync + 'static {
    type Instance: Send + 'static;
    type Error: Error + Send + Sync + 'static;

    fn start(&self) -> impl Future<Output = Result<Self::Instance, Self::Error>> + Send;
}

/// Why a call gets no instance. None of it was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Too many others wait, or waited for too long.
    Full,
    /// All places rest.
    Down,
    /// The pool is closed.
    Closed,
}

/// How a pool is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Well,
    /// Instances keep breaking, so many in a row.
    Failing {
        failures: u32,
    },
}

/// Long-lived instances, at most `size` of them.
pub(super) struct Pool<S: Start>(Arc<Inner<S>>);

struct Inner<S: Start> {
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

struct State<S: Start> {
    idle: Vec<S::Instance>,
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

    fn is_down(&self) -> bool {
        self.resting > 0 && self.resting == self.places()
    }
}

impl<S: Start> Pool<S> {
    /// A pool with its first instance, of which no call takes longer than `deadline`. Its tasks run on this runtime.
    pub(super) fn new(
        name: &str,
        (start, size): (S, usize),
        first: S::Instance,
        deadline: Duration,
        tasks: TaskTracker,
    ) -> Self {
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
    pub(super) async fn acquire(&self, patience: Duration) -> Result<Lease<S>, Refused> {
        let waiting = {
            let mut state = self.0.state();
            if self.0.closing.is_cancelled() {
                return Err(Refused::Closed);
            }
            if let Some(instance) = state.idle.pop() {
                state.busy += 1;
                return Ok(self.0.lease(instance));
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
    pub(super) fn condition(&self) -> Condition {
        let state = self.0.state();
        let is_live = state.idle.len() + state.busy > 0;
        state.failures.condition(Instant::now(), is_live, self.0.deadline)
    }

    /// Refuses calls from now on, waits for those under way, and lets go of the instances.
    pub(super) async fn close(&self) {
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

    fn lease(self: &Arc<Self>, instance: S::Instance) -> Lease<S> {
        Lease {
            pool: Arc::clone(self),
            instance: Some(instance),
            cause: None,
        }
    }

    /// Gives an instance to who has waited longest, or lets it rest idle. Its place counts as busy.
    fn offer(self: &Arc<Self>, instance: S::Instance) {
        let mut state = self.state();
        while let Some(waiting) = state.waiting.pop_front() {
            if !waiting.is_closed() {
                drop(state);
                // Who leaves in this moment gives it back by dropping it.
                let _ = waiting.send(self.lease(instance));
                return;
            }
        }
        state.busy -= 1;
        if !self.closing.is_cancelled() {
            state.idle.push(instance);
        }
    }

    /// A busy place has lost its instance. The first failure costs no rest.
    fn broke(self: &Arc<Self>, cause: &str) {
        let rest = {
            let mut state = self.state();
            state.busy -= 1;
            self.rest(&mut state, cause, Duration::ZERO)
        };
        self.fill(rest);
    }

    /// Notes a failure, and how long the place, which counts nowhere at the moment, is to rest after it.
    fn rest(&self, state: &mut State<S>, cause: &str, at_least: Duration) -> Duration {
        let rest = state.failures.note(Instant::now()).max(at_least);
        let when = match rest.is_zero() {
            true => "at once".to_owned(),
            false => format!("in {rest:?}"),
        };
        tracing::warn!(
            store = self.name,
            cause,
            "an instance of the store broke; the next one starts {when}"
        );
        match rest.is_zero() {
            true => state.starting += 1,
            false => state.resting += 1,
        }
        if state.is_down() {
            // Those who wait are told so by this.
            state.waiting.clear();
        }
        rest
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
                let started = tokio::select! {
                    () = pool.closing.cancelled() => return,
                    started = pool.start.start() => started,
                };
                match started {
                    Ok(instance) => {
                        {
                            let mut state = pool.state();
                            state.starting -= 1;
                            state.busy += 1;
                            state.failures.started(Instant::now());
                        }
                        tracing::info!(store = pool.name, "an instance of the store started");
                        return pool.offer(instance);
                    }
                    Err(error) => {
                        let mut state = pool.state();
                        state.starting -= 1;
                        // Without a rest, what cannot start would be started without end.
                        rest = pool.rest(&mut state, &chain(&error), FIRST_REST);
                    }
                }
            }
        };
        self.tasks.spawn_on(fill, &self.runtime);
    }
}

/// An instance for one call. Dropped, it goes back to the pool.
pub(super) struct Lease<S: Start> {
    pool: Arc<Inner<S>>,
    /// None while it is in a call, and after it broke.
    instance: Option<S::Instance>,
    /// Why it broke.
    cause: Option<String>,
}

impl<S: Start> Lease<S> {
    /// Makes a call, which gets no longer than `deadline`. It takes the instance and gives it back with what it answered; one
    /// that breaks or is too slow ends with it.
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends the instance, since one that was left in the middle of a call cannot be entered again.
    pub(super) async fn call<T, F>(
        mut self,
        deadline: Duration,
        work: impl FnOnce(S::Instance) -> F,
    ) -> Result<T, Broken>
    where
        F: Future<Output = (S::Instance, wasmtime::Result<T>)>,
    {
        let instance = self.instance.take().expect("a lease begins with its instance");
        let broken = match tokio::time::timeout(deadline, work(instance)).await {
            Ok((instance, Ok(answer))) => {
                self.instance = Some(instance);
                self.pool.state().failures.answered();
                return Ok(answer);
            }
            // Its memory is given back here, before another one is made.
            Ok((_, Err(trap))) => Broken::Trapped(trap.into()),
            Err(_) => Broken::TooSlow(deadline),
        };
        self.cause = Some(chain(&broken));
        Err(broken)
    }
}

impl<S: Start> Drop for Lease<S> {
    fn drop(&mut self) {
        match self.instance.take() {
            Some(instance) => self.pool.offer(instance),
            None => self
                .pool
                .broke(self.cause.as_deref().unwrap_or("its call was given up")),
        }
    }
}

/// Why a call that was begun has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// The instance trapped.
    #[error("it trapped")]
    Trapped(#[source] Box<dyn Error + Send + Sync>),
    /// The call took longer than it may.
    #[error("it had no answer within {0:?}")]
    TooSlow(Duration),
}

/// What went wrong lately.
#[derive(Debug, Default)]
struct Failures {
    in_a_row: u32,
    /// The rest that followed the last one.
    rest: Duration,
    /// When an instance began after the last one.
    started: Option<Instant>,
    /// When a call was answered for the first time after the last one.
    answered: Option<Instant>,
}

impl Failures {
    /// A failure is the first of a row if calls were answered before it for ten times as long as the last rest. That nothing
    /// broke is not enough: what hangs breaks once a deadline.
    const WELL: u32 = 10;

    /// How long all must be well at least.
    const LEAST_WELL: Duration = Duration::from_secs(1);

    /// Notes a failure, and answers how long to rest after it.
    fn note(&mut self, now: Instant) -> Duration {
        let must_be_well = (self.rest * Self::WELL).max(Self::LEAST_WELL);
        if self
            .answered
            .is_some_and(|since| now.saturating_duration_since(since) > must_be_well)
        {
            self.in_a_row = 0;
        }
        self.in_a_row += 1;
        (self.started, self.answered) = (None, None);
        self.rest = match self.in_a_row.checked_sub(2) {
            None => Duration::ZERO,
            Some(doublings) => FIRST_REST.saturating_mul(1 << doublings.min(16)).min(LONGEST_REST),
        };
        self.rest
    }

    /// An instance began.
    fn started(&mut self, now: Instant) {
        self.started.get_or_insert(now);
    }

    /// A call was answered.
    fn answered(&mut self) {
        // Nobody need look at the clock unless something broke before.
        if self.in_a_row > 0 && self.answered.is_none() {
            self.answered = Some(Instant::now());
        }
    }

    /// Failing until calls are answered, or an instance is there for longer than a call that hangs takes to show: without the
    /// latter a store that nobody calls because it is failing would stay so.
    fn condition(&self, now: Instant, is_live: bool, deadline: Duration) -> Condition {
        let for_longer_than = |since: Option<Instant>, time| {
            is_live && since.is_some_and(|since| now.saturating_duration_since(since) > time)
        };
        let is_well = for_longer_than(self.answered, Self::LEAST_WELL)
            || for_longer_than(self.started, Self::LEAST_WELL + deadline);
        if self.in_a_row >= FAILING && !is_well {
            return Condition::Failing {
                failures: self.in_a_row,
            };
        }
        Condition::Well
    }
}

/// An error and those below it, in a line.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(error) = below {
        text.push_str(": ");
        text.push_str(&error.to_string());
        below = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const PATIENCE: Duration = Duration::from_secs(2);
    const DEADLINE: Duration = Duration::from_secs(5);

    /// Instances are numbers. So many of them fail to start first.
    struct Numbers {
        next: AtomicUsize,
        fail: AtomicUsize,
    }

    #[derive(Debug, thiserror::Error)]
    #[error("the server is down")]
    struct Down;

    impl Start for Arc<Numbers> {
        type Instance = usize;
        type Error = Down;

        async fn start(&self) -> Result<usize, Down> {
            let take = |left: usize| left.checked_sub(1);
            if self
                .fail
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
                .is_ok()
            {
                return Err(Down);
            }
            Ok(self.next.fetch_add(1, Ordering::Relaxed))
        }
    }

    fn pool(size: usize) -> (Pool<Arc<Numbers>>, Arc<Numbers>) {
        let numbers = Arc::new(Numbers {
            next: AtomicUsize::new(1),
            fail: AtomicUsize::new(0),
        });
        let tasks = TaskTracker::new();
        (
            Pool::new("store", (Arc::clone(&numbers), size), 0, DEADLINE, tasks),
            numbers,
        )
    }

    /// A call that answers the instance's number.
    async fn number(pool: &Pool<Arc<Numbers>>) -> Result<usize, Refused> {
        let lease = pool.acquire(PATIENCE).await?;
        let answered = lease.call(DEADLINE, |number| async move { (number, Ok(number)) }).await;
        Ok(answered.expect("nothing breaks"))
    }

    async fn trapped(number: usize) -> (usize, wasmtime::Result<Infallible>) {
        (number, Err(wasmtime::format_err!("unreachable")))
    }

    /// A call that traps.
    async fn trap(pool: &Pool<Arc<Numbers>>) -> Result<(), Refused> {
        let lease = pool.acquire(PATIENCE).await?;
        let broken = lease.call(DEADLINE, trapped);
        assert!(matches!(broken.await, Err(Broken::Trapped(_))));
        Ok(())
    }

    async fn soon() {
        // With paused time: when nothing else is left to do.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn one_instance_serves_call_after_call() {
        let (pool, _) = pool(4);
        for _ in 0..3 {
            assert_eq!(number(&pool).await, Ok(0));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn as_many_instances_come_into_being_as_are_needed_and_allowed() {
        let (pool, _) = pool(2);
        let first = pool.acquire(PATIENCE).await.expect("an instance");
        assert_eq!(number(&pool).await, Ok(1));
        let second = pool.acquire(PATIENCE).await.expect("an instance");
        assert_eq!(number(&pool).await, Err(Refused::Full), "nobody gives one back");
        drop(first);
        assert_eq!(number(&pool).await, Ok(0));
        drop(second);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waited_longest_is_next_and_who_left_is_passed_over() {
        let (pool, _) = pool(1);
        let lease = pool.acquire(PATIENCE).await.expect("an instance");
        {
            let mut left = Box::pin(pool.acquire(PATIENCE));
            let polled =
                std::future::poll_fn(|context| std::task::Poll::Ready(left.as_mut().poll(context).is_pending()));
            assert!(polled.await);
        }
        let waiting = number(&pool);
        let (answered, ()) = tokio::join!(waiting, async {
            soon().await;
            drop(lease);
        });
        assert_eq!(answered, Ok(0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_is_bounded() {
        let (pool, _) = pool(1);
        let lease = pool.acquire(PATIENCE).await.expect("an instance");
        let begin = Instant::now();
        let pool = Arc::new(pool);
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..WAITING {
            let pool = Arc::clone(&pool);
            callers.spawn(async move { number(&pool).await });
        }
        soon().await;
        assert_eq!(number(&pool).await, Err(Refused::Full));
        assert!(begin.elapsed() < PATIENCE, "refused at once");
        drop(lease);
        while let Some(answer) = callers.join_next().await {
            assert_eq!(answer.expect("no panic"), Ok(0));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_failure_is_felt_by_nobody_else() {
        let (pool, _) = pool(1);
        trap(&pool).await.expect("an instance");
        let begin = Instant::now();
        assert_eq!(number(&pool).await, Ok(1));
        assert!(begin.elapsed() < FIRST_REST);
        assert_eq!(pool.condition(), Condition::Well);
    }

    #[tokio::test(start_paused = true)]
    async fn what_keeps_breaking_rests_longer_each_time_and_is_refused_meanwhile() {
        let (pool, _) = pool(1);
        let mut rests = Vec::new();
        for _ in 0..12 {
            trap(&pool).await.expect("an instance");
            soon().await;
            let begin = Instant::now();
            while let Err(refused) = number(&pool).await {
                assert_eq!(refused, Refused::Down);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            rests.push(begin.elapsed().as_millis() / 100);
        }
        assert_eq!(rests[..5], [0, 1, 2, 4, 8]);
        assert_eq!(rests[11], 300, "no longer than half a minute");
        assert_eq!(pool.condition(), Condition::Failing { failures: 12 });
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_now_and_then_is_no_row_of_failures() {
        let (pool, _) = pool(1);
        for _ in 0..10 {
            trap(&pool).await.expect("an instance");
            assert!(number(&pool).await.is_ok(), "the next one is there at once");
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        assert_eq!(pool.condition(), Condition::Well);
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_start_is_tried_again_until_it_can() {
        let (pool, numbers) = pool(1);
        numbers.fail.store(5, Ordering::Relaxed);
        trap(&pool).await.expect("an instance");
        soon().await;
        assert_eq!(number(&pool).await, Err(Refused::Down));
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(matches!(pool.condition(), Condition::Failing { .. }));
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(number(&pool).await, Ok(1));
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(pool.condition(), Condition::Well);
    }

    #[tokio::test(start_paused = true)]
    async fn places_that_were_never_needed_do_not_hide_that_all_are_down() {
        let (pool, numbers) = pool(2);
        let lease = pool.acquire(PATIENCE).await.expect("an instance");
        numbers.fail.store(usize::MAX, Ordering::Relaxed);
        drop(lease);
        trap(&pool).await.expect("an instance");
        soon().await;
        assert_eq!(number(&pool).await, Err(Refused::Down));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_takes_too_long_ends_its_instance() {
        let (pool, _) = pool(1);
        let lease = pool.acquire(PATIENCE).await.expect("an instance");
        let begin = Instant::now();
        let hang = lease.call(DEADLINE, |_| {
            std::future::pending::<(usize, wasmtime::Result<Infallible>)>()
        });
        assert!(matches!(hang.await, Err(Broken::TooSlow(_))));
        assert_eq!(begin.elapsed(), DEADLINE);
        assert_eq!(number(&pool).await, Ok(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_pool_refuses_and_has_nothing_left() {
        let (pool, _) = pool(1);
        pool.close().await;
        assert_eq!(number(&pool).await, Err(Refused::Closed));
        assert!(pool.0.state().idle.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_only_hangs_is_failing_too_and_well_again_when_it_answers() {
        let (pool, _) = pool(1);
        for _ in 0..FAILING {
            let lease = loop {
                match pool.acquire(PATIENCE).await {
                    Ok(lease) => break lease,
                    Err(_) => soon().await,
                }
            };
            assert_eq!(pool.condition(), Condition::Well);
            let hang = lease.call(DEADLINE, |_| {
                std::future::pending::<(usize, wasmtime::Result<Infallible>)>()
            });
            assert!(matches!(hang.await, Err(Broken::TooSlow(_))));
        }
        assert_eq!(pool.condition(), Condition::Failing { failures: FAILING });
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(number(&pool).await, Ok(FAILING as usize));
        assert_eq!(
            pool.condition(),
            Condition::Failing { failures: FAILING },
            "not for long yet"
        );
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        assert_eq!(pool.condition(), Condition::Well);
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_calls_is_well_again_when_it_starts() {
        let (pool, _) = pool(1);
        for _ in 0..FAILING {
            while trap(&pool).await.is_err() {
                soon().await;
            }
        }
        tokio::time::sleep(DEADLINE).await;
        assert_eq!(pool.condition(), Condition::Failing { failures: FAILING });
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(pool.condition(), Condition::Well);
    }

    #[tokio::test(start_paused = true)]
    async fn a_row_of_failures_ends_when_calls_were_answered_for_long() {
        let mut failures = Failures::default();
        let begin = Instant::now();
        let at = |millis| begin + Duration::from_millis(millis);
        assert_eq!(failures.note(at(0)), Duration::ZERO);
        assert_eq!(failures.note(at(10_000)), FIRST_REST, "nothing was answered meanwhile");
        failures.answered = Some(at(10_200));
        assert_eq!(failures.note(at(11_100)), 2 * FIRST_REST, "not for a second");
        failures.answered = Some(at(12_000));
        assert_eq!(failures.note(at(14_001)), Duration::ZERO);
    }
}
