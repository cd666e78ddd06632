//! Why a request was not done, and how HTTP says so.

use crate::{bindings::dapr::state::types, reply, state_error};
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::json;
use std::{error::Error, fmt::Display, iter};
use wstd::http::Body;

pub enum Failure {
    /// The store's answer, or this app's own in the same words.
    State(types::Error),
    /// The URI takes other methods.
    Method { allow: &'static str },
}

impl From<types::Error> for Failure {
    fn from(error: types::Error) -> Self {
        Self::State(error)
    }
}

impl Failure {
    pub fn invalid(text: impl Into<String>) -> Self {
        Self::State(types::Error::Invalid(text.into()))
    }

    /// The client went away, or the host cut the body off.
    pub fn unreadable(cause: &dyn Error) -> Self {
        let causes: Vec<_> = iter::successors(Some(cause), |&cause| cause.source())
            .map(ToString::to_string)
            .collect();
        let cause = causes.join(": ");
        // A host may say more below the first line, for its developers.
        Self::invalid(format!(
            "the body cannot be read: {}",
            cause.lines().next().unwrap_or_default()
        ))
    }

    /// What is stored does not fit into an HTTP header.
    pub fn unspeakable(cause: impl Display) -> Self {
        Self::State(types::Error::Internal(format!(
            "the item cannot be sent over HTTP: {cause}"
        )))
    }

    pub fn into_response(self) -> Response<Body> {
        match self {
            Self::State(error) => {
                let (status, case, message) = state_error::spoken(error);
                let status = StatusCode::from_u16(status).expect("the table has statuses of HTTP");
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
