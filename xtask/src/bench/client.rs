//! The least HTTP client that the figures need: one request after the other on a connection that stays open.

use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longer than any request here takes, so that a server that hangs is an error and not a benchmark that does.
const PATIENCE: Duration = Duration::from_secs(120);

/// A connection to a server.
pub(super) struct Connection {
    address: SocketAddr,
    stream: BufReader<TcpStream>,
}

/// What came for a request.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

/// The body of the answer, which must be a 200, on a connection of its own.
pub(super) fn get(address: SocketAddr, path: &str) -> Result<String> {
    Connection::open(address)?.ask("GET", path, "")?.expect(200)
}

/// Puts what must be taken, on a connection of its own.
pub(super) fn put(address: SocketAddr, path: &str, body: &str) -> Result<()> {
    Connection::open(address)?.ask("PUT", path, body)?.expect(204).map(drop)
}

impl Connection {
    pub(super) fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let stream = BufReader::new(stream);
        Ok(Self { address, stream })
    }

    /// Sends a request and waits for the whole answer, whatever its status.
    pub(super) fn ask(&mut self, method: &str, path: &str, body: &str) -> Result<Answer> {
        let (address, length) = (self.address, body.len());
        let request = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {length}\r\n\r\n{body}");
        self.stream.get_mut().write_all(request.as_bytes())?;
        answer(&mut self.stream).with_context(|| format!("no answer to {method} {path}"))
    }
}

impl Answer {
    /// The body, if this is what was to come.
    fn expect(self, status: u16) -> Result<String> {
        if self.status != status {
            bail!("{} came, not {status}: {}", self.status, self.body);
        }
        Ok(self.body)
    }
}

/// Reads one answer and not a byte more: its body has a length or comes in chunks.
fn answer(from: &mut impl BufRead) -> Result<Answer> {
    let first = line(from)?;
    let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.with_context(|| format!("this is no answer: {first}"))?;
    let (mut length, mut is_chunked) = (0, false);
    loop {
        let header = line(from)?.to_ascii_lowercase();
        match header.split_once(':') {
            None if header.is_empty() => break,
            Some(("content-length", value)) => length = value.trim().parse()?,
            Some(("transfer-encoding", value)) => is_chunked = value.trim() == "chunked",
            _ => {}
        }
    }
    let mut body = Vec::new();
    match is_chunked {
        true => while chunk(from, &mut body)? {},
        false => read(from, length, &mut body)?,
    }
    let body = String::from_utf8(body)?;
    Ok(Answer { status, body })
}

/// Reads a chunk, and whether there is another one.
fn chunk(from: &mut impl BufRead, body: &mut Vec<u8>) -> Result<bool> {
    let size = line(from)?;
    let size = u64::from_str_radix(&size, 16).with_context(|| format!("this is no size of a chunk: {size}"))?;
    read(from, size, body)?;
    line(from)?;
    Ok(size > 0)
}

fn read(from: &mut impl BufRead, length: u64, body: &mut Vec<u8>) -> Result<()> {
    match from.take(length).read_to_end(body)? as u64 == length {
        true => Ok(()),
        false => bail!("the connection ended within the body"),
    }
}

/// The next line, without its end.
fn line(from: &mut impl BufRead) -> Result<String> {
    let mut line = String::new();
    match from.read_line(&mut line)? {
        0 => bail!("the connection ended"),
        _ => Ok(line.trim_end().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_one_by_one() {
        let mut stream = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 204 No Content\r\n\r\n".as_bytes();
        let first = answer(&mut stream).unwrap();
        assert_eq!((first.status, first.body.as_str()), (200, "ok"));
        let second = answer(&mut stream).unwrap().expect(200).unwrap_err();
        assert_eq!(second.to_string(), "204 came, not 200: ");
        assert!(answer(&mut stream).is_err());
    }

    #[test]
    fn chunks_are_put_together() {
        let mut stream =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\nrest".as_bytes();
        assert_eq!(answer(&mut stream).unwrap().body, "abc");
        assert_eq!(stream, b"rest");
    }

    #[test]
    fn half_an_answer_is_none() {
        for half in [
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok",
            "HTTP/1.1 200 OK\r\n",
            "ok\r\n",
        ] {
            assert!(answer(&mut half.as_bytes()).is_err(), "{half}");
        }
    }
}
