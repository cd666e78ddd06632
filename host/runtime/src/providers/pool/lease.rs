//! An instance for one call.

use super::places::{Inner, Live, Start};
use dapr_blocks::chain;
use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// An instance for one call. Dropped, it goes back to the pool.
pub(crate) struct Lease<S: Start> {
    pool: Arc<Inner<S>>,
    /// None while it is in a call, and after it broke.
    instance: Option<S::Instance>,
    /// When the instance began.
    began: Instant,
    /// Why it broke.
    cause: Option<String>,
}

impl<S: Start> Lease<S> {
    pub(super) fn new(pool: Arc<Inner<S>>, Live { instance, began }: Live<S>) -> Self {
        Self {
            pool,
            instance: Some(instance),
            began,
            cause: None,
        }
    }

    /// Makes a call, which gets no longer than `deadline`. It takes the instance and gives it back with what it answered; one
    /// that breaks or is too slow ends with it.
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends the instance, since one that was left in the middle of a call cannot be entered again.
    pub(crate) async fn call<T, F>(
        mut self,
        deadline: Duration,
        work: impl FnOnce(S::Instance) -> F,
    ) -> Result<T, Broken>
    where
        F: Future<Output = (S::Instance, wasmtime::Result<T>)>,
    {
        let instance = self.instance.take().expect("a lease begins with its instance");
        let broken = match tokio::time::timeout(deadline, work(instance)).await {
            Ok((instance, Ok(answer))) => {
                self.instance = Some(instance);
                self.pool.answered();
                return Ok(answer);
            }
            // Its memory is given back here, before another one is made.
            Ok((_, Err(trap))) => Broken::Trapped(trap.into()),
            Err(_) => Broken::TooSlow(deadline),
        };
        self.cause = Some(chain(&broken));
        Err(broken)
    }
}

impl<S: Start> Drop for Lease<S> {
    fn drop(&mut self) {
        let began = self.began;
        match self.instance.take() {
            Some(instance) => self.pool.offer(Live { instance, began }),
            None => {
                let cause = self.cause.as_deref().unwrap_or("its call was given up");
                self.pool.broke(began, cause);
            }
        }
    }
}

/// Why a call that was begun has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    /// The instance trapped.
    #[error("it trapped")]
    Trapped(#[source] Box<dyn Error + Send + Sync>),
    /// The call took longer than it may.
    #[error("it had no answer within {0:?}")]
    TooSlow(Duration),
}
