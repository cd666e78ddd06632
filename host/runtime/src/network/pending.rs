//! A future whose result is fetched without waiting, as WASI's `start-…` and `finish-…` do.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

/// A future, or what it gave. It needs no task: who waits for it polls it.
pub(super) enum Pending<T> {
    Begun(Pin<Box<dyn Future<Output = T> + Send>>),
    Done(T),
}

impl<T> Pending<T> {
    /// Begins the future: it is polled once, so that what it asks of the system goes on while nobody waits.
    pub(super) fn begin(future: impl Future<Output = T> + Send + 'static) -> Self {
        let mut pending = Self::Begun(Box::pin(future));
        pending.done();
        pending
    }

    /// What it gave, if it is done.
    pub(super) fn done(&mut self) -> Option<&mut T> {
        match self.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        }
    }

    /// Waits until it is done.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time: the future stays.
    pub(super) async fn ready(&mut self) {
        poll_fn(|context| self.poll(context).map(|_| ())).await;
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<&mut T> {
        if let Self::Begun(future) = self {
            *self = Self::Done(ready!(future.as_mut().poll(context)));
        }
        match self {
            Self::Done(done) => Poll::Ready(done),
            Self::Begun(_) => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn it_is_begun_at_once_and_done_when_its_future_is() {
        let (begun, is_begun) = oneshot::channel();
        let (go, wait) = oneshot::channel();
        let mut pending = Pending::begin(async move {
            let _ = begun.send(());
            wait.await
        });
        assert_eq!(is_begun.await, Ok(()));
        assert_eq!(pending.done(), None);
        go.send(7).unwrap();
        pending.ready().await;
        assert_eq!(pending.done(), Some(&mut Ok(7)));
        pending.ready().await;
        assert_eq!(pending.done(), Some(&mut Ok(7)), "as often as it is asked");
    }

    #[tokio::test]
    async fn who_stops_waiting_loses_nothing() {
        let (go, wait) = oneshot::channel();
        let mut pending = Pending::begin(wait);
        let waited = tokio::time::timeout(std::time::Duration::ZERO, pending.ready()).await;
        assert!(waited.is_err());
        go.send(7).unwrap();
        pending.ready().await;
        assert_eq!(pending.done(), Some(&mut Ok(7)));
    }
}
