//! One instance, from its start to its end, in a task among those of its callers: one that calls an idle instance has it begin on
//! the same thread at once.

use super::block::BuildingBlock;
use super::exchange::Exchange;
use crate::providers::linked::{Linked, ProviderSpec};
use crate::providers::start::StartError;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

/// A provider in the serve-loop form.
#[derive(Clone)]
pub(in crate::providers) struct LoopProvider<B: BuildingBlock> {
    pub(in crate::providers) linked: Linked,
    pub(in crate::providers) pre: B::Pre,
}

/// An instance that serves.
pub(super) struct Serving<B: BuildingBlock> {
    pub(super) exchange: Arc<Exchange<B>>,
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
}

impl<B: BuildingBlock> LoopProvider<B> {
    /// What the configuration says of it.
    pub(super) fn spec(&self) -> &ProviderSpec {
        self.linked.spec()
    }

    /// Runs an instance in a task of its own, which `tasks` owns, and waits until it serves.
    ///
    /// # Errors
    ///
    /// [`StartError`] if it does not within the deadline of a call. It has ended then.
    pub(super) async fn start(
        &self,
        (tasks, runtime): (&TaskTracker, &Handle),
    ) -> Result<(Serving<B>, B::Declaration), StartError> {
        let (spec, began) = (self.spec(), Instant::now());
        let (exchange, says) = Exchange::<B>::new(spec);
        let (end, ended) = oneshot::channel();
        let (pre, mut guest) = (self.pre.clone(), self.linked.guest(B::requests(Arc::clone(&exchange))));
        let closing = Arc::clone(&exchange);
        let run = async move {
            let why = tokio::select! {
                () = closing.hopeless() => Ended::Hopeless,
                ran = B::run(&pre, &mut guest) => match ran {
                    Ok(()) => Ended::Returned,
                    Err(trap) => Ended::Trapped(trap.into()),
                },
            };
            // Its memory is given back before anybody hears of it.
            drop(guest);
            closing.close();
            // Nobody listens if it never served.
            let _ = end.send(why);
        };
        tasks.spawn_on(run, runtime);
        let begun = Begun(Some(exchange));
        match tokio::time::timeout(spec.deadline, says).await {
            Ok(Ok(Ok(declaration))) => Ok((begun.serving(began, ended), declaration)),
            Ok(Ok(Err(error))) => Err(StartError::Refused(error)),
            Ok(Err(_)) => Err(match ended.await {
                Ok(Ended::Trapped(trap)) => StartError::Trapped(trap),
                _ => StartError::Returned,
            }),
            Err(_) => Err(StartError::TooSlow(spec.deadline)),
        }
    }
}

/// An instance that does not serve yet: it is ended if it never does, or nobody waits for it any more.
struct Begun<B: BuildingBlock>(Option<Arc<Exchange<B>>>);

impl<B: BuildingBlock> Begun<B> {
    fn serving(mut self, began: Instant, ended: oneshot::Receiver<Ended>) -> Serving<B> {
        let exchange = self.0.take().expect("it is taken once");
        Serving { exchange, began, ended }
    }
}

impl<B: BuildingBlock> Drop for Begun<B> {
    fn drop(&mut self) {
        if let Some(exchange) = &self.0 {
            exchange.end();
        }
    }
}

/// Lets an instance answer what it has, and end.
pub(super) async fn stop<B: BuildingBlock>(mut serving: Serving<B>, within: Duration) {
    serving.exchange.stop();
    if tokio::time::timeout(within, &mut serving.ended).await.is_err() {
        serving.exchange.end();
        // Its task ends at the next point where it waits.
        let _ = serving.ended.await;
    }
}
