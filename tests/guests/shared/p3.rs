//! Answering in WASI 0.3.

use crate::bindings::{
    wasi::http0_3_0::types::{Fields, Response},
    wit_future, wit_stream,
};

/// Answers with text.
pub fn response(status: u16, text: String) -> Response {
    let length = [("content-length".to_owned(), text.len().to_string().into_bytes())];
    let headers = Fields::from_list(&length).expect("a length is a well-formed value");
    let (mut body, contents) = wit_stream::new();
    wit_bindgen::spawn_local(async move {
        let _ = body.write_all(text.into_bytes()).await;
    });
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (response, _) = Response::new(headers, Some(contents), trailers);
    response.set_status_code(status).expect("the status is one of HTTP's");
    response
}
