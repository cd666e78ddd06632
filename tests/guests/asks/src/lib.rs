//! An app that passes each request on to the server that the header `ask` names, and its answer back. It is written with
//! `wstd` as for any other host, and knows nothing of this one.
//!
//! | header | is |
//! |---|---|
//! | `ask` | the URL to ask |
//! | `first-byte` | milliseconds to wait for the answer |
//! | `between-bytes` | milliseconds that its body may stand still |
//!
//! An answer that does not come is a 502 that says why.

use std::time::Duration as StdDuration;
use wstd::http::body::Body;
use wstd::http::{Client, Error, Request, Response, StatusCode};
use wstd::time::Duration;

#[wstd::http_server]
async fn main(request: Request<Body>) -> Result<Response<Body>, Error> {
    match ask(request).await {
        Ok(answer) => Ok(answer),
        Err(error) => Ok(Response::builder()
            .status(StatusCode::BAD_GATEWAY)
            .body(Body::from(format!("{error:?}")))?),
    }
}

async fn ask(request: Request<Body>) -> Result<Response<Body>, Error> {
    let (parts, body) = request.into_parts();
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let millis = |name| {
        header(name)
            .and_then(|text| text.parse().ok())
            .map(StdDuration::from_millis)
    };
    let mut client = Client::new();
    if let Some(longest) = millis("first-byte") {
        client.set_first_byte_timeout(Duration::from(longest));
    }
    if let Some(longest) = millis("between-bytes") {
        client.set_between_bytes_timeout(Duration::from(longest));
    }
    let asked = Request::builder()
        .method(parts.method.clone())
        .uri(header("ask").unwrap_or_default());
    let answer = client.send(asked.body(body)?).await?;
    let (head, mut body) = answer.into_parts();
    // All of it, so that what goes wrong in the middle shows as well.
    let bytes = body.contents().await?.to_vec();
    let version = head.headers.get("version").cloned();
    let mut response = Response::builder().status(head.status);
    if let Some(version) = version {
        response = response.header("version", version);
    }
    Ok(response.body(Body::from(bytes))?)
}
