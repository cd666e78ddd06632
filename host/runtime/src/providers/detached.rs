//! A call that goes on when its caller has left.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

/// A future that is polled by whoever waits for it, and if nobody does any more, by a task of its own until it is done.
#[must_use = "nobody polls it before it is dropped"]
pub(super) struct Detached<T: Send + 'static> {
    /// None once it is done.
    future: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
    tasks: TaskTracker,
    runtime: Handle,
}

impl<T: Send + 'static> Detached<T> {
    /// `tasks` owns the task that may become of it, on `runtime`.
    pub(super) fn new(future: impl Future<Output = T> + Send + 'static, tasks: &TaskTracker, runtime: &Handle) -> Self {
        Self {
            future: Some(Box::pin(future)),
            tasks: tasks.clone(),
            runtime: runtime.clone(),
        }
    }
}

impl<T: Send + 'static> Future for Detached<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let Some(future) = &mut self.future else {
            // As every future that is polled again after it was done.
            return Poll::Pending;
        };
        let done = future.as_mut().poll(context);
        if done.is_ready() {
            self.future = None;
        }
        done
    }
}

impl<T: Send + 'static> Drop for Detached<T> {
    fn drop(&mut self) {
        if let Some(future) = self.future.take() {
            self.tasks.spawn_on(future, &self.runtime);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_done_all_the_same() {
        let tasks = TaskTracker::new();
        let (go, wait) = oneshot::channel::<()>();
        let (done, is_done) = oneshot::channel();
        let mut call = Detached::new(
            async move {
                let _ = wait.await;
                let _ = done.send(7);
            },
            &tasks,
            &Handle::current(),
        );
        assert!(futures_are_pending(&mut call).await);
        drop(call);
        go.send(()).unwrap();
        assert_eq!(is_done.await, Ok(7));
        tasks.close();
        tasks.wait().await;
    }

    #[tokio::test]
    async fn what_is_done_leaves_no_task() {
        let tasks = TaskTracker::new();
        assert_eq!(Detached::new(async { 7 }, &tasks, &Handle::current()).await, 7);
        assert!(tasks.is_empty());
    }

    async fn futures_are_pending(call: &mut Detached<()>) -> bool {
        std::future::poll_fn(|context| Poll::Ready(Pin::new(&mut *call).poll(context).is_pending())).await
    }
}
