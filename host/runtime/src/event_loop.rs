//! Whether code runs within an instance's event loop, where no other instance may run.
//!
//! What the async form of a capability does is polled by the event loop of the app's own instance, and wasmtime panics if
//! the event loop of another is entered there. A provider is another: its call then goes to a task of its own. Wasmtime
//! does not say where code runs, so the capability does.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;

thread_local! {
    static WITHIN: Cell<bool> = const { Cell::new(false) };
}

/// Awaits what an instance's event loop polls.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    poll_fn(|context| {
        let _mark = Mark::set();
        future.as_mut().poll(context)
    })
    .await
}

/// Whether the caller runs within an instance's event loop.
pub(crate) fn is_within() -> bool {
    WITHIN.get()
}

/// Sets the mark, and puts back what was there.
struct Mark(bool);

impl Mark {
    fn set() -> Self {
        Self(WITHIN.replace(true))
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        WITHIN.set(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_what_is_polled_within_is_within() {
        assert!(!is_within());
        let found = within(async {
            let before = is_within();
            tokio::task::yield_now().await;
            (before, is_within())
        });
        assert_eq!(found.await, (true, true));
        assert!(!is_within());
        assert!(!within(async { tokio::spawn(async { is_within() }).await.unwrap() }).await);
    }
}
