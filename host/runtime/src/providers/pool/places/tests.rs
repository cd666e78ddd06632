use super::*;
use crate::providers::pool::failures::FAILING;
use crate::providers::pool::lease::Broken;
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
        let polled = std::future::poll_fn(|context| std::task::Poll::Ready(left.as_mut().poll(context).is_pending()));
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
    assert_eq!(pool.fitness(), Fitness::Well);
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
    assert_eq!(pool.fitness(), Fitness::Failing { failures: 12 });
}

#[tokio::test(start_paused = true)]
async fn a_failure_now_and_then_is_no_row_of_failures() {
    let (pool, _) = pool(1);
    for _ in 0..10 {
        trap(&pool).await.expect("an instance");
        assert!(number(&pool).await.is_ok(), "the next one is there at once");
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    assert_eq!(pool.fitness(), Fitness::Well);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_start_is_tried_again_until_it_can() {
    let (pool, numbers) = pool(1);
    numbers.fail.store(5, Ordering::Relaxed);
    trap(&pool).await.expect("an instance");
    soon().await;
    assert_eq!(number(&pool).await, Err(Refused::Down));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(matches!(pool.fitness(), Fitness::Failing { .. }));
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(number(&pool).await, Ok(1));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(pool.fitness(), Fitness::Well);
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
        assert_eq!(pool.fitness(), Fitness::Well);
        let hang = lease.call(DEADLINE, |_| {
            std::future::pending::<(usize, wasmtime::Result<Infallible>)>()
        });
        assert!(matches!(hang.await, Err(Broken::TooSlow(_))));
    }
    assert_eq!(pool.fitness(), Fitness::Failing { failures: FAILING });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(number(&pool).await, Ok(FAILING as usize));
    assert_eq!(
        pool.fitness(),
        Fitness::Failing { failures: FAILING },
        "not for long yet"
    );
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(pool.fitness(), Fitness::Well);
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
    assert_eq!(pool.fitness(), Fitness::Failing { failures: FAILING });
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(pool.fitness(), Fitness::Well);
}

// ---- several instances ----

/// Calls that have an instance each and never come to an end.
async fn all_hang(pool: &Pool<Arc<Numbers>>, size: usize) {
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..size {
        let lease = loop {
            match pool.acquire(PATIENCE).await {
                Ok(lease) => break lease,
                Err(_) => soon().await,
            }
        };
        calls.spawn(lease.call(DEADLINE, |_| {
            std::future::pending::<(usize, wasmtime::Result<Infallible>)>()
        }));
    }
    while let Some(call) = calls.join_next().await {
        assert!(matches!(call.expect("no panic"), Err(Broken::TooSlow(_))));
    }
}

#[tokio::test(start_paused = true)]
async fn instances_that_time_out_together_are_one_failure() {
    let (pool, _) = pool(8);
    for wave in 1..FAILING {
        all_hang(&pool, 8).await;
        assert_eq!(pool.fitness(), Fitness::Well, "wave {wave}");
    }
    assert_eq!(pool.acquire(PATIENCE).await.err(), Some(Refused::Down), "all rest");
    tokio::time::sleep(FIRST_REST + Duration::from_millis(1)).await;
    assert!(pool.acquire(PATIENCE).await.is_ok(), "as after two failures");
    all_hang(&pool, 8).await;
    assert_eq!(pool.fitness(), Fitness::Failing { failures: FAILING });
}

#[tokio::test(start_paused = true)]
async fn one_bad_call_a_second_is_not_failing_while_seven_instances_answer() {
    let (pool, _) = pool(8);
    let mut leases = Vec::new();
    for _ in 0..8 {
        leases.push(pool.acquire(PATIENCE).await.expect("an instance"));
    }
    drop(leases);
    // Later than that, all rest at the same time.
    for second in 1..10 {
        trap(&pool).await.expect("an instance");
        assert_eq!(pool.fitness(), Fitness::Well, "after {second} s");
        for _ in 0..9 {
            assert!(number(&pool).await.is_ok());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(pool.fitness(), Fitness::Well, "after {second} s");
    }
}

// ---- what must not go wrong in the host ----

/// What panics at each start but the last of so many.
struct Panics(AtomicUsize);

impl Start for Panics {
    type Instance = usize;
    type Error = Down;

    async fn start(&self) -> Result<usize, Down> {
        let left = self.0.fetch_sub(1, Ordering::Relaxed);
        assert_eq!(left, 1, "a mistake in the host");
        Ok(left)
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_at_a_start_is_a_failure_and_does_not_cost_the_place() {
    let start = Panics(AtomicUsize::new(4));
    let pool = Pool::new("store", (start, 1), 0, DEADLINE, TaskTracker::new());
    drop(
        pool.acquire(PATIENCE)
            .await
            .expect("an instance")
            .call(DEADLINE, trapped)
            .await,
    );
    soon().await;
    assert_eq!(pool.acquire(PATIENCE).await.err(), Some(Refused::Down));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(pool.acquire(PATIENCE).await.is_ok());
    assert_eq!(pool.0.state().places(), 1);
}

/// Looks at whether a pool can be used while it logs.
struct Log(Arc<Inner<Arc<Numbers>>>, Arc<AtomicUsize>);

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn event(&self, _: &tracing::Event<'_>) {
        assert!(
            self.0.state.try_lock().is_ok(),
            "whoever reads the log keeps all callers waiting"
        );
        self.1.fetch_add(1, Ordering::Relaxed);
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

/// An instance breaks, does not start, and starts.
async fn break_and_heal(pool: &Pool<Arc<Numbers>>, numbers: &Numbers) {
    numbers.fail.store(1, Ordering::Relaxed);
    trap(pool).await.expect("an instance");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(number(pool).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_log_that_nobody_reads_keeps_no_caller_waiting() {
    let (pool, numbers) = pool(1);
    // `tracing` must know the lines that log by then, or another thread that has no log may call them uninteresting.
    break_and_heal(&pool, &numbers).await;
    let told = Arc::new(AtomicUsize::new(0));
    let _log = tracing::subscriber::set_default(Log(Arc::clone(&pool.0), Arc::clone(&told)));
    break_and_heal(&pool, &numbers).await;
    assert!(told.load(Ordering::Relaxed) > 0);
}
