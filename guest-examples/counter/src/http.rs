//! The little HTTP that the counter needs, on the WASI 0.2 bindings.

use crate::percent;
use wasip2::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};

/// What `blocking_write_and_flush` takes at most in one call.
const CHUNK: usize = 4096;

/// The path without its first slash and without its query, decoded.
pub fn decoded_path(request: &IncomingRequest) -> Result<String, String> {
    let target = request.path_with_query().unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    percent::decoded(path.strip_prefix('/').unwrap_or(path))
}

/// Answers with a line of text, and with the methods that there are where the one asked for is not among them.
pub fn respond(out: ResponseOutparam, status: u16, allow: Option<&str>, text: &str) {
    let mut headers = vec![
        ("content-type".to_owned(), b"text/plain; charset=utf-8".to_vec()),
        ("content-length".to_owned(), text.len().to_string().into_bytes()),
    ];
    headers.extend(allow.map(|methods| ("allow".to_owned(), methods.as_bytes().to_vec())));
    let headers = Fields::from_list(&headers).expect("these names and values are well-formed and not forbidden");

    let response = OutgoingResponse::new(headers);
    response
        .set_status_code(status)
        .expect("all statuses of this app are in the range of HTTP");
    let body = response.body().expect("the body is taken for the first time");
    ResponseOutparam::set(out, Ok(response));

    let stream = body.write().expect("the stream is taken for the first time");
    // A client that went away in the meantime wants no answer, and one that asked with HEAD no body, so that a failed write is
    // none of ours.
    let _ = text
        .as_bytes()
        .chunks(CHUNK)
        .try_for_each(|chunk| stream.blocking_write_and_flush(chunk));
    // The stream is a child of the body: dropping the body first would be a trap.
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}
