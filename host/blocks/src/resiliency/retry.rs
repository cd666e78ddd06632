//! How often something is tried again, and when.

use backon::{BackoffBuilder, ConstantBuilder, ExponentialBuilder};
use std::fmt;
use std::time::Duration;

/// How often a failed attempt is followed by another, and when. `Display`: `3 retries after 20ms to 1s`, and with ` on
/// throttled or unavailable` if not after each failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// When.
    pub times: Times,
    /// How often at most; none: as long as the call has time.
    pub max: Option<u32>,
    /// Which failures.
    pub on: Vec<Retryable>,
}

/// When an attempt follows one that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// After the same time each time.
    Constant(Duration),
    /// After a time that grows by a half each time, from `first` up to `longest`, each lengthened by up to as much again by
    /// chance, so that many callers do not come back at once.
    Exponential {
        /// The first time.
        first: Duration,
        /// The longest.
        longest: Duration,
    },
}

/// A failure after which another attempt can make sense: the cases of `dapr:state/types.error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retryable {
    /// Nothing was done.
    Unavailable,
    /// Nothing was done, since too much is under way.
    Throttled,
    /// It may have been done. Only for what can be done twice.
    OutcomeUnknown,
}

impl Retryable {
    /// All of them, as a configuration names them.
    pub const ALL: [(&'static str, Self); 3] = [
        ("unavailable", Self::Unavailable),
        ("throttled", Self::Throttled),
        ("outcome-unknown", Self::OutcomeUnknown),
    ];
}

impl Retry {
    /// How much a growing time grows: Dapr's factor.
    const GROWTH: f32 = 1.5;

    /// What a server's client has without a policy of its own: three more attempts within a fraction of a second, which is
    /// what a server that restarts or a connection that was cut needs, and no more than a server in trouble can bear.
    pub fn for_servers() -> Self {
        Self {
            times: Times::Exponential {
                first: Duration::from_millis(20),
                longest: Duration::from_secs(1),
            },
            max: Some(3),
            on: Self::on_all(),
        }
    }

    /// All failures that can be tried again.
    pub fn on_all() -> Vec<Retryable> {
        Retryable::ALL.map(|(_, retryable)| retryable).to_vec()
    }

    /// Whether it never tries anything again.
    pub fn is_none(&self) -> bool {
        self.max == Some(0)
    }

    /// The times to wait, one after the other.
    pub fn delays(&self) -> Box<dyn Iterator<Item = Duration> + Send> {
        let max = self.max.map_or(usize::MAX, |max| max as usize);
        match self.times {
            Times::Constant(delay) => {
                let constant = ConstantBuilder::new().with_delay(delay);
                Box::new(constant.with_max_times(max).build())
            }
            Times::Exponential { first, longest } => {
                let exponential = ExponentialBuilder::new()
                    .with_min_delay(first)
                    .with_max_delay(longest)
                    .with_factor(Self::GROWTH)
                    .with_jitter();
                Box::new(exponential.with_max_times(max).build())
            }
        }
    }
}

impl fmt::Display for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.max {
            Some(0) => return f.write_str("no retries"),
            Some(1) => f.write_str("1 retry")?,
            Some(max) => write!(f, "{max} retries")?,
            None => f.write_str("retries until the deadline")?,
        }
        match self.times {
            Times::Constant(delay) => write!(f, " after {delay:?}")?,
            Times::Exponential { first, longest } => write!(f, " after {first:?} to {longest:?}")?,
        }
        let on = |(_, retryable): &(_, Retryable)| self.on.contains(retryable);
        if Retryable::ALL.iter().all(on) {
            return Ok(());
        }
        for (place, (name, _)) in Retryable::ALL.iter().copied().filter(on).enumerate() {
            let before = if place == 0 { " on" } else { " or" };
            write!(f, "{before} {name}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_the_same_or_grow_up_to_the_longest() {
        let retry = |times, max| Retry {
            times,
            max,
            on: Retry::on_all(),
        };
        let second = Duration::from_secs(1);
        let constant: Vec<_> = retry(Times::Constant(second), Some(3)).delays().collect();
        assert_eq!(constant, [second; 3]);
        let growing = Times::Exponential {
            first: second,
            longest: 2 * second,
        };
        let delays: Vec<_> = retry(growing, None).delays().take(50).collect();
        assert_eq!(delays.len(), 50, "there is no end to it");
        for (delay, least) in delays.iter().zip([1.0, 1.5, 2.0, 2.0]) {
            assert!((least..=2.0 * least).contains(&delay.as_secs_f64()), "{delays:?}");
        }
        assert_eq!(retry(growing, Some(0)).delays().count(), 0);
    }

    #[test]
    fn the_failures_are_named_unless_it_is_all_that_can_be_tried_again() {
        let retry = |on: &[Retryable]| Retry {
            on: on.to_vec(),
            ..Retry::for_servers()
        };
        let all = retry(&Retry::on_all());
        assert_eq!(all.to_string(), "3 retries after 20ms to 1s");
        let one = retry(&[Retryable::Throttled]);
        assert_eq!(one.to_string(), "3 retries after 20ms to 1s on throttled");
        let two = retry(&[Retryable::Throttled, Retryable::Unavailable]);
        assert_eq!(
            two.to_string(),
            "3 retries after 20ms to 1s on unavailable or throttled"
        );
    }
}
