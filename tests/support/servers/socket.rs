//! A question and its answer over a connection of its own, for servers without a client of their own.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// What the server says until it closes the connection.
///
/// # Errors
///
/// If it does not take the question, or has not closed the connection in time.
pub(super) fn ask(port: u16, question: &[u8], within: Duration) -> std::io::Result<Vec<u8>> {
    let started = Instant::now();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, within)?;
    stream.set_write_timeout(Some(within))?;
    stream.write_all(question)?;
    let mut answer = Vec::new();
    let mut chunk = [0; 64 << 10];
    loop {
        let left = within.saturating_sub(started.elapsed());
        if left.is_zero() {
            return Err(std::io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut chunk)? {
            0 => return Ok(answer),
            count => answer.extend_from_slice(&chunk[..count]),
        }
    }
}
