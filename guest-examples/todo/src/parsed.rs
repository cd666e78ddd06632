//! The body of a request, as what it should be.

use crate::failure::Failure;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;

/// JSON, whatever its media type: `curl -d` says nothing of JSON.
pub struct Parsed<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Parsed<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let body = Bytes::from_request(request, state).await;
        let body = body.map_err(|_| Failure::Bad("the body cannot be read".to_owned()))?;
        let parsed = serde_json::from_slice(&body).map_err(|error| Failure::Bad(error.to_string()))?;
        Ok(Self(parsed))
    }
}
