//! A policy at work: attempts, one after the other.
//!
//! Whoever calls makes the attempts, since only they know what an attempt needs, what its errors mean, and what is left to do
//! when some items of several are done:
//!
//! ```
//! # use dapr_blocks::resiliency::{Guard, Policy, Refused, Repeat, Retry, Retryable, Verdict};
//! # use std::time::Duration;
//! # async fn ask(number: u32) -> Result<u32, &'static str> { if number < 2 { Err("away") } else { Ok(number) } }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let guard = Guard::new(Policy { retry: Some(Retry::for_servers()), ..Policy::default() });
//! let mut attempts = guard.attempts(Duration::from_secs(5));
//! let mut asked = 0;
//! let answer = loop {
//!     asked += 1;
//!     let verdict = |answer: &Result<u32, _>| match answer {
//!         Ok(_) => Verdict::Answered,
//!         Err(_) => Verdict::Again(Retryable::Unavailable),
//!     };
//!     let answer = attempts.attempt(ask(asked), verdict).await.expect("it is answered, and has no circuit breaker");
//!     if !attempts.allow(verdict(&answer), Repeat::Always) || !attempts.wait().await {
//!         break answer;
//!     }
//! };
//! assert_eq!(answer, Ok(2));
//! # }
//! ```

use super::breaker::{CircuitBreaker, IsOpen};
use super::policy::Policy;
use super::retry::Retryable;
use std::fmt;
use std::future::Future;
use std::time::Duration;
use tokio::time::Instant;

/// The policy of one component at work, for all who call it.
#[derive(Debug)]
pub struct Guard {
    policy: Policy,
    breaker: Option<CircuitBreaker>,
}

/// What an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The component did its work, if only by saying no.
    Answered,
    /// It failed, and would again.
    Failed,
    /// It failed, and might not again.
    Again(Retryable),
}

/// Whether something may be done twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Doing it twice is doing it once.
    Always,
    /// Only if it is certain that it was not done.
    IfNotDone,
}

/// Why an attempt has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// It was not begun: the circuit breaker is open.
    Open {
        /// The breaker's policy.
        policy: String,
        /// When another attempt will be let through; none: once one of those under way has ended.
        again: Option<Duration>,
    },
    /// It took longer than this: the policy's timeout, or what the call may take with all its attempts.
    TooSlow(Duration),
}

/// Half a sentence: `no answer within 500ms`.
impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open {
                policy,
                again: Some(again),
            } => {
                // Nobody waits for a fraction of a second of it.
                let seconds = again.as_secs() + 1;
                write!(f, "its circuit breaker `{policy}` is open for {seconds}s more")
            }
            Self::Open { policy, again: None } => {
                write!(f, "its circuit breaker `{policy}` waits for whether it works again")
            }
            Self::TooSlow(timeout) => write!(f, "no answer within {timeout:?}"),
        }
    }
}

impl Guard {
    /// Puts a policy to work.
    pub fn new(policy: Policy) -> Self {
        let breaker = policy.breaker.clone();
        Self {
            policy,
            breaker: breaker.map(|(name, settings)| CircuitBreaker::new(&name, settings)),
        }
    }

    /// The attempts of a call that begins now and takes no longer than `deadline`.
    pub fn attempts(&self, deadline: Duration) -> Attempts<'_> {
        let mut delays = self.policy.retry.as_ref().map(super::Retry::delays);
        Attempts {
            guard: self,
            next: delays.as_mut().and_then(Iterator::next),
            delays,
            on: self.policy.retry.as_ref().map_or(&[], |retry| &retry.on),
            deadline,
            until: Instant::now() + deadline,
        }
    }
}

/// What is left of the attempts of a call.
pub struct Attempts<'a> {
    guard: &'a Guard,
    delays: Option<Box<dyn Iterator<Item = Duration> + Send>>,
    /// How long to wait for the next one, if there is one.
    next: Option<Duration>,
    on: &'a [Retryable],
    deadline: Duration,
    until: Instant,
}

impl Attempts<'_> {
    /// Makes an attempt, as far as the circuit breaker lets it. The timeout ends it, or the deadline of the call, whichever
    /// comes first; to a circuit breaker either is a failure.
    ///
    /// # Errors
    ///
    /// [`Refused`].
    ///
    /// # Cancel safety
    ///
    /// As the attempt's; a circuit breaker does not count what is given up.
    pub async fn attempt<T>(
        &mut self,
        attempt: impl Future<Output = T>,
        verdict: impl FnOnce(&T) -> Verdict,
    ) -> Result<T, Refused> {
        let Guard { policy, breaker } = self.guard;
        let now = Instant::now();
        let begun = breaker.as_ref().map(|breaker| breaker.begin(now));
        let counted = begun
            .transpose()
            .map_err(|IsOpen { name, again }| Refused::Open { policy: name, again })?;
        let (end, most) = match policy.timeout {
            Some(timeout) if now + timeout < self.until => (now + timeout, timeout),
            _ => (self.until, self.deadline),
        };
        let answer = tokio::time::timeout_at(end, attempt).await;
        let answer = answer.map_err(|_| Refused::TooSlow(most));
        if let Some(counted) = counted {
            match answer.as_ref().map_or(Verdict::Failed, verdict) {
                Verdict::Answered => counted.succeeded(Instant::now()),
                Verdict::Failed | Verdict::Again(_) => counted.failed(Instant::now()),
            }
        }
        answer
    }

    /// Whether the attempt under way may be followed by another.
    pub fn may_go_on(&self) -> bool {
        self.next.is_some()
    }

    /// Whether something that came to this may be tried again, if there is time.
    pub fn allow(&self, verdict: Verdict, repeat: Repeat) -> bool {
        let Verdict::Again(retryable) = verdict else {
            return false;
        };
        let is_safe = retryable != Retryable::OutcomeUnknown || repeat == Repeat::Always;
        is_safe && self.may_go_on() && self.on.contains(&retryable)
    }

    /// Waits for the next attempt, and answers whether there is one: not if the call will have ended by then, which is told
    /// at once.
    pub async fn wait(&mut self) -> bool {
        let Some(delay) = self.next.take() else { return false };
        let next = Instant::now() + delay;
        if next >= self.until {
            return false;
        }
        self.next = self.delays.as_mut().and_then(Iterator::next);
        tokio::time::sleep_until(next).await;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::retry::{Retry, Times};
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn every_second(max: Option<u32>) -> Guard {
        Guard::new(Policy {
            retry: Some(Retry {
                times: Times::Constant(SECOND),
                max,
                on: Retry::on_all(),
            }),
            ..Policy::default()
        })
    }

    async fn waited(attempts: &mut Attempts<'_>) -> u32 {
        let mut waited = 0;
        while attempts.wait().await {
            waited += 1;
        }
        waited
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_as_many_attempts_as_the_policy_says() {
        let guard = every_second(Some(2));
        let begun = Instant::now();
        assert_eq!(waited(&mut guard.attempts(60 * SECOND)).await, 2);
        assert_eq!(begun.elapsed(), 2 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_could_not_begin_in_time_is_not_waited_for() {
        let guard = every_second(None);
        let begun = Instant::now();
        let mut attempts = guard.attempts(Duration::from_millis(2500));
        assert_eq!(waited(&mut attempts).await, 2);
        assert_eq!(begun.elapsed(), 2 * SECOND);
        assert!(!attempts.may_go_on());
    }

    #[tokio::test]
    async fn what_may_have_been_done_is_repeated_only_where_that_is_harmless() {
        let guard = every_second(None);
        let attempts = guard.attempts(SECOND);
        let (unknown, unavailable) = (Retryable::OutcomeUnknown, Retryable::Unavailable);
        assert!(!attempts.allow(Verdict::Again(unknown), Repeat::IfNotDone));
        assert!(attempts.allow(Verdict::Again(unknown), Repeat::Always));
        assert!(attempts.allow(Verdict::Again(unavailable), Repeat::IfNotDone));
        assert!(!attempts.allow(Verdict::Failed, Repeat::Always));
        assert!(!attempts.allow(Verdict::Answered, Repeat::Always));
    }

    fn opens_at_once(timeout: Option<Duration>) -> Guard {
        let settings = super::super::BreakerSettings {
            trip: "totalFailures >= 1".parse().unwrap(),
            ..Default::default()
        };
        Guard::new(Policy {
            timeout,
            breaker: Some(("simple".to_owned(), settings)),
            ..Policy::default()
        })
    }

    async fn never(guard: &Guard, deadline: Duration) -> Result<(), Refused> {
        let mut attempts = guard.attempts(deadline);
        attempts.attempt(std::future::pending(), |()| Verdict::Answered).await
    }

    async fn at_once(guard: &Guard) -> Result<(), Refused> {
        guard.attempts(SECOND).attempt(async {}, |()| Verdict::Answered).await
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_ends_at_the_timeout_and_opens_the_breaker() {
        let guard = opens_at_once(Some(SECOND));
        assert_eq!(never(&guard, 5 * SECOND).await, Err(Refused::TooSlow(SECOND)));
        let refused = at_once(&guard).await.unwrap_err();
        assert_eq!(refused.to_string(), "its circuit breaker `simple` is open for 61s more");
        tokio::time::advance(60 * SECOND).await;
        assert_eq!(at_once(&guard).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_ends_at_the_deadline_of_the_call_and_opens_the_breaker() {
        for timeout in [None, Some(9 * SECOND)] {
            let guard = opens_at_once(timeout);
            let begun = Instant::now();
            assert_eq!(never(&guard, 5 * SECOND).await, Err(Refused::TooSlow(5 * SECOND)));
            assert_eq!(begun.elapsed(), 5 * SECOND);
            at_once(&guard).await.unwrap_err();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_whose_caller_leaves_counts_for_nothing() {
        let guard = opens_at_once(None);
        let left = tokio::time::timeout(SECOND, never(&guard, 5 * SECOND));
        left.await.unwrap_err();
        assert_eq!(at_once(&guard).await, Ok(()));
    }
}
