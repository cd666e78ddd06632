//! Requests of a WASI 0.3 app: instances that answer several at once, and when one is made, reused and ended.
//!
//! `ProxyHandler` owns the queue and the tasks. Its documentation says what it does not do, and the host does it here:
//!
//! - It bounds nothing. A request takes a [`Slot`](super::slot::Slot) before `handle`, and its instance has one for as long
//!   as it works, also when the client has gone away meanwhile, so that requests and instances are bounded by one number.
//! - Within an instance no timer runs while the guest computes, so [`Life`] ends it from outside.

use super::instance::Template;
use super::own_answer::Failure;
use super::slot::{Shift, Ticket};
use crate::app::App;
use crate::guest::Guest;
use dapr_blocks::chain;
use http::{Request, Response};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::time::Sleep;
use wasmtime::component::GuestTaskId;
use wasmtime::{Store, StoreContextMut};
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, ProxyHandler, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::{WasiBody, WasiHttpView};

/// Makes instances of one app.
pub(super) struct Workers(pub(super) Template);

/// Answers a request, whose app has so much `time` for it in all.
pub(super) async fn handle(
    handler: ProxyHandler<Workers>,
    ticket: Ticket,
    request: Request<WasiBody>,
    time: Duration,
) -> Result<Response<WasiBody>, Failure> {
    let (witness, deadline) = (Arc::clone(&ticket.witness), ticket.slot.deadline);
    match tokio::time::timeout_at(deadline, handler.handle(ticket, request)).await {
        Ok(Ok(response)) if witness.answer() => Ok(response),
        Ok(Ok(_)) => Err(Failure::App(wasmtime::format_err!("the guest ended with its answer"))),
        // The instance ends at the same deadline, and may be noticed first.
        Ok(Err(error)) if tokio::time::Instant::now() < deadline => Err(error.into()),
        Ok(Err(_)) | Err(_) => Err(Failure::Deadline(time)),
    }
}

impl HandlerState for Workers {
    type StoreData = Guest;
    type WorkerExpiration = Life;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Guest, Life, Worker>> {
        let app = &self.0.app;
        let (store, proxy) = self.0.make().await?;
        let shift = Arc::new(Shift::default());
        Ok(Instance {
            store,
            proxy,
            view: WasiHttpView::http,
            expiration: Life {
                request: app.spec.request_timeout,
                idle: app.shared.limits.idle,
                shift: Arc::clone(&shift),
                idle_since: None,
                look: None,
            },
            state: Worker {
                app: app.clone(),
                shift,
            },
        })
    }
}

/// Ends an instance at the first deadline of what it works on, or when it has been without work for too long.
pub(super) struct Life {
    request: Duration,
    idle: Duration,
    shift: Arc<Shift>,
    /// The start of the idleness that the shift was told of.
    idle_since: Option<Instant>,
    /// When to look next, at the latest when it must end. Made when the instance first waits: most end before.
    look: Option<Pin<Box<Sleep>>>,
}

impl Life {
    /// When the instance must end if nothing changes.
    fn end(&self, status: WorkerStatus, start: Instant) -> tokio::time::Instant {
        let start = tokio::time::Instant::from_std(start);
        match status {
            WorkerStatus::Idle => start + self.idle,
            WorkerStatus::Requests | WorkerStatus::PostReturn => {
                let deadline = self.shift.deadline();
                deadline.unwrap_or_else(|| start + self.request)
            }
        }
    }
}

impl WorkerExpiration for Life {
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>, status: WorkerStatus, start: Instant) -> Poll<()> {
        let may_be_earlier = match status {
            WorkerStatus::Idle => {
                if self.idle_since.replace(start) != Some(start) {
                    drop(self.shift.end(None));
                }
                true
            }
            // The deadlines of requests only move back, so that one that is waited for already is early enough.
            WorkerStatus::Requests | WorkerStatus::PostReturn => self.idle_since.take().is_some(),
        };
        if self.look.is_none() || may_be_earlier {
            let end = self.end(status, start);
            let look = self.look.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(end)));
            if look.deadline() > end {
                look.as_mut().reset(end);
            }
        }
        while let Some(look) = &mut self.look {
            std::task::ready!(look.as_mut().poll(cx));
            let end = self.end(status, start);
            if end <= tokio::time::Instant::now() {
                return Poll::Ready(());
            }
            self.look = Some(Box::pin(tokio::time::sleep_until(end)));
        }
        Poll::Pending
    }
}

/// What one instance may still do.
pub(super) struct Worker {
    app: App,
    shift: Arc<Shift>,
}

impl WorkerState for Worker {
    type StoreData = Guest;
    type RequestData = Ticket;

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        let reuse = self.app.reuse();
        if total >= reuse.total {
            ShouldAccept::Never
        } else if concurrent >= reuse.concurrent || self.is_late() {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _store: StoreContextMut<'_, Guest>,
        ticket: Ticket,
        _task: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        let slot = Arc::clone(&ticket.slot);
        self.shift.begin(ticket);
        // Dropped when the guest has returned. What ends it before is `Life`, which needs no timer for each request.
        Box::pin(async move {
            let _slot = slot;
            std::future::pending().await
        })
    }

    fn drop(&self, store: Store<Guest>, result: wasmtime::Result<()>) {
        let cause = result.err().map(|error| chain(error.as_ref()));
        // Before the store goes, and with it what the guest's answers are written to: they must not seem to be complete.
        let last = self.shift.end(cause.as_deref());
        drop(store);
        // After it: whoever gets the slot needs the instance's place.
        drop(last);
    }
}

impl Worker {
    /// Whether something has gone on for so long that the instance may soon be ended for it: then it takes no more requests
    /// that would end with it.
    fn is_late(&self) -> bool {
        let half = self.app.spec.request_timeout / 2;
        let deadline = self.shift.deadline();
        deadline.is_some_and(|deadline| deadline < tokio::time::Instant::now() + half)
    }
}
