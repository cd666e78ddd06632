//! The little HTTP that this app needs, on the WASI 0.3 bindings.

use crate::{
    bindings::{
        dapr::state::types::Error,
        wasi::http0_3_0::types::{ErrorCode, Fields, Request, Response},
        wit_future, wit_stream,
    },
    state_error,
};
use wit_bindgen::{StreamReader, StreamResult};

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
            let (status, _, text) = state_error::spoken(error);
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

/// Bytes of a body that are read. More than that no store takes for a value, and others have requests in this memory too.
const BODY: usize = 4 << 20;

/// What is read at once.
const CHUNK: usize = 64 << 10;

/// The request's body, whole.
pub async fn body(request: Request) -> Result<Vec<u8>, Error> {
    let (_, processed) = wit_future::new(|| Ok(()));
    let (mut contents, trailers) = Request::consume_body(request, processed);
    let mut body = Vec::new();
    loop {
        let (result, chunk) = contents.read(Vec::with_capacity(CHUNK)).await;
        body.extend(chunk);
        if body.len() > BODY {
            return Err(Error::TooLarge(format!("the body is larger than {} MiB", BODY >> 20)));
        }
        if !matches!(result, StreamResult::Complete(_)) {
            break;
        }
    }
    // A body that was cut off ends like any other. That it was shows here, and nowhere else.
    match trailers.await {
        Ok(_) => Ok(body),
        Err(ErrorCode::HttpRequestBodySize(_)) => {
            Err(Error::TooLarge("the host takes no body of this size".to_owned()))
        }
        Err(cause) => Err(Error::Invalid(format!("the body cannot be read: {cause}"))),
    }
}
