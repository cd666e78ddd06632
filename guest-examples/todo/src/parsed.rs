//! What a request names and brings, as what it should be.

use crate::failure::Failure;
use crate::todos::Id;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::response::IntoResponse;
use http::StatusCode;
use http::request::Parts;
use serde::de::DeserializeOwned;

/// A path with the name of a todo.
impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(id)) => Self::parse(&id),
            Err(_) => Err(Failure::NotFound),
        }
    }
}

/// JSON, whatever its media type: `curl -d` says nothing of JSON.
pub struct Parsed<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Parsed<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let body = Bytes::from_request(request, state).await;
        let body = body.map_err(|rejection| match rejection.into_response().status() {
            StatusCode::PAYLOAD_TOO_LARGE => Failure::TooLarge,
            _ => Failure::Bad("the body cannot be read".to_owned()),
        })?;
        let parsed = serde_json::from_slice(&body).map_err(|error| Failure::Bad(error.to_string()))?;
        Ok(Self(parsed))
    }
}
