//! The little HTTP that this app needs, on the WASI 0.3 bindings.

use crate::bindings::{
    dapr::state::types::Error,
    wasi::http0_3_0::types::{ErrorCode, Fields, Request, Response},
    wit_future, wit_stream,
};
use percent_encoding::percent_decode_str;
use wit_bindgen::StreamReader;

/// What to answer.
pub enum Reply {
    Json(String),
    Empty,
    /// This path takes another method.
    Method(&'static str),
    Error(Error),
}

pub fn response(reply: Reply) -> Response {
    let (status, content_type, text) = match reply {
        Reply::Empty => return started(204, &[], None),
        Reply::Method(allow) => {
            let headers = [
                ("allow".to_owned(), allow.into()),
                ("content-length".to_owned(), "0".into()),
            ];
            return started(405, &headers, None);
        }
        Reply::Json(text) => (200, "application/json", text),
        Reply::Error(error) => {
            let (status, text) = spoken(error);
            (status, "text/plain; charset=utf-8", text)
        }
    };
    let headers = [
        ("content-type".to_owned(), content_type.into()),
        ("content-length".to_owned(), text.len().to_string().into()),
    ];
    let (mut body, contents) = wit_stream::new();
    // The host reads the body once it has the response, so that writing it goes on after the handler has returned.
    wit_bindgen::spawn_local(async move {
        // What is left over was for a client that went away.
        let _ = body.write_all(text.into_bytes()).await;
    });
    started(status, &headers, Some(contents))
}

fn started(status: u16, headers: &[(String, Vec<u8>)], contents: Option<StreamReader<u8>>) -> Response {
    let headers = Fields::from_list(headers).expect("these names and values are well-formed and not forbidden");
    // Dropping the writer resolves the future to what the closure gives: no trailers.
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (response, _) = Response::new(headers, contents, trailers);
    response
        .set_status_code(status)
        .expect("all statuses of this app are in the range of HTTP");
    response
}

/// The request's body, whole.
pub async fn body(request: Request) -> Result<Vec<u8>, Error> {
    let (_, processed) = wit_future::new(|| Ok(()));
    let (contents, trailers) = Request::consume_body(request, processed);
    let body = contents.collect().await;
    // A body that was cut off ends like any other. That it was shows here, and nowhere else.
    match trailers.await {
        Ok(_) => Ok(body),
        Err(ErrorCode::HttpRequestBodySize(_)) => {
            Err(Error::TooLarge("the host takes no body of this size".to_owned()))
        }
        Err(cause) => Err(Error::Invalid(format!("the body cannot be read: {cause}"))),
    }
}

/// Undoes percent encoding.
pub fn decoded(text: &str) -> Result<String, Error> {
    // The decoder keeps a `%` that no two hex digits follow, so that this has to be looked for.
    let hex = |rest: &str| {
        rest.as_bytes()
            .get(..2)
            .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    match percent_decode_str(text).decode_utf8() {
        Ok(decoded) if text.split('%').skip(1).all(hex) => Ok(decoded.into_owned()),
        _ => Err(Error::Invalid(format!("`{text}` is not percent-encoded UTF-8"))),
    }
}

fn spoken(error: Error) -> (u16, String) {
    match error {
        Error::Invalid(text) => (400, text),
        Error::Denied(text) => (403, text),
        Error::NoSuchStore(text) => (404, text),
        Error::EtagMismatch(text) => (412, text),
        Error::TooLarge(text) => (413, text),
        Error::Throttled(text) => (429, text),
        Error::Internal(text) => (500, text),
        Error::Unsupported(text) | Error::NotConfigured(text) => (501, text),
        Error::Unavailable(text) => (503, text),
        Error::OutcomeUnknown(text) => (504, text),
    }
}
