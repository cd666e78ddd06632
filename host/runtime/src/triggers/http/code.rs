//! The code that a server answers with, which may be replaced while it serves.
//!
//! A request takes the handler that is in force once it has its slot, and keeps it to its end: one that began on what was
//! replaced ends there, its answer's body too, and with the last of them that code goes. So nobody waits for anybody, and no
//! request is without code. A lock and no more: it is held for as long as it takes to copy or to put down a pointer.

use super::instance::Template;
use super::own_answer::Failure;
use super::plain::Instances;
use super::service::Service;
use super::slot::Ticket;
use super::workers::{self, Workers};
use crate::app::App;
use http::{Request, Response};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::handler::{ProxyHandler, ProxyPre};

/// What answers requests, by what the app is written for.
#[derive(Clone)]
pub(super) enum Handler {
    /// WASI 0.2: one request at a time in an instance.
    Plain(Arc<Instances>),
    /// WASI 0.3: several.
    Concurrent(ProxyHandler<Workers>),
}

impl Handler {
    /// Of an app that answers HTTP requests.
    pub(super) fn new(app: App) -> Option<Self> {
        let template = Template::new(app)?;
        Some(match template.pre {
            ProxyPre::P2(_) => Self::Plain(Arc::new(Instances::new(template))),
            ProxyPre::P3(_) => Self::Concurrent(ProxyHandler::new(Workers(template))),
        })
    }

    pub(super) fn template(&self) -> &Template {
        match self {
            Self::Plain(instances) => &instances.template,
            Self::Concurrent(handler) => &handler.state().0,
        }
    }

    /// Answers a request, whose app has so much `time` for it in all. The guest goes on when this is dropped, to its end or
    /// the request's deadline.
    pub(super) async fn handle(
        self,
        ticket: Ticket,
        request: Request<WasiBody>,
        time: Duration,
    ) -> Result<Response<WasiBody>, Failure> {
        match self {
            Self::Plain(instances) => instances.handle(ticket, request, time).await,
            Self::Concurrent(handler) => workers::handle(handler, ticket, request, time).await,
        }
    }
}

/// What answers requests just now.
pub(super) struct InForce(RwLock<Handler>);

impl InForce {
    pub(super) fn new(handler: Handler) -> Self {
        Self(RwLock::new(handler))
    }

    /// For one request.
    pub(super) fn handler(&self) -> Handler {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// For all requests from now on.
    pub(super) fn replace(&self, mut handler: Handler) {
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
        let handler = Handler::new(app).ok_or(ReplaceError::NotAHandler)?;
        self.0.replace(handler).await
    }
}
