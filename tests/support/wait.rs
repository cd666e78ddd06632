//! Conditions with a deadline, in place of sleeps.

use std::time::{Duration, Instant};

/// How long a test waits for what should happen at once. Far longer than it takes even on a busy machine, since waiting
/// costs time only in a test that fails anyway.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How long a test waits for a host to start, or to do all that it has to: it may have to compile large components first.
pub const START: Duration = Duration::from_secs(600);

/// How often a condition is looked at.
const STEP: Duration = Duration::from_millis(10);

/// Asks until there is an answer.
///
/// # Panics
///
/// With `what` was waited for, once the deadline has passed.
pub fn until<T>(what: &str, deadline: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(started.elapsed() < deadline, "waited {deadline:?} for {what}");
        std::thread::sleep(STEP);
    }
}
