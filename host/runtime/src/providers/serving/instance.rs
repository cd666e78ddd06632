//! One instance, from its start to its end, on a thread of its own.
//!
//! An instance under load always has something to do. As a task among others it would keep its worker's turn, and the caller
//! that it just answered would wait in that worker's slot, from which no other takes tasks: calls were seen to wait for most of
//! a second (decision 33).

use super::bindings::StateStoreLoopPre;
use super::exchange::Exchange;
use crate::providers::answer::Declaration;
use crate::providers::guest::ProviderGuest;
use crate::providers::linked::{ProviderSpec, StartError};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};
use tokio::runtime;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use wasmtime::Store;

/// An instance that serves.
pub(in crate::providers) struct Serving {
    pub(super) exchange: Arc<Exchange>,
    /// When it began to be started.
    pub(super) began: Instant,
    /// Says why the instance ended.
    pub(super) ended: oneshot::Receiver<Ended>,
}

/// Why an instance ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    /// It trapped.
    #[error("it trapped")]
    Trapped(#[source] Box<dyn Error + Send + Sync>),
    /// It returned although nobody told it to stop.
    #[error("it stopped serving of its own accord")]
    Returned,
    /// It had to be ended: it took or answered no requests any more.
    #[error("it took or answered no requests any more")]
    Hopeless,
    /// The system gave it no thread, or no place to wait for its sockets.
    #[error("the system gave it no thread")]
    NoThread(#[source] io::Error),
}

/// Runs an instance on a thread of its own, and waits until it serves. `tasks` counts the thread.
///
/// # Errors
///
/// [`StartError`] if it does not within the deadline of a call. It has ended then.
pub(in crate::providers) async fn start(
    spec: &ProviderSpec,
    pre: &StateStoreLoopPre<ProviderGuest>,
    store: impl FnOnce(Arc<Exchange>) -> Store<ProviderGuest>,
    tasks: &TaskTracker,
) -> Result<(Serving, Declaration), StartError> {
    let began = Instant::now();
    let (exchange, says) = Exchange::new(spec);
    let (end, ended) = oneshot::channel();
    let (pre, mut guest) = (pre.clone(), store(Arc::clone(&exchange)));
    let (closing, counted) = (Arc::clone(&exchange), tasks.token());
    let serve = move || {
        let _counted = counted;
        let why = block_on(async {
            let run = async {
                let bindings = pre.instantiate_async(&mut guest).await?;
                bindings.dapr_state_provider_loop().call_run(&mut guest).await
            };
            let why = tokio::select! {
                () = closing.hopeless() => Ended::Hopeless,
                ran = run => match ran {
                    Ok(()) => Ended::Returned,
                    Err(trap) => Ended::Trapped(trap.into()),
                },
            };
            // Its sockets are those of this thread's runtime.
            drop(guest);
            why
        });
        // All that it held is given back before anybody hears of it.
        closing.close();
        // Nobody listens if it never served.
        let _ = end.send(why.unwrap_or_else(Ended::NoThread));
    };
    let thread = thread::Builder::new().name(format!("store {}", spec.name));
    thread.spawn(serve).map_err(StartError::NoThread)?;
    let begun = Begun(Some(exchange));
    match tokio::time::timeout(spec.deadline, says).await {
        Ok(Ok(Ok(declaration))) => Ok((begun.serving(began, ended), declaration)),
        Ok(Ok(Err(error))) => Err(StartError::Refused(error)),
        Ok(Err(_)) => Err(match ended.await {
            Ok(Ended::Trapped(trap)) => StartError::Trapped(trap),
            Ok(Ended::NoThread(error)) => StartError::NoThread(error),
            _ => StartError::Returned,
        }),
        Err(_) => Err(StartError::TooSlow(spec.deadline)),
    }
}

/// Runs a future to its end on this thread, with timers and sockets.
fn block_on<T>(future: impl Future<Output = T>) -> io::Result<T> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let output = runtime.block_on(future);
    // A look-up that the system still works on is not waited for.
    runtime.shutdown_background();
    Ok(output)
}

/// An instance that does not serve yet: it is ended if it never does, or nobody waits for it any more.
struct Begun(Option<Arc<Exchange>>);

impl Begun {
    fn serving(mut self, began: Instant, ended: oneshot::Receiver<Ended>) -> Serving {
        let exchange = self.0.take().expect("it is taken once");
        Serving { exchange, began, ended }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if let Some(exchange) = &self.0 {
            exchange.end();
        }
    }
}

/// Lets an instance answer what it has, and end.
pub(super) async fn stop(mut serving: Serving, within: Duration) {
    serving.exchange.stop();
    if tokio::time::timeout(within, &mut serving.ended).await.is_err() {
        serving.exchange.end();
        // It ends at the next point where it waits.
        let _ = serving.ended.await;
    }
}
