//! Why a request was not done, and how HTTP says so.

use crate::{bindings::dapr::state::types::Error, reply};
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::json;
use std::fmt::Display;
use wstd::http::Body;

pub enum Failure {
    /// The store's answer, or this app's own in the same words.
    State(Error),
    /// The URI takes other methods.
    Method { allow: &'static str },
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::State(error)
    }
}

impl Failure {
    pub fn invalid(text: impl Into<String>) -> Self {
        Self::State(Error::Invalid(text.into()))
    }

    /// The client went away, or sent more than the host takes.
    pub fn unreadable(cause: wstd::http::Error) -> Self {
        let cause = format!("{cause:#}");
        // A host may say more below the first line, for its developers.
        Self::invalid(format!(
            "the body cannot be read: {}",
            cause.lines().next().unwrap_or_default()
        ))
    }

    /// What is stored does not fit into an HTTP header.
    pub fn unspeakable(cause: impl Display) -> Self {
        Self::State(Error::Internal(format!("the item cannot be sent over HTTP: {cause}")))
    }

    pub fn into_response(self) -> Response<Body> {
        match self {
            Self::State(error) => {
                let (status, case, message) = spoken(error);
                reply::json(status, &json!({ "error": case, "message": message }))
            }
            Self::Method { allow } => {
                let message = format!("this URI takes {allow}");
                let mut response = reply::json(
                    StatusCode::METHOD_NOT_ALLOWED,
                    &json!({ "error": "invalid", "message": message }),
                );
                response
                    .headers_mut()
                    .insert(header::ALLOW, HeaderValue::from_static(allow));
                response
            }
        }
    }
}

/// An error as HTTP has it: the status, the case as WIT spells it, and the text.
fn spoken(error: Error) -> (StatusCode, &'static str, String) {
    match error {
        Error::Invalid(text) => (StatusCode::BAD_REQUEST, "invalid", text),
        Error::Denied(text) => (StatusCode::FORBIDDEN, "denied", text),
        Error::NoSuchStore(text) => (StatusCode::NOT_FOUND, "no-such-store", text),
        Error::EtagMismatch(text) => (StatusCode::PRECONDITION_FAILED, "etag-mismatch", text),
        Error::TooLarge(text) => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", text),
        Error::Throttled(text) => (StatusCode::TOO_MANY_REQUESTS, "throttled", text),
        Error::Internal(text) => (StatusCode::INTERNAL_SERVER_ERROR, "internal", text),
        Error::Unsupported(text) => (StatusCode::NOT_IMPLEMENTED, "unsupported", text),
        Error::NotConfigured(text) => (StatusCode::NOT_IMPLEMENTED, "not-configured", text),
        Error::Unavailable(text) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", text),
        Error::OutcomeUnknown(text) => (StatusCode::GATEWAY_TIMEOUT, "outcome-unknown", text),
    }
}
