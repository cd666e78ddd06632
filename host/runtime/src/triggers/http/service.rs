//! One request: limits, deadline, the host's own answers, the access log.
//!
//! | what happened | answer |
//! |---|---|
//! | the guest trapped, returned without an answer, or with an error code for one | 500 |
//! | the body is larger than allowed, and says so | 413 |
//! | the host is full until the request's deadline | 503 |
//! | the guest has no answer by the deadline | 504 |
//!
//! Each carries the request's id in `x-request-id` and in its text, under which the log has the cause.

use super::witness::{Attested, Witness};
use super::workers::{Slot, Workers};
use crate::limits::Limits;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use wasmtime::PoolConcurrencyLimitError;
use wasmtime_wasi_http::handler::{ExpirationError, InstantiationError, ProxyHandler};
use wasmtime_wasi_http::{Error as HttpError, WasiBody, p2, p3};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers requests with one app.
pub(super) struct Service {
    handler: ProxyHandler<Workers>,
    app: String,
    timeout: Duration,
    limits: Limits,
    slots: Arc<Semaphore>,
    tracker: TaskTracker,
    ids: Ids,
}

/// Why the host answers in the app's place.
enum Failure {
    TooLarge,
    Full,
    Deadline,
    /// The guest's answer is an error code.
    Answered(HttpError),
    App(wasmtime::Error),
}

impl Service {
    pub(super) fn new(workers: Workers, tracker: TaskTracker) -> Self {
        let app = workers.app();
        let limits = app.shared.limits.clone();
        Self {
            app: app.id().to_owned(),
            timeout: app.spec.request_timeout,
            slots: Arc::new(Semaphore::new(limits.requests)),
            limits,
            tracker,
            ids: Ids::default(),
            handler: ProxyHandler::new(workers),
        }
    }

    /// Answers a request, in the app's place if need be.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Response<WasiBody> {
        let id = self.ids.next();
        let started = Instant::now();
        // The path alone: queries carry tokens and names of people.
        let line =
            tracing::enabled!(tracing::Level::INFO).then(|| format!("{} {}", request.method(), request.uri().path()));
        let witness = Witness::new(id);
        let mut response = match self.handle(&witness, request).await {
            Ok(response) => response.map(|body| Attested { body, witness }.boxed_unsync()),
            Err(failure) => self.own_answer(id, failure, &witness).await,
        };
        response
            .headers_mut()
            .entry(X_REQUEST_ID)
            .or_insert_with(|| id.header());
        if let Some(line) = line {
            let status = response.status().as_u16();
            let millis = started.elapsed().as_secs_f64() * 1000.0;
            tracing::info!(app = self.app, request = %id, status, millis, "{line}");
        }
        response
    }

    async fn handle(&self, witness: &Arc<Witness>, request: Request<Incoming>) -> Result<Response<WasiBody>, Failure> {
        let max = self.limits.request_body;
        if announced_length(&request).is_some_and(|length| length > max as u64) {
            return Err(Failure::TooLarge);
        }
        let deadline = tokio::time::Instant::now() + self.timeout;
        let permit = match Arc::clone(&self.slots).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => tokio::time::timeout_at(deadline, Arc::clone(&self.slots).acquire_owned())
                .await
                .map_err(|_| Failure::Full)?
                .map_err(|_| Failure::Full)?,
        };
        let slot = Slot {
            witness: Arc::downgrade(witness),
            _permit: permit,
            _tracked: self.tracker.token(),
        };
        let request = request.map(|body| limited(body, max));
        match tokio::time::timeout_at(deadline, self.handler.handle(Arc::new(slot), request)).await {
            Ok(Ok(response)) if witness.answer() => Ok(response),
            Ok(Ok(_)) => Err(Failure::App(wasmtime::format_err!("the guest ended with its answer"))),
            // The instance ends at a deadline of its own, a moment later than this one, and may all the same be noticed first.
            Ok(Err(error)) if error.is::<ExpirationError>() || tokio::time::Instant::now() >= deadline => {
                Err(Failure::Deadline)
            }
            Ok(Err(error)) => Err(failure(error)),
            Err(_) => Err(Failure::Deadline),
        }
    }

    async fn own_answer(&self, id: RequestId, failure: Failure, witness: &Witness) -> Response<WasiBody> {
        let app = &self.app;
        let (status, text) = match failure {
            Failure::TooLarge => {
                let max = self.limits.request_body;
                (
                    StatusCode::PAYLOAD_TOO_LARGE,
                    format!("the request's body exceeds {max} bytes"),
                )
            }
            Failure::Full => {
                tracing::warn!(app, request = %id, requests = self.limits.requests, "no room for a request");
                (
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the host has too many requests under way".to_owned(),
                )
            }
            Failure::Deadline => {
                tracing::warn!(app, request = %id, timeout = ?self.timeout, "no answer by the deadline");
                (
                    StatusCode::GATEWAY_TIMEOUT,
                    format!("the app did not answer within {:?}", self.timeout),
                )
            }
            Failure::Answered(error) => {
                let cause = error.to_string();
                tracing::error!(app, request = %id, cause, "the app answered with an error");
                (StatusCode::INTERNAL_SERVER_ERROR, "the app failed".to_owned())
            }
            Failure::App(error) => {
                let cause = match witness.cause().await {
                    Some(cause) => cause,
                    None => format!("{error:#}"),
                };
                tracing::error!(app, request = %id, cause, "the app failed");
                (StatusCode::INTERNAL_SERVER_ERROR, "the app failed".to_owned())
            }
        };
        let body = Full::new(Bytes::from(format!("{text} (request {id})\n"))).map_err(|never| match never {});
        let mut response = Response::new(body.boxed_unsync());
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        response
    }
}

/// What went wrong in an instance, or in making one.
fn failure(error: wasmtime::Error) -> Failure {
    match error.downcast::<InstantiationError<Arc<Slot>>>() {
        Ok(InstantiationError { error, .. }) if error.is::<PoolConcurrencyLimitError>() => Failure::Full,
        Ok(InstantiationError { error, .. }) => Failure::App(wasmtime::format_err!("no instance: {error:#}")),
        Err(error) => match answered(error) {
            Ok(code) => Failure::Answered(code),
            Err(error) => Failure::App(error),
        },
    }
}

/// The error code that a guest of either WASI answered with.
fn answered(error: wasmtime::Error) -> Result<HttpError, wasmtime::Error> {
    error
        .downcast::<p2::bindings::http::types::ErrorCode>()
        .map(HttpError::from)
        .or_else(|error| error.downcast::<p3::bindings::http::types::ErrorCode>().map(HttpError::from))
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

/// Numbers requests, unlike those of an earlier run of the host.
struct Ids {
    run: u32,
    next: AtomicU64,
}

/// The id of a request.
#[derive(Clone, Copy)]
pub(super) struct RequestId {
    run: u32,
    number: u64,
}

impl Default for Ids {
    fn default() -> Self {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        // The low bits of milliseconds: enough to tell runs apart in a log.
        Self {
            run: now.as_millis() as u32,
            next: AtomicU64::new(1),
        }
    }
}

impl Ids {
    fn next(&self) -> RequestId {
        RequestId {
            run: self.run,
            number: self.next.fetch_add(1, Ordering::Relaxed),
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{}", self.run, self.number)
    }
}

impl RequestId {
    fn header(self) -> HeaderValue {
        HeaderValue::try_from(self.to_string()).unwrap_or(HeaderValue::from_static("unknown"))
    }
}
