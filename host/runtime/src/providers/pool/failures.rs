//! What went wrong lately, and how long to rest after it: for whatever has instances that may break.
//!
//! | what happens | is told by |
//! |---|---|
//! | an instance broke, or did not start | [`Failures::note`], then [`Failures::none_left`] if it was the last |
//! | an instance began | [`Failures::started`] |
//! | a call was answered, by whichever instance | [`Failures::answered`] |
//!
//! Failures are counted for all instances together. What breaks several at once, a server that hangs, is one failure: the
//! instances that began before it and break after it say nothing new.

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
    /// When the last one was.
    last: Option<Instant>,
    /// The rest that followed it.
    rest: Duration,
    /// When a call was answered for the first time after it.
    answered: Option<Instant>,
    /// Those since a call was answered.
    unanswered: u32,
    /// What was seen since the store began to fail; none if it did not.
    failing: Option<Signs>,
}

/// Signs of life.
#[derive(Debug, Default)]
struct Signs {
    /// When an instance began.
    started: Option<Instant>,
    /// When a call was answered.
    answered: Option<Instant>,
}

impl Failures {
    /// A failure is the first of a row if calls were answered before it for ten times as long as the last rest. That nothing
    /// broke is not enough: what hangs breaks once a deadline.
    const WELL: u32 = 10;

    /// How long all must be well at least.
    const LEAST_WELL: Duration = Duration::from_secs(1);

    /// Notes that an instance broke which began at `began`, or began to be started then. Answers how long to rest after it.
    pub(crate) fn note(&mut self, began: Instant, now: Instant) -> Duration {
        let must_be_well = (self.rest * Self::WELL).max(Self::LEAST_WELL);
        if is_longer(self.answered, now, must_be_well) {
            *self = Self::default();
        }
        if self.last.is_some_and(|last| began < last) {
            return self.rest;
        }
        self.in_a_row += 1;
        self.unanswered += 1;
        (self.last, self.answered) = (Some(now), None);
        if self.unanswered >= FAILING {
            self.failing = Some(Signs::default());
        }
        self.rest = match self.in_a_row.checked_sub(2) {
            None => Duration::ZERO,
            Some(doublings) => FIRST_REST.saturating_mul(1 << doublings.min(16)).min(LONGEST_REST),
        };
        self.rest
    }

    /// No instance is left after what was noted last.
    pub(crate) fn none_left(&mut self) {
        if self.in_a_row >= FAILING {
            self.failing = Some(Signs::default());
        }
    }

    /// An instance began.
    pub(crate) fn started(&mut self, now: Instant) {
        if let Some(signs) = &mut self.failing {
            signs.started.get_or_insert(now);
        }
    }

    /// A call was answered.
    pub(crate) fn answered(&mut self, now: impl FnOnce() -> Instant) {
        // Nobody need look at the clock unless something broke since.
        if self.in_a_row == 0 || self.answered.is_some() {
            return;
        }
        let now = now();
        self.answered = Some(now);
        self.unanswered = 0;
        if let Some(signs) = &mut self.failing {
            signs.answered.get_or_insert(now);
        }
    }

    /// Failing from three in a row on: while no instance is left, and while none answers. What breaks now and then while
    /// others answer is not, however often that is.
    ///
    /// It is well again when calls were answered for some time, since what breaks at each third call answers two; or when an
    /// instance is there for longer than a call that hangs takes to show: without that a store that nobody calls because it
    /// is failing would stay so.
    pub(crate) fn fitness(&self, now: Instant, deadline: Duration) -> Fitness {
        match &self.failing {
            Some(Signs { started, answered })
                if !is_longer(*answered, now, Self::LEAST_WELL)
                    && !is_longer(*started, now, Self::LEAST_WELL + deadline) =>
            {
                Fitness::Failing {
                    failures: self.in_a_row,
                }
            }
            _ => Fitness::Well,
        }
    }
}

/// Whether it is longer ago than this.
fn is_longer(since: Option<Instant>, now: Instant, time: Duration) -> bool {
    since.is_some_and(|since| now.saturating_duration_since(since) > time)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEADLINE: Duration = Duration::from_secs(5);

    /// So many milliseconds after the beginning of a test.
    fn clock() -> impl Fn(u64) -> Instant {
        let begin = Instant::now();
        move |millis| begin + Duration::from_millis(millis)
    }

    #[test]
    fn a_row_of_failures_ends_when_calls_were_answered_for_long() {
        let mut failures = Failures::default();
        let at = clock();
        assert_eq!(failures.note(at(0), at(0)), Duration::ZERO);
        let rest = failures.note(at(1), at(10_000));
        assert_eq!(rest, FIRST_REST, "nothing was answered meanwhile");
        failures.answered(|| at(10_200));
        let rest = failures.note(at(10_100), at(11_100));
        assert_eq!(rest, 2 * FIRST_REST, "not for a second");
        failures.answered(|| at(12_000));
        assert_eq!(failures.note(at(11_300), at(14_001)), Duration::ZERO);
    }

    #[test]
    fn what_breaks_several_instances_at_once_is_one_failure() {
        let mut failures = Failures::default();
        let at = clock();
        for wave in 0..5 {
            let began = at(5_000 * wave + 1_000);
            let rests: Vec<_> = (0..8)
                .map(|instance| failures.note(began, at(5_000 * (wave + 1) + instance)))
                .collect();
            let rest = match wave {
                0 => Duration::ZERO,
                _ => FIRST_REST * (1 << (wave - 1)),
            };
            assert_eq!(rests, [rest; 8], "wave {wave}");
        }
    }

    #[test]
    fn an_instance_that_is_as_old_as_the_last_row_begins_a_new_one() {
        let mut failures = Failures::default();
        let at = clock();
        for broke in [100, 200, 300] {
            failures.note(at(broke - 1), at(broke));
        }
        failures.answered(|| at(400));
        assert_eq!(failures.note(at(0), at(10_000)), Duration::ZERO);
        assert_eq!(failures.note(at(10_001), at(10_002)), FIRST_REST, "it counted");
    }

    #[test]
    fn one_bad_call_a_second_is_not_failing_while_other_instances_answer() {
        let mut failures = Failures::default();
        let at = clock();
        for second in 1..60 {
            failures.note(at(1_000 * second - 100), at(1_000 * second));
            let fitness = failures.fitness(at(1_000 * second), DEADLINE);
            assert_eq!(fitness, Fitness::Well, "after {second} s");
            failures.answered(|| at(1_000 * second + 10));
        }
    }

    #[test]
    fn one_bad_call_a_second_is_failing_where_no_instance_is_left() {
        let mut failures = Failures::default();
        let at = clock();
        for second in 1..60 {
            failures.note(at(1_000 * second - 100), at(1_000 * second));
            failures.none_left();
            failures.started(at(1_000 * second + 10));
            failures.answered(|| at(1_000 * second + 20));
            let is_well = failures.fitness(at(1_000 * second + 900), DEADLINE) == Fitness::Well;
            assert_eq!(is_well, second < u64::from(FAILING), "after {second} s");
        }
        assert_eq!(
            failures.fitness(at(60_100), DEADLINE),
            Fitness::Well,
            "it was answered for a second"
        );
    }

    #[test]
    fn instances_that_all_hang_are_failing_though_they_are_there() {
        let mut failures = Failures::default();
        let at = clock();
        for wave in 0..u64::from(FAILING) {
            assert_eq!(failures.fitness(at(5_000 * wave + 4_999), DEADLINE), Fitness::Well);
            failures.note(at(5_000 * wave), at(5_000 * (wave + 1)));
        }
        let failing = Fitness::Failing { failures: FAILING };
        assert_eq!(failures.fitness(at(15_001), DEADLINE), failing);
        // Nobody calls it any more.
        failures.started(at(15_200));
        assert_eq!(failures.fitness(at(21_199), DEADLINE), failing);
        assert_eq!(failures.fitness(at(21_201), DEADLINE), Fitness::Well);
    }
}
