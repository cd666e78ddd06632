//! What the host answers in the app's place.
//!
//! | what happened | answer |
//! |---|---|
//! | the request does not say whom it is for | 400 |
//! | the body is larger than allowed, and says so | 413 |
//! | the guest trapped, returned without an answer, or with an error code for one | 500 |
//! | the host is full: of requests until the request's deadline, or of instances or their memory | 503 |
//! | the guest has no answer by the deadline | 504 |
//!
//! Each carries the request's id in `x-request-id` and in its text, under which the log has the cause.

use super::instance::MemoryTaken;
use super::request_id::RequestId;
use super::slot::Ticket;
use super::witness::Witness;
use bytes::Bytes;
use dapr_blocks::chain;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::PoolConcurrencyLimitError;
use wasmtime_wasi_http::handler::InstantiationError;
use wasmtime_wasi_http::{Error as HttpError, WasiBody, p2, p3};

/// Why the host answers in the app's place.
pub(super) enum Failure {
    /// Nobody is named that the request is for.
    NoAuthority(&'static str),
    /// The body says that it has more than this many bytes.
    TooLarge {
        max: usize,
    },
    /// Something that all requests share is used up.
    Full(&'static str),
    /// The app took longer than this.
    Deadline(Duration),
    /// The guest's answer is an error code.
    Answered(HttpError),
    App(wasmtime::Error),
}

impl From<wasmtime::Error> for Failure {
    /// What went wrong in an instance, or in making one.
    fn from(error: wasmtime::Error) -> Self {
        let error = match error.downcast::<InstantiationError<Ticket>>() {
            Ok(InstantiationError { error, .. }) => return Self::of_no_instance(error),
            Err(error) => error,
        };
        match answered(error) {
            Ok(code) => Self::Answered(code),
            Err(error) => Self::App(error),
        }
    }
}

/// An instance was not made, for a reason that all requests share which waited for it.
#[derive(Debug)]
struct NoInstance(Arc<wasmtime::Error>);

impl fmt::Display for NoInstance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no instance")
    }
}

impl Error for NoInstance {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some((*self.0).as_ref())
    }
}

/// The error code that a guest of either WASI answered with.
fn answered(error: wasmtime::Error) -> Result<HttpError, wasmtime::Error> {
    error
        .downcast::<p2::bindings::http::types::ErrorCode>()
        .map(HttpError::from)
        .or_else(|error| {
            error
                .downcast::<p3::bindings::http::types::ErrorCode>()
                .map(HttpError::from)
        })
}

impl Failure {
    /// An instance could not be made.
    pub(super) fn of_no_instance(error: impl Into<Arc<wasmtime::Error>>) -> Self {
        let error = error.into();
        if error.is::<PoolConcurrencyLimitError>() {
            Self::Full("all instances are taken")
        } else if error.is::<MemoryTaken>() {
            Self::Full("the memory of all instances together is taken")
        } else {
            Self::App(NoInstance(error).into())
        }
    }

    /// Says in the log why, and makes the answer.
    pub(super) async fn answer(self, app: &str, id: RequestId, witness: &Witness) -> Response<WasiBody> {
        let answer = match self {
            Self::NoAuthority(cause) => {
                tracing::info!(app, request = %id, cause, "the request does not say whom it is for");
                let text = format!("the request does not say whom it is for: {cause}");
                (StatusCode::BAD_REQUEST, text)
            }
            Self::TooLarge { max } => {
                tracing::info!(app, request = %id, max, "the request's body is too large");
                let text = format!("the request's body exceeds {max} bytes");
                (StatusCode::PAYLOAD_TOO_LARGE, text)
            }
            Self::Full(cause) => {
                tracing::warn!(app, request = %id, cause, "no room for a request");
                let text = "the host has too many requests under way".to_owned();
                (StatusCode::SERVICE_UNAVAILABLE, text)
            }
            Self::Deadline(timeout) => {
                tracing::warn!(app, request = %id, ?timeout, "no answer by the deadline");
                let text = format!("the app did not answer within {timeout:?}");
                (StatusCode::GATEWAY_TIMEOUT, text)
            }
            Self::Answered(error) => {
                let cause = chain(&error);
                tracing::error!(app, request = %id, cause, "the app answered with an error");
                (StatusCode::INTERNAL_SERVER_ERROR, "the app failed".to_owned())
            }
            Self::App(error) => {
                let cause = match witness.cause().await {
                    Some(cause) => cause,
                    None => chain(error.as_ref()),
                };
                tracing::error!(app, request = %id, cause, "the app failed");
                (StatusCode::INTERNAL_SERVER_ERROR, "the app failed".to_owned())
            }
        };
        witness.reported();
        in_plain_text(answer, id)
    }
}

fn in_plain_text((status, text): (StatusCode, String), id: RequestId) -> Response<WasiBody> {
    let body = Full::new(Bytes::from(format!("{text} (request {id})\n"))).map_err(|never| match never {});
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
