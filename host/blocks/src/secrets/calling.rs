//! Asking the vendor: within the deadline, and as often as the store's policy says. Reading twice is reading once, so that every
//! failure may be tried again.

use super::{AppSecretStore, SecretError};
use crate::chain;
use crate::resiliency::{Guard, Refused, Repeat, Retryable, Verdict};
use std::future::Future;
use tokio::time::Instant;

impl AppSecretStore {
    /// Asks the store, and logs what the app is not shown.
    pub(super) async fn call<T, F>(&self, operation: &'static str, ask: impl Fn() -> F) -> Result<T, SecretError>
    where
        F: Future<Output = Result<T, SecretError>>,
    {
        let until = Instant::now() + self.deadline;
        let answer = tokio::time::timeout_at(until, async {
            match &self.guard {
                None => ask().await,
                Some(guard) => self.attempts(guard, operation, until, ask).await,
            }
        });
        let error = match answer.await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => error,
            Err(_) => unanswered(format!("no answer within {:?}", self.deadline)),
        };
        if matches!(
            error,
            SecretError::Internal(_) | SecretError::Unavailable { .. } | SecretError::Denied { .. }
        ) {
            // As a value that the log quotes: a cause may be a server's own words, and must not begin a line of its own.
            let cause = chain(&error);
            tracing::warn!(store = self.name, operation, cause, "secret store failed");
        }
        Err(error)
    }

    async fn attempts<T, F>(
        &self,
        guard: &Guard,
        operation: &'static str,
        until: Instant,
        ask: impl Fn() -> F,
    ) -> Result<T, SecretError>
    where
        F: Future<Output = Result<T, SecretError>>,
    {
        let mut attempts = guard.attempts(until);
        loop {
            let verdict_of = |answer: &Result<T, _>| answer.as_ref().map_or_else(verdict, |_| Verdict::Answered);
            let (error, was_begun) = match guard.attempt(ask(), verdict_of).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => (error, true),
                Err(refused) => (unanswered(refused.to_string()), matches!(refused, Refused::TooSlow(_))),
            };
            if !was_begun || !attempts.allow(verdict(&error), Repeat::Always) || !attempts.wait().await {
                return Err(error);
            }
            let cause = chain(&error);
            tracing::info!(
                store = self.name,
                operation,
                cause,
                "a call to a secret store is tried again"
            );
        }
    }
}

fn unanswered(reason: String) -> SecretError {
    SecretError::Unavailable { reason, source: None }
}

fn verdict(error: &SecretError) -> Verdict {
    match error {
        SecretError::Unavailable { .. } => Verdict::Again(Retryable::Unavailable),
        SecretError::Throttled => Verdict::Again(Retryable::Throttled),
        SecretError::Internal(_) => Verdict::Failed,
        _ => Verdict::Answered,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Secret, SecretAccess, SecretStore, SecretValues};
    use super::*;
    use crate::resiliency::{BreakerSettings, Policy, Retry, Times};
    use async_trait::async_trait;
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    const SECOND: Duration = Duration::from_secs(1);

    /// A store that is away for some calls, or for ever does not answer.
    struct Away {
        for_calls: u32,
        is_silent: bool,
        calls: AtomicU32,
    }

    impl Away {
        async fn asked(&self) -> Result<(), SecretError> {
            if self.calls.fetch_add(1, Ordering::Relaxed) >= self.for_calls {
                return Ok(());
            }
            match self.is_silent {
                true => std::future::pending().await,
                false => Err(unanswered("it is away".to_owned())),
            }
        }
    }

    #[async_trait]
    impl SecretStore for Away {
        async fn get(&self, name: &str) -> Result<SecretValues, SecretError> {
            self.asked().await?;
            match name {
                "token" => Ok([(name.to_owned(), Secret::new("t".to_owned()))].into()),
                name => Err(SecretError::NoSuchSecret(name.to_owned())),
            }
        }

        async fn bulk_get(&self, _: &SecretAccess) -> Result<BTreeMap<String, SecretValues>, SecretError> {
            self.asked().await.map(|()| BTreeMap::new())
        }
    }

    fn away(for_calls: u32) -> Away {
        Away {
            for_calls,
            is_silent: false,
            calls: AtomicU32::new(0),
        }
    }

    fn under(policy: Policy, away: Away) -> (AppSecretStore, Arc<Away>) {
        let store = Arc::new(away);
        let app = AppSecretStore {
            name: "vault".to_owned(),
            store: store.clone(),
            access: SecretAccess::default(),
            deadline: 5 * SECOND,
            guard: Some(Arc::new(Guard::new(policy))),
        };
        (app, store)
    }

    fn every_second(max: u32) -> Policy {
        Policy {
            retry: Some(Retry {
                times: Times::Constant(SECOND),
                max: Some(max),
                on: Retry::on_all(),
            }),
            ..Policy::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_is_away_for_a_moment_is_asked_again() {
        let (app, store) = under(every_second(3), away(2));
        assert_eq!(app.get("token").await.unwrap().len(), 1);
        assert_eq!(store.calls.load(Ordering::Relaxed), 3);
        let (app, _) = under(every_second(3), away(2));
        app.bulk_get().await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_error_comes_at_once_when_there_are_no_attempts_left_or_no_time() {
        let (app, store) = under(every_second(1), away(9));
        assert_eq!(
            app.get("token").await.unwrap_err().to_string(),
            "the store is unavailable: it is away"
        );
        assert_eq!(store.calls.load(Ordering::Relaxed), 2);
        let (app, store) = under(every_second(100), away(100));
        let begun = Instant::now();
        app.get("token").await.unwrap_err();
        assert_eq!((begun.elapsed(), store.calls.load(Ordering::Relaxed)), (4 * SECOND, 5));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_not_asked_for_again() {
        let (app, store) = under(every_second(3), away(0));
        assert!(matches!(app.get("gone").await, Err(SecretError::NoSuchSecret(_))));
        assert_eq!(store.calls.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_ends_at_its_timeout_and_a_breaker_leaves_the_store_alone() {
        let silent = Away {
            is_silent: true,
            ..away(1)
        };
        let (app, store) = under(
            Policy {
                timeout: Some(SECOND),
                ..every_second(1)
            },
            silent,
        );
        app.get("token").await.unwrap();
        assert_eq!(store.calls.load(Ordering::Relaxed), 2);
        let trips = BreakerSettings {
            trip: "totalFailures >= 1".parse().unwrap(),
            ..BreakerSettings::default()
        };
        let breaker = Some(("simple".to_owned(), trips));
        let (app, store) = under(
            Policy {
                breaker,
                ..Policy::default()
            },
            away(9),
        );
        app.get("token").await.unwrap_err();
        let refused = app.get("token").await.unwrap_err().to_string();
        assert!(refused.contains("its circuit breaker `simple` is open"), "{refused}");
        assert_eq!(store.calls.load(Ordering::Relaxed), 1);
    }
}
