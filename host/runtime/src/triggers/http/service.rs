//! One request: limits, deadline, the access log.

use super::authority;
use super::code::{Handler, InForce, ReplaceError};
use super::connections::Busy;
use super::own_answer::Failure;
use super::request_id::{Ids, RequestId};
use super::slot::{Slot, Ticket};
use super::witness::{Answer, Client, Witness};
use crate::limits::Limits;
use http::header::{CONTENT_LENGTH, HeaderName};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use wasmtime_wasi_http::{Error as HttpError, WasiBody};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers requests with one app.
pub(super) struct Service {
    code: InForce,
    app: Arc<str>,
    timeout: Duration,
    limits: Limits,
    slots: Arc<Semaphore>,
    tracker: TaskTracker,
    ids: Ids,
}

impl Service {
    pub(super) fn new(handler: Handler, tracker: TaskTracker) -> Self {
        let app = &handler.template().app;
        let limits = app.shared.limits.clone();
        Self {
            app: app.id().into(),
            timeout: app.spec.request_timeout,
            slots: Arc::new(Semaphore::new(limits.requests)),
            limits,
            tracker,
            ids: Ids::default(),
            code: InForce::new(handler),
        }
    }

    /// The longest that a request may take.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Answers requests from now on with other code, once an instance of it could be made.
    pub(super) async fn replace(&self, handler: Handler) -> Result<(), ReplaceError> {
        // An instance more than there are slots may have no place.
        let deadline = tokio::time::Instant::now() + self.timeout;
        let slot = self.slot(deadline).await.map_err(|_| ReplaceError::Full)?;
        let instance = handler.template().make().await;
        drop(instance.map_err(|error| ReplaceError::NoInstance(error.into()))?);
        drop(slot);
        self.code.replace(handler);
        Ok(())
    }

    /// Answers a request that came in at `local`, in the app's place if need be. It is under way until its answer is dropped.
    pub(super) async fn answer(
        &self,
        request: Request<Incoming>,
        local: Option<SocketAddr>,
        busy: Busy,
    ) -> Response<Answer> {
        let id = self.ids.next();
        let mut line = AccessLine::new(&self.app, id, &request);
        let client = Client::new(Arc::clone(&self.app), id, busy);
        let witness = client.witness();
        let mut response = match self.handle(witness, request, local).await {
            Ok(response) => response,
            Err(failure) => failure.answer(&self.app, id, witness).await,
        };
        response
            .headers_mut()
            .entry(X_REQUEST_ID)
            .or_insert_with(|| id.header());
        line.status = Some(response.status());
        response.map(|body| Answer { body, client })
    }

    async fn handle(
        &self,
        witness: &Arc<Witness>,
        mut request: Request<Incoming>,
        local: Option<SocketAddr>,
    ) -> Result<Response<WasiBody>, Failure> {
        authority::complete(&mut request, local)?;
        let max = self.limits.request_body;
        if announced_length(&request).is_some_and(|length| length > max as u64) {
            return Err(Failure::TooLarge { max });
        }
        let deadline = tokio::time::Instant::now() + self.timeout;
        let slot = Arc::new(self.slot(deadline).await?);
        witness.keep(Arc::clone(&slot));
        let ticket = Ticket {
            witness: Arc::clone(witness),
            slot,
        };
        let request = request.map(|body| limited(body, max));
        self.code.handler().handle(ticket, request, self.timeout).await
    }

    async fn slot(&self, deadline: tokio::time::Instant) -> Result<Slot, Failure> {
        let permit = match Arc::clone(&self.slots).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => tokio::time::timeout_at(deadline, Arc::clone(&self.slots).acquire_owned())
                .await
                .map_err(|_| Failure::Full("others had all slots until the deadline"))?
                .expect("the semaphore is never closed"),
        };
        Ok(Slot {
            deadline,
            _permit: permit,
            _tracked: self.tracker.token(),
        })
    }
}

/// The line of a request in the log, written when it is dropped: with the head of the answer, or when the client has left
/// before there was one.
struct AccessLine<'a> {
    app: &'a str,
    id: RequestId,
    started: Instant,
    /// None where the log has no such lines.
    text: Option<String>,
    status: Option<StatusCode>,
}

impl<'a> AccessLine<'a> {
    fn new(app: &'a str, id: RequestId, request: &Request<Incoming>) -> Self {
        // The path alone: queries carry tokens and names of people.
        let text =
            tracing::enabled!(tracing::Level::INFO).then(|| format!("{} {}", request.method(), request.uri().path()));
        Self {
            app,
            id,
            started: Instant::now(),
            text,
            status: None,
        }
    }
}

impl Drop for AccessLine<'_> {
    fn drop(&mut self) {
        let Some(text) = &self.text else { return };
        let millis = self.started.elapsed().as_secs_f64() * 1000.0;
        let (app, id) = (self.app, self.id);
        match self.status {
            Some(status) => {
                let status = status.as_u16();
                tracing::info!(app, request = %id, status, millis, "{text}");
            }
            None => tracing::info!(app, request = %id, status = "gone", millis, "{text}"),
        }
    }
}

fn announced_length(request: &Request<Incoming>) -> Option<u64> {
    let header = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    header.or_else(|| request.body().size_hint().exact())
}

/// A body that fails once it is larger than `max`, for those that do not announce their length.
fn limited(body: Incoming, max: usize) -> WasiBody {
    Limited::new(body, max)
        .map_err(move |error| match error.downcast::<LengthLimitError>() {
            Ok(_) => HttpError::HttpRequestBodySize(Some(max as u64)),
            Err(error) => match error.downcast::<hyper::Error>() {
                Ok(error) => HttpError::Hyper(*error),
                Err(error) => HttpError::InternalError(Some(error.to_string())),
            },
        })
        .boxed_unsync()
}
