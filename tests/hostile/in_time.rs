//! How it is told that others are answered in time, and that nothing is left behind.

use dapr_wasm_tests::{Host, PATIENCE, until};
use std::time::{Duration, Instant};

/// How long an answer may take.
pub(crate) const A_SECOND: Duration = Duration::from_secs(1);

/// Requests in a row, of which each must be in time.
const ASKED: usize = 5;

/// How often the row is asked until it is in time. What a guest does to others lasts for as long as it is at it, so that all
/// tries fail; what some other process does to a shared machine passes, and one try does not.
const TRIES: usize = 5;

/// Asks in a row, and again if that took too long.
pub(crate) fn within_a_second(ask: impl Fn()) {
    let slowest = || {
        let asked = (0..ASKED).map(|_| {
            let asked = Instant::now();
            ask();
            asked.elapsed()
        });
        asked.max().expect("it was asked more than once")
    };
    let mut tries = Vec::new();
    while tries.len() < TRIES {
        let slowest = slowest();
        tries.push(slowest);
        if slowest < A_SECOND {
            // Seen with `--nocapture`: how far from the limit it was.
            return eprintln!("slowest answer of {ASKED}, by tries: {tries:?}");
        }
    }
    panic!("others waited: the slowest answer of {ASKED}, by tries: {tries:?}");
}

/// What a host uses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Use {
    pub(crate) resident: u64,
    pub(crate) descriptors: usize,
    pub(crate) threads: usize,
    pub(crate) tasks: usize,
}

impl Use {
    fn of(host: &Host) -> Self {
        let facts = host.facts();
        Self {
            resident: facts.resident,
            descriptors: facts.descriptors,
            threads: facts.threads,
            // Last: who asks for it is a connection.
            tasks: host.tasks(),
        }
    }
}

/// What a host that is watched uses when nothing goes on.
pub(crate) fn at_rest(host: &Host) -> Use {
    until("the host to be idle", PATIENCE, || host.is_idle().then_some(()));
    Use::of(host)
}

/// Waits until the host uses what it did before, and at most `kept` bytes more.
pub(crate) fn is_as_before(host: &Host, before: Use, kept: u64) {
    /// Of the runtime's pool for what blocks, which keeps a thread for some seconds.
    const THREADS: usize = 4;
    let mut now = Use::of(host);
    let started = Instant::now();
    while now.resident > before.resident + kept
        || now.descriptors > before.descriptors
        || now.threads > before.threads + THREADS
        || now.tasks > before.tasks
    {
        assert!(started.elapsed() < PATIENCE, "{before:?} before, and {now:?} now");
        std::thread::sleep(Duration::from_millis(50));
        now = Use::of(host);
    }
}

/// Does something at the end of a scope, also when a claim in it fails.
pub(crate) struct OnDrop<F: Fn()>(pub(crate) F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        self.0();
    }
}
