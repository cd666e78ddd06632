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
        let answer = match &self.guard {
            None => self.once(ask()).await,
            Some(guard) => self.attempts(guard, operation, ask).await,
        };
        let error = match answer {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
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

    /// The one attempt of a call without a policy, within the deadline.
    async fn once<T>(&self, ask: impl Future<Output = Result<T, SecretError>>) -> Result<T, SecretError> {
        let begun = Instant::now();
        let answer = tokio::time::timeout_at(begun + self.deadline, ask).await;
        answer.unwrap_or_else(|_| Err(self.refused(&Refused::TooSlow(self.deadline), begun)))
    }

    async fn attempts<T, F>(
        &self,
        guard: &Guard,
        operation: &'static str,
        ask: impl Fn() -> F,
    ) -> Result<T, SecretError>
    where
        F: Future<Output = Result<T, SecretError>>,
    {
        let mut attempts = guard.attempts(self.deadline);
        loop {
            let verdict_of = |answer: &Result<T, _>| answer.as_ref().map_or_else(verdict, |_| Verdict::Answered);
            let begun = Instant::now();
            let (error, was_begun) = match attempts.attempt(ask(), verdict_of).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => (error, true),
                Err(refused) => (self.refused(&refused, begun), matches!(refused, Refused::TooSlow(_))),
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

impl AppSecretStore {
    /// What there is of an attempt without an answer that began then.
    fn refused(&self, refused: &Refused, begun: Instant) -> SecretError {
        if matches!(refused, Refused::TooSlow(_)) {
            self.store.unanswered(begun);
        }
        unanswered(refused.to_string())
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
        /// How often it was told that a call had no answer.
        unanswered: AtomicU32,
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
        fn unanswered(&self, _: Instant) {
            self.unanswered.fetch_add(1, Ordering::Relaxed);
        }

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
            unanswered: AtomicU32::new(0),
        }
    }

    fn under(policy: impl Into<Option<Policy>>, away: Away) -> (AppSecretStore, Arc<Away>) {
        let store = Arc::new(away);
        let app = AppSecretStore {
            name: "vault".to_owned(),
            store: store.clone(),
            access: SecretAccess::default(),
            deadline: 5 * SECOND,
            guard: policy.into().map(|policy| Arc::new(Guard::new(policy))),
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
        assert_eq!(store.unanswered.load(Ordering::Relaxed), 1);
        let (app, store) = under(opens_at_once(), away(9));
        app.get("token").await.unwrap_err();
        assert_is_open(&app).await;
        assert_eq!(store.calls.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_deadline_ends_is_told_to_the_store_and_opens_a_breaker() {
        for policy in [None, Some(opens_at_once())] {
            let silent = Away {
                is_silent: true,
                ..away(9)
            };
            let (app, store) = under(policy.clone(), silent);
            let error = app.get("token").await.unwrap_err().to_string();
            assert_eq!(error, "the store is unavailable: no answer within 5s");
            assert_eq!(store.unanswered.load(Ordering::Relaxed), 1);
            if policy.is_some() {
                assert_is_open(&app).await;
            }
        }
    }

    fn opens_at_once() -> Policy {
        let trips = BreakerSettings {
            trip: "totalFailures >= 1".parse().unwrap(),
            ..BreakerSettings::default()
        };
        Policy {
            breaker: Some(("simple".to_owned(), trips)),
            ..Policy::default()
        }
    }

    async fn assert_is_open(app: &AppSecretStore) {
        let refused = app.get("token").await.unwrap_err().to_string();
        assert!(refused.contains("its circuit breaker `simple` is open"), "{refused}");
    }
}
