//! Answering in WASI 0.2. The crate's root has the bindings as `types`.

use crate::types::{Fields, OutgoingBody, OutgoingResponse, ResponseOutparam};

/// What `blocking_write_and_flush` takes at most in one call.
const CHUNK: usize = 4096;

/// Answers with text.
pub fn respond(out: ResponseOutparam, status: u16, text: &str) {
    let headers = Fields::new();
    headers
        .append("content-length", text.len().to_string().as_bytes())
        .expect("a length is a well-formed value");
    let response = OutgoingResponse::new(headers);
    response.set_status_code(status).expect("the status is one of HTTP's");
    let body = response.body().expect("the body is taken for the first time");
    ResponseOutparam::set(out, Ok(response));

    let stream = body.write().expect("the stream is taken for the first time");
    let _ = text
        .as_bytes()
        .chunks(CHUNK)
        .try_for_each(|chunk| stream.blocking_write_and_flush(chunk));
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}
