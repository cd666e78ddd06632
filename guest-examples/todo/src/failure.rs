//! Why a request was not done, and how HTTP says so.

use crate::json;
use axum::response::{IntoResponse, Response};
use dapr_wasm_sdk::Error;
use http::{HeaderValue, StatusCode, header};

pub enum Failure {
    /// What the client sent makes no sense.
    Bad(String),
    NotFound,
    TooLarge,
    /// The path takes other methods.
    Method {
        allow: &'static str,
    },
    /// Others changed the same todos at the same time.
    Busy,
    /// The store failed, or what it holds is no todo: nothing that a client could mend or should read about.
    Server(StatusCode, String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            // What reaches the store from a client is a cursor and a TTL.
            Error::Invalid(text) => Self::Bad(text),
            Error::EtagMismatch(_) => Self::Busy,
            Error::Throttled(text) | Error::Unavailable(text) => Self::Server(StatusCode::SERVICE_UNAVAILABLE, text),
            Error::OutcomeUnknown(text) => Self::Server(StatusCode::GATEWAY_TIMEOUT, text),
            // What is stored is no todo, among others.
            other => Self::Server(StatusCode::INTERNAL_SERVER_ERROR, format!("{other:?}")),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, text, allow) = match self {
            Self::Bad(text) => (StatusCode::BAD_REQUEST, text, None),
            Self::NotFound => (StatusCode::NOT_FOUND, "there is no such thing".to_owned(), None),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "the body is too large".to_owned(), None),
            Self::Method { allow } => (
                StatusCode::METHOD_NOT_ALLOWED,
                format!("use one of {allow}"),
                Some(allow),
            ),
            Self::Busy => (StatusCode::CONFLICT, "others were faster: try again".to_owned(), None),
            Self::Server(status, cause) => {
                // What an app prints is in the host's log, under the app's name.
                eprintln!("{cause}");
                (status, "the todos are out of reach".to_owned(), None)
            }
        };
        let mut response = json(status, &serde_json::json!({ "error": text }));
        if let Some(allow) = allow {
            response
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        response
    }
}
