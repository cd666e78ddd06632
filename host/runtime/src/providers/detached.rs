//! A call that goes on when its caller has left, or may not make it itself.

use crate::event_loop;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// A future that is polled by whoever waits for it; by a task of its own if that one is within an instance's event loop,
/// where it may not be, or stops waiting before it is done.
#[must_use = "nobody polls it before it is dropped"]
pub(super) struct Detached<T: Send + 'static> {
    future: Polled<T>,
    tasks: TaskTracker,
    runtime: Handle,
}

enum Polled<T> {
    Here(Pin<Box<dyn Future<Output = T> + Send>>),
    InTask(JoinHandle<T>),
    Done,
}

impl<T: Send + 'static> Detached<T> {
    /// `tasks` owns the task that may become of it, on `runtime`.
    pub(super) fn new(future: impl Future<Output = T> + Send + 'static, tasks: &TaskTracker, runtime: &Handle) -> Self {
        Self {
            future: Polled::Here(Box::pin(future)),
            tasks: tasks.clone(),
            runtime: runtime.clone(),
        }
    }

    /// Leaves the future to a task.
    fn detach(&mut self) {
        self.future = match std::mem::replace(&mut self.future, Polled::Done) {
            Polled::Here(future) => Polled::InTask(self.tasks.spawn_on(future, &self.runtime)),
            other => other,
        };
    }
}

impl<T: Send + 'static> Future for Detached<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        if event_loop::is_within() {
            self.detach();
        }
        let done = match &mut self.future {
            Polled::Here(future) => ready!(future.as_mut().poll(context)),
            Polled::InTask(task) => match ready!(Pin::new(task).poll(context)) {
                Ok(done) => done,
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    // The runtime ends, and with it whoever waits.
                    Err(_) => return Poll::Pending,
                },
            },
            // As every future that is polled again after it was done.
            Polled::Done => return Poll::Pending,
        };
        self.future = Polled::Done;
        Poll::Ready(done)
    }
}

impl<T: Send + 'static> Drop for Detached<T> {
    fn drop(&mut self) {
        self.detach();
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
        assert!(is_pending(&mut call).await);
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

    #[tokio::test]
    async fn what_is_waited_for_within_an_event_loop_is_done_outside_of_it() {
        let tasks = TaskTracker::new();
        let call = Detached::new(async { event_loop::is_within() }, &tasks, &Handle::current());
        assert!(!event_loop::within(call).await);
    }

    async fn is_pending(call: &mut Detached<()>) -> bool {
        std::future::poll_fn(|context| Poll::Ready(Pin::new(&mut *call).poll(context).is_pending())).await
    }
}
