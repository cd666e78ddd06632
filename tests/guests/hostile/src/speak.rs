//! Says too much, or in a way that an unwary terminal obeys.

use crate::types::{ErrorCode, Fields, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasip2::io::streams::OutputStream;

/// More than a host should hold back for one line.
const LONG: usize = 100_000;

/// Two lines on stdout, of which one would colour the terminal and one is very long, and one on stderr.
pub fn oddly() -> String {
    println!("plain \x1b[31mred\x1b[0m");
    println!("{}", "x".repeat(LONG));
    eprintln!("an error");
    "said".to_owned()
}

/// Prints without end.
pub fn for_ever() -> ! {
    loop {
        println!("and another thing");
    }
}

/// Sends a body without end, until nobody takes it.
pub fn answer_for_ever(out: ResponseOutparam) {
    let (_body, stream) = started(out);
    while stream.blocking_write_and_flush(&[b'x'; 4096]).is_ok() {}
}

/// Traps when the client has the status and the first bytes.
pub fn half_an_answer(out: ResponseOutparam) {
    let (_body, stream) = started(out);
    let _ = stream.blocking_write_and_flush(b"the first half");
    core::arch::wasm32::unreachable()
}

/// An error in place of an answer, with a text that would colour a terminal and begin a line of its own.
pub fn an_error(out: ResponseOutparam) {
    let text = "because \x1b[31m\n\0\u{202e}of that".to_owned();
    ResponseOutparam::set(out, Err(ErrorCode::InternalError(Some(text))));
}

/// A response under way. The stream is a child of the body: keep both.
fn started(out: ResponseOutparam) -> (OutgoingBody, OutputStream) {
    let response = OutgoingResponse::new(Fields::new());
    let body = response.body().expect("the body is taken for the first time");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("the stream is taken for the first time");
    (body, stream)
}
