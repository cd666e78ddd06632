//! How long a request waits: for a connection, and from then on for the first byte of the answer.
//!
//! The client makes connections by itself, and tells who makes them no more than the URI. So what a request is ready to wait
//! for is kept in its task, where the connector finds it when it is called.

use http::Uri;
use std::error::Error;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};
use tower_service::Service;

tokio::task_local! {
    static WAITING: Arc<Wait>;
}

/// What one request waits for.
pub(super) struct Wait {
    connect: Duration,
    first_byte: Option<Duration>,
    /// Since when it waits for the answer; none: it waits for a connection.
    since: Mutex<Option<Instant>>,
}

impl Wait {
    pub(super) fn new(connect: Duration, first_byte: Option<Duration>) -> Arc<Self> {
        Arc::new(Self {
            connect,
            first_byte,
            since: Mutex::new(Some(Instant::now())),
        })
    }

    // Nothing that can panic happens while it is held.
    fn since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for an answer; none if it does not come in time.
    pub(super) async fn on<T>(self: Arc<Self>, answer: impl Future<Output = T>) -> Option<T> {
        let mut answer = pin!(WAITING.scope(Arc::clone(&self), answer));
        let Some(first_byte) = self.first_byte else {
            return Some(answer.await);
        };
        loop {
            // While there is no connection the clock does not run: that ends by itself.
            let until = self.since().unwrap_or_else(Instant::now) + first_byte;
            tokio::select! {
                biased;
                answer = &mut answer => return Some(answer),
                () = sleep_until(until) => {}
            }
            if self.since().is_some_and(|since| since.elapsed() >= first_byte) {
                return None;
            }
        }
    }
}

/// A connector that makes nobody wait longer than they want.
#[derive(Clone)]
pub(super) struct Waited<C>(pub(super) C);

/// That there was no connection in time.
#[derive(Debug, thiserror::Error)]
#[error("there was no connection within {0:?}")]
pub(super) struct Late(Duration);

impl<C> Service<Uri> for Waited<C>
where
    C: Service<Uri>,
    C::Future: Send + 'static,
    C::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = C::Response;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        // Asked here, where the request is: what is returned may go on in a task of its own.
        let wait = WAITING.try_with(Arc::clone).ok();
        if let Some(wait) = &wait {
            *wait.since() = None;
        }
        let connect = wait.as_ref().map_or(super::CONNECT, |wait| wait.connect);
        let connection = timeout(connect, self.0.call(uri));
        Box::pin(async move {
            let connection = connection.await;
            if let Some(wait) = &wait {
                *wait.since() = Some(Instant::now());
            }
            connection.map_err(|_| Late(connect))?.map_err(Into::into)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};

    const SECOND: Duration = Duration::from_secs(1);

    /// Makes a connection after a while.
    #[derive(Clone)]
    struct Slow(Duration);

    impl Service<Uri> for Slow {
        type Response = ();
        type Error = Box<dyn Error + Send + Sync>;
        type Future = Pin<Box<dyn Future<Output = Result<(), Self::Error>> + Send>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Uri) -> Self::Future {
            let takes = self.0;
            Box::pin(async move {
                tokio::time::sleep(takes).await;
                Ok(())
            })
        }
    }

    /// How long a request waits whose connection takes so long and which then is never answered.
    async fn waited(takes: Duration) -> (Duration, bool) {
        let begun = Instant::now();
        let mut connector = Waited(Slow(takes));
        let asked = async move {
            let connected = connector.call(Uri::from_static("http://x/")).await;
            match connected {
                Ok(()) => pending().await,
                Err(error) => error.is::<Late>(),
            }
        };
        let late = Wait::new(5 * SECOND, Some(SECOND)).on(asked).await;
        (begun.elapsed(), late == Some(true))
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_byte_is_waited_for_from_the_connection_on() {
        assert_eq!(waited(4 * SECOND).await, (5 * SECOND, false));
        assert_eq!(waited(Duration::ZERO).await.0.as_secs(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_takes_too_long_is_given_up() {
        assert_eq!(waited(60 * SECOND).await, (5 * SECOND, true));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_in_time_is_one() {
        assert_eq!(Wait::new(SECOND, Some(SECOND)).on(ready(7)).await, Some(7));
        assert_eq!(Wait::new(SECOND, None).on(ready(7)).await, Some(7));
    }
}
