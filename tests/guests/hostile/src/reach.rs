//! Reaches for what the host has, and says what came of it.

use crate::types::{Fields, IncomingRequest, OutgoingRequest, Scheme};
use std::net::{TcpStream, ToSocketAddrs};
use wasip2::http::outgoing_handler;
use wasip2::io::streams::StreamError;

/// A port on which nobody listens: what answers here is the host.
const NOBODY: &str = "127.0.0.1:9";

/// Sends an HTTP request.
pub fn http() -> String {
    let request = OutgoingRequest::new(Fields::new());
    request.set_scheme(Some(&Scheme::Http)).expect("a scheme that there is");
    request.set_authority(Some(NOBODY)).expect("a well-formed address");
    request.set_path_with_query(Some("/")).expect("a well-formed path");
    let response = match outgoing_handler::handle(request, None) {
        Ok(response) => response,
        Err(error) => return format!("{error:?}"),
    };
    response.subscribe().block();
    match response.get() {
        Some(Ok(Ok(response))) => format!("answered {}", response.status()),
        Some(Ok(Err(error))) => format!("{error:?}"),
        Some(Err(())) | None => "neither an answer nor an error".to_owned(),
    }
}

/// Opens a connection.
pub fn socket() -> String {
    match TcpStream::connect(NOBODY) {
        Ok(_) => "connected".to_owned(),
        Err(error) => format!("{:?}", error.kind()),
    }
}

/// Looks up a name, of which every machine knows the address.
pub fn lookup() -> String {
    match "localhost:80".to_socket_addrs() {
        Ok(addresses) => format!("{:?}", addresses.collect::<Vec<_>>()),
        Err(error) => format!("{:?}: {error}", error.kind()),
    }
}

/// The environment, a variable a line.
pub fn environment() -> String {
    std::env::vars()
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect()
}

/// What lies at the root of the file system.
pub fn files() -> String {
    match std::fs::read_dir("/") {
        Ok(entries) => entries.map(|entry| format!("{entry:?}\n")).collect(),
        Err(error) => format!("{:?}", error.kind()),
    }
}

/// Reads the request's body to its end; answers how long it is.
pub fn body(request: &IncomingRequest) -> Result<u64, String> {
    let body = request.consume().map_err(|()| "the body is gone")?;
    let stream = body.stream().map_err(|()| "the stream is gone")?;
    let mut length = 0;
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(bytes) => length += bytes.len() as u64,
            Err(StreamError::Closed) => return Ok(length),
            Err(StreamError::LastOperationFailed(error)) => return Err(error.to_debug_string()),
        }
    }
}
