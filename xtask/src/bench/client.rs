//! The least HTTP client that the figures need: one request on a connection of its own, as HTTP/1.0.

use anyhow::{Context, Result, bail};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longer than any request here takes, so that a server that hangs is an error and not a benchmark that does.
const PATIENCE: Duration = Duration::from_secs(120);

/// The body of the answer, which must be a 200.
pub(super) fn get(address: SocketAddr, path: &str) -> Result<String> {
    ask(address, &format!("GET {path}"), "", "200")
}

/// Puts what must be taken.
pub(super) fn put(address: SocketAddr, path: &str, body: &str) -> Result<()> {
    ask(address, &format!("PUT {path}"), body, "204").map(drop)
}

fn ask(address: SocketAddr, request: &str, body: &str, expected: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let length = body.len();
    stream.write_all(
        format!("{request} HTTP/1.0\r\nhost: {address}\r\ncontent-length: {length}\r\n\r\n{body}").as_bytes(),
    )?;
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .with_context(|| format!("no answer to {request}"))?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .with_context(|| format!("{request}: half an answer: {answer}"))?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    if status != expected {
        bail!("{request} was answered with {status}: {body}");
    }
    Ok(body.to_owned())
}
