//! What is configured for one component.

use super::breaker::BreakerSettings;
use super::retry::Retry;
use std::fmt;
use std::time::Duration;

/// What is configured for one component. `Display` is what the start-up text says: `3 retries within the deadline, 500ms an
/// attempt`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The longest that one attempt may take; none: as long as the call has.
    pub timeout: Option<Duration>,
    /// What is tried again.
    pub retry: Option<Retry>,
    /// When the component is left alone: the policy's name and its settings.
    pub breaker: Option<(String, BreakerSettings)>,
}

impl Policy {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        let Self {
            timeout,
            retry,
            breaker,
        } = self;
        timeout.is_none() && breaker.is_none() && retry.as_ref().is_none_or(Retry::is_none)
    }
}

impl Policy {
    /// This one, and where it says nothing, another.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        Self {
            timeout: self.timeout.or(other.timeout),
            retry: self.retry.or_else(|| other.retry.clone()),
            breaker: self.breaker.or_else(|| other.breaker.clone()),
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            timeout,
            retry,
            breaker,
        } = self;
        let timeout = timeout.map(|timeout| format!("{timeout:?} an attempt"));
        let retry = retry.as_ref().map(ToString::to_string);
        let breaker = breaker
            .as_ref()
            .map(|(name, settings)| format!("circuit breaker {name} ({settings})"));
        let parts: Vec<String> = [retry, timeout, breaker].into_iter().flatten().collect();
        f.write_str(&parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_in_a_line() {
        let policy = Policy {
            timeout: Some(Duration::from_millis(500)),
            retry: Some(Retry::for_servers()),
            breaker: Some(("simple".to_owned(), BreakerSettings::default())),
        };
        assert_eq!(
            policy.to_string(),
            "3 retries after 20ms to 1s, 500ms an attempt, circuit breaker simple (open for 60s when consecutiveFailures > 5)"
        );
        assert_eq!(Policy::default().to_string(), "");
    }
}
