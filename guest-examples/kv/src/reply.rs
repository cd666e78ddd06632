//! The shapes of an answer.

use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;
use wstd::http::Body;

/// An answer in JSON.
pub fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    let text = serde_json::to_string(value).expect("records of text are always valid JSON");
    let mut response = empty(status);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(text.len()));
    *response.body_mut() = text.into();
    response
}

/// An answer without a body.
pub fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// The answer to HEAD. Its length goes with the body, since WASI 0.2 compares a length with what is sent.
pub fn without_body(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().remove(header::CONTENT_LENGTH);
    *response.body_mut() = Body::empty();
    response
}
