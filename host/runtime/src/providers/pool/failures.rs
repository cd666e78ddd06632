//! What went wrong lately, and how long to rest after it: for whatever has instances that may break.

use std::time::Duration;
use tokio::time::Instant;

/// How long to rest after the second failure in a row; doubled with each that follows.
pub(crate) const FIRST_REST: Duration = Duration::from_millis(100);

/// The longest rest: a server that comes back is found within that.
const LONGEST_REST: Duration = Duration::from_secs(30);

/// Failures in a row after which a store is said to be failing.
pub(crate) const FAILING: u32 = 3;

/// How a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fitness {
    Well,
    /// Instances keep breaking, so many in a row.
    Failing {
        failures: u32,
    },
}

/// What went wrong lately.
#[derive(Debug, Default)]
pub(crate) struct Failures {
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
    pub(crate) fn note(&mut self, now: Instant) -> Duration {
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
    pub(crate) fn started(&mut self, now: Instant) {
        self.started.get_or_insert(now);
    }

    /// A call was answered.
    pub(crate) fn answered(&mut self, now: impl FnOnce() -> Instant) {
        // Nobody need look at the clock unless something broke before.
        if self.in_a_row > 0 && self.answered.is_none() {
            self.answered = Some(now());
        }
    }

    /// Failing until calls are answered, or an instance is there for longer than a call that hangs takes to show: without the
    /// latter a store that nobody calls because it is failing would stay so.
    pub(crate) fn fitness(&self, now: Instant, is_live: bool, deadline: Duration) -> Fitness {
        let for_longer_than = |since: Option<Instant>, time| {
            is_live && since.is_some_and(|since| now.saturating_duration_since(since) > time)
        };
        let is_well = for_longer_than(self.answered, Self::LEAST_WELL)
            || for_longer_than(self.started, Self::LEAST_WELL + deadline);
        if self.in_a_row >= FAILING && !is_well {
            return Fitness::Failing {
                failures: self.in_a_row,
            };
        }
        Fitness::Well
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_failures_ends_when_calls_were_answered_for_long() {
        let mut failures = Failures::default();
        let begin = Instant::now();
        let at = |millis| begin + Duration::from_millis(millis);
        assert_eq!(failures.note(at(0)), Duration::ZERO);
        assert_eq!(failures.note(at(10_000)), FIRST_REST, "nothing was answered meanwhile");
        failures.answered(|| at(10_200));
        assert_eq!(failures.note(at(11_100)), 2 * FIRST_REST, "not for a second");
        failures.answered(|| at(12_000));
        assert_eq!(failures.note(at(14_001)), Duration::ZERO);
    }
}
