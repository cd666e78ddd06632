//! A circuit breaker: leaves a component alone that keeps failing, and tries it again after a while.
//!
//! | state | attempts | becomes |
//! |---|---|---|
//! | closed | all | open, when what it counts makes [`BreakerSettings::trip`] hold |
//! | open | none | half-open, after [`BreakerSettings::timeout`] |
//! | half-open | [`BreakerSettings::max_requests`] | closed, when so many have succeeded one after the other; open, when one fails |
//!
//! That is what Dapr's does, which is [gobreaker](https://github.com/sony/gobreaker). What its caller gives up half-way
//! counts as neither, and makes room for another in half-open, where gobreaker would wait for it for ever. What the deadline of
//! the call ends is a failure.

use super::trip::{Counts, Trip};
use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The settings of a circuit breaker. The text of each field is its reference. `Display`: `open for 60s when
/// consecutiveFailures > 5`, and with `, counted anew every 8s` and `, 2 attempts to close it` where that is not the default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    /// `maxRequests`, an integer above zero: attempts that are let through when it is tried whether the component works again.
    /// Default: `1`.
    pub max_requests: NonZeroU32,
    /// `interval`, a duration: how often counts begin anew while all is well; `"0s"`: never. Default: `"0s"`.
    pub interval: Duration,
    /// `timeout`, a duration above zero: how long nothing is let through. Default: `"60s"`.
    pub timeout: Duration,
    /// `trip`, a condition: when nothing is let through any more. Default: `"consecutiveFailures > 5"`.
    pub trip: Trip,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            max_requests: NonZeroU32::MIN,
            interval: Duration::ZERO,
            timeout: Duration::from_secs(60),
            trip: "consecutiveFailures > 5".parse().expect("it is a condition"),
        }
    }
}

impl fmt::Display for BreakerSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "open for {:?} when {}", self.timeout, self.trip)?;
        if !self.interval.is_zero() {
            write!(f, ", counted anew every {:?}", self.interval)?;
        }
        if self.max_requests > NonZeroU32::MIN {
            write!(f, ", {} attempts to close it", self.max_requests)?;
        }
        Ok(())
    }
}

/// A circuit breaker of one component, shared by all who call it.
#[derive(Debug)]
pub struct CircuitBreaker {
    name: String,
    settings: BreakerSettings,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: State,
    counts: Counts,
    /// Counts begin anew with each: what began before counts for nothing.
    generation: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed {
        /// When counts begin anew.
        until: Option<Instant>,
    },
    Open {
        until: Instant,
    },
    HalfOpen,
}

/// That an attempt is not let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IsOpen {
    /// The policy.
    pub(super) name: String,
    /// When another attempt will be let through; none: once one of those under way has ended.
    pub(super) again: Option<Duration>,
}

/// An attempt that is let through. Dropped without an end, it counts for nothing.
pub(super) struct Attempt<'a> {
    breaker: &'a CircuitBreaker,
    generation: u64,
    is_over: bool,
}

impl CircuitBreaker {
    /// A closed one. Logs call it by the name of its policy.
    pub fn new(name: &str, settings: BreakerSettings) -> Self {
        let until = settings.counted_until(Instant::now());
        Self {
            name: name.to_owned(),
            settings,
            inner: Mutex::new(Inner {
                state: State::Closed { until },
                counts: Counts::default(),
                generation: 0,
            }),
        }
    }

    // Nothing that can panic happens while it is held.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets an attempt through, or not.
    pub(super) fn begin(&self, now: Instant) -> Result<Attempt<'_>, IsOpen> {
        let mut inner = self.inner();
        match inner.state {
            State::Closed { until: Some(until) } if until <= now => {
                let until = self.settings.counted_until(now);
                inner.become_(State::Closed { until });
            }
            State::Open { until } if until <= now => inner.become_(State::HalfOpen),
            _ => {}
        }
        let is_open = |again| IsOpen {
            name: self.name.clone(),
            again,
        };
        match inner.state {
            State::Open { until } => return Err(is_open(Some(until - now))),
            State::HalfOpen if inner.counts.requests >= self.settings.max_requests.get() => return Err(is_open(None)),
            _ => {}
        }
        inner.counts.requests = inner.counts.requests.saturating_add(1);
        Ok(Attempt {
            breaker: self,
            generation: inner.generation,
            is_over: false,
        })
    }
}

impl BreakerSettings {
    fn counted_until(&self, now: Instant) -> Option<Instant> {
        (!self.interval.is_zero()).then(|| now + self.interval)
    }
}

impl Inner {
    fn become_(&mut self, state: State) {
        self.state = state;
        self.counts = Counts::default();
        self.generation += 1;
    }
}

impl Attempt<'_> {
    pub(super) fn succeeded(mut self, now: Instant) {
        self.over(|inner, settings| {
            inner.counts.success();
            let enough = inner.counts.consecutive_successes >= settings.max_requests.get();
            (inner.state == State::HalfOpen && enough).then(|| State::Closed {
                until: settings.counted_until(now),
            })
        });
    }

    pub(super) fn failed(mut self, now: Instant) {
        self.over(|inner, settings| {
            inner.counts.failure();
            let trips = inner.state == State::HalfOpen || settings.trip.holds(&inner.counts);
            trips.then(|| State::Open {
                until: now + settings.timeout,
            })
        });
    }

    fn over(&mut self, count: impl FnOnce(&mut Inner, &BreakerSettings) -> Option<State>) {
        self.is_over = true;
        let CircuitBreaker { name, settings, inner } = self.breaker;
        let next = {
            let mut inner = inner.lock().unwrap_or_else(PoisonError::into_inner);
            if inner.generation != self.generation {
                return;
            }
            let next = count(&mut inner, settings);
            if let Some(state) = next {
                inner.become_(state);
            }
            next
        };
        // Not while it is held: whoever reads the log may be slow.
        match next {
            Some(State::Open { .. }) => {
                tracing::warn!(policy = name, "a circuit breaker opens for {:?}", settings.timeout);
            }
            Some(_) => tracing::info!(policy = name, "a circuit breaker closes: it works again"),
            None => {}
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let mut inner = self.breaker.inner();
        if inner.generation == self.generation {
            inner.counts.requests = inner.counts.requests.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn breaker(settings: BreakerSettings) -> (CircuitBreaker, Instant) {
        (CircuitBreaker::new("simple", settings), Instant::now())
    }

    fn after_two_failures() -> BreakerSettings {
        BreakerSettings {
            trip: "consecutiveFailures >= 2".parse().unwrap(),
            timeout: 10 * SECOND,
            ..BreakerSettings::default()
        }
    }

    fn fail(breaker: &CircuitBreaker, now: Instant) {
        breaker.begin(now).unwrap_or_else(|open| panic!("{open:?}")).failed(now);
    }

    fn succeed(breaker: &CircuitBreaker, now: Instant) {
        breaker
            .begin(now)
            .unwrap_or_else(|open| panic!("{open:?}"))
            .succeeded(now);
    }

    fn is_open(breaker: &CircuitBreaker, now: Instant) -> Option<Duration> {
        let open = breaker.begin(now).err().expect("it lets nothing through");
        open.again
    }

    #[test]
    fn what_is_not_the_default_is_shown() {
        let settings = BreakerSettings {
            max_requests: NonZeroU32::new(3).unwrap(),
            interval: 8 * SECOND,
            ..BreakerSettings::default()
        };
        assert_eq!(
            settings.to_string(),
            "open for 60s when consecutiveFailures > 5, counted anew every 8s, 3 attempts to close it"
        );
        assert_eq!(
            BreakerSettings::default().to_string(),
            "open for 60s when consecutiveFailures > 5"
        );
    }

    #[test]
    fn it_opens_when_its_condition_holds_and_says_for_how_long() {
        let (breaker, now) = breaker(after_two_failures());
        fail(&breaker, now);
        succeed(&breaker, now);
        fail(&breaker, now);
        fail(&breaker, now);
        assert_eq!(is_open(&breaker, now + 3 * SECOND), Some(7 * SECOND));
    }

    #[test]
    fn one_attempt_finds_out_whether_it_works_again() {
        let (breaker, now) = breaker(after_two_failures());
        fail(&breaker, now);
        fail(&breaker, now);
        let later = now + 10 * SECOND;
        let attempt = breaker.begin(later).map_err(|open| open.again).unwrap();
        assert_eq!(is_open(&breaker, later), None, "the first one is under way");
        attempt.failed(later);
        assert_eq!(is_open(&breaker, later), Some(10 * SECOND));
        let later = later + 10 * SECOND;
        succeed(&breaker, later);
        fail(&breaker, later);
        succeed(&breaker, later);
    }

    #[test]
    fn an_attempt_that_is_given_up_makes_room_for_another() {
        let (breaker, now) = breaker(after_two_failures());
        fail(&breaker, now);
        fail(&breaker, now);
        let later = now + 10 * SECOND;
        drop(breaker.begin(later).map_err(|open| open.again).unwrap());
        succeed(&breaker, later);
        succeed(&breaker, later);
    }

    #[test]
    fn what_began_before_it_opened_counts_for_nothing() {
        let (breaker, now) = breaker(after_two_failures());
        let slow = breaker.begin(now).map_err(|open| open.again).unwrap();
        fail(&breaker, now);
        fail(&breaker, now);
        let later = now + 10 * SECOND;
        succeed(&breaker, later);
        slow.failed(later);
        fail(&breaker, later);
        succeed(&breaker, later);
    }

    #[test]
    fn counts_begin_anew_after_each_interval() {
        let (breaker, now) = breaker(BreakerSettings {
            interval: SECOND,
            ..after_two_failures()
        });
        fail(&breaker, now);
        fail(&breaker, now + SECOND);
        succeed(&breaker, now + SECOND);
    }
}
