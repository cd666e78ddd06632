//! The code that a server answers with, which may be replaced while it serves.
//!
//! A request takes the handler that is in force once it has its slot, and keeps it to its end: one that began on what was
//! replaced ends there, its answer's body too, and with the last of them that code goes. So nobody waits for anybody, and no
//! request is without code. A lock and no more: it is held for as long as it takes to copy or to put down a pointer.

use super::service::Service;
use super::workers::Workers;
use crate::app::App;
use std::sync::{Arc, PoisonError, RwLock};
use wasmtime_wasi_http::handler::ProxyHandler;

/// What answers requests just now.
pub(super) struct InForce(RwLock<ProxyHandler<Workers>>);

impl InForce {
    pub(super) fn new(workers: Workers) -> Self {
        Self(RwLock::new(ProxyHandler::new(workers)))
    }

    /// For one request.
    pub(super) fn handler(&self) -> ProxyHandler<Workers> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// For all requests from now on.
    pub(super) fn replace(&self, workers: Workers) {
        let mut handler = ProxyHandler::new(workers);
        std::mem::swap(
            &mut handler,
            &mut *self.0.write().unwrap_or_else(PoisonError::into_inner),
        );
        // What was replaced is dropped here, without the lock: it may be the last that has it.
    }
}

/// The code of a server, to be replaced while it serves.
#[derive(Clone)]
pub struct Code(Arc<Service>);

/// Code that was not taken: what was in force still is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplaceError {
    /// It is a program.
    #[error("the app cannot answer HTTP requests")]
    NotAHandler,
    /// There was no room to try it.
    #[error("requests had all instances until the deadline")]
    Full,
    /// No instance of it could be made.
    #[error("no instance of the app can be made")]
    NoInstance(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Code {
    pub(super) fn new(service: Arc<Service>) -> Self {
        Self(service)
    }

    /// Has requests from now on answered by `app`, once an instance of it could be made. It is the same app with other code:
    /// the server keeps the id and the deadline that it began with.
    ///
    /// # Errors
    ///
    /// [`ReplaceError`], after which nothing has changed.
    ///
    /// # Cancel safety
    ///
    /// Dropped before its end, nothing has changed.
    pub async fn replace(&self, app: App) -> Result<(), ReplaceError> {
        let workers = Workers::new(app).ok_or(ReplaceError::NotAHandler)?;
        self.0.replace(workers).await
    }
}
