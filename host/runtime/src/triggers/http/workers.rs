//! Instances that answer requests: when one is made, reused and ended.
//!
//! `ProxyHandler` owns the queue and the tasks. Its documentation says what it does not do, and the host does it here:
//!
//! - It bounds nothing. A request holds a [`Slot`] from before `handle` until its instance is done with it, also when the
//!   client has gone away meanwhile, so that requests and instances are bounded by one number.
//! - Within an instance no timer runs while the guest computes, so [`Life`] ends it from outside.

use super::witness::{Testimony, Witness};
use crate::app::App;
use crate::guest::Guest;
use crate::needs::Entry;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Sleep;
use tokio_util::task::task_tracker::TaskTrackerToken;
use wasmtime::component::GuestTaskId;
use wasmtime::{Store, StoreContextMut};
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, ProxyPre, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::{WasiHttpView, p2, p3};

/// A request's right to an instance. Released when the guest is done, not when the client is.
pub(super) struct Slot {
    pub(super) witness: Weak<Witness>,
    pub(super) _permit: OwnedSemaphorePermit,
    /// Keeps shutdown waiting.
    pub(super) _tracked: TaskTrackerToken,
}

/// Makes instances of one app.
pub(super) struct Workers {
    app: App,
    pre: ProxyPre<Guest>,
}

impl Workers {
    /// # Errors
    ///
    /// If the app does not export the handler that its entry says.
    pub(super) fn new(app: App) -> wasmtime::Result<Self> {
        let pre = match app.entry() {
            Entry::Http03 => ProxyPre::P3(p3::bindings::ServicePre::new(app.pre.clone())?),
            _ => ProxyPre::P2(p2::bindings::ProxyPre::new(app.pre.clone())?),
        };
        Ok(Self { app, pre })
    }

    pub(super) fn app(&self) -> &App {
        &self.app
    }
}

impl HandlerState for Workers {
    type StoreData = Guest;
    type WorkerExpiration = Life;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Guest, Life, Worker>> {
        let mut store = self.app.store();
        let timeout = self.app.spec.request_timeout;
        // A component may run code of its own when it is instantiated.
        let instantiated = tokio::time::timeout(timeout, self.pre.instantiate_async(&mut store)).await;
        let proxy = instantiated.map_err(|_| wasmtime::format_err!("instantiation took longer than {timeout:?}"))??;
        Ok(Instance {
            store,
            proxy,
            view: WasiHttpView::http,
            expiration: Life::new(timeout, self.app.shared.limits.idle),
            state: Worker {
                app: self.app.clone(),
                testimony: Testimony::default(),
            },
        })
    }
}

/// Ends an instance that has worked on a request, or has been without one, for too long.
pub(super) struct Life {
    request: Duration,
    idle: Duration,
    /// What ends it next, made when the instance first waits: most end before.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Life {
    fn new(request: Duration, idle: Duration) -> Self {
        Self {
            request,
            idle,
            sleep: None,
        }
    }
}

impl WorkerExpiration for Life {
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>, status: WorkerStatus, start: Instant) -> Poll<()> {
        let timeout = match status {
            WorkerStatus::Idle => self.idle,
            WorkerStatus::Requests | WorkerStatus::PostReturn => self.request,
        };
        let deadline = tokio::time::Instant::from_std(start) + timeout;
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if sleep.deadline() != deadline {
            sleep.as_mut().reset(deadline);
        }
        sleep.as_mut().poll(cx)
    }
}

/// What one instance may still do.
pub(super) struct Worker {
    app: App,
    testimony: Testimony,
}

impl WorkerState for Worker {
    type StoreData = Guest;
    type RequestData = Arc<Slot>;

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        let reuse = self.app.reuse();
        if total >= reuse.total {
            ShouldAccept::Never
        } else if concurrent >= reuse.concurrent {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _store: StoreContextMut<'_, Guest>,
        slot: Arc<Slot>,
        _task: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        self.testimony.add(slot.witness.clone());
        let sleep = tokio::time::sleep(self.app.spec.request_timeout);
        Box::pin(async move {
            sleep.await;
            drop(slot);
        })
    }

    fn drop(&self, store: Store<Guest>, result: wasmtime::Result<()>) {
        // Before the store goes, and with it what the guest's answers are written to: they must not seem to be complete.
        self.testimony.tell(self.app.id(), result);
        drop(store);
    }
}
