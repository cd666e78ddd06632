//! Bytes on a socket, for clients that do not behave: that are slow, leave early, or say nothing at all.

use crate::wait::PATIENCE;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// One connection.
#[derive(Debug)]
pub struct Raw {
    stream: TcpStream,
    received: Vec<u8>,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The host closed it.
    Closed,
    /// The host reset it.
    Reset,
}

impl Raw {
    /// Connects, and says nothing.
    pub fn connect(port: u16) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("the host accepts connections");
        stream.set_nodelay(true).expect("sockets have this option");
        Self {
            stream,
            received: Vec::new(),
        }
    }

    /// Sends bytes. A host that has closed the connection makes it fail, which is the host's right.
    ///
    /// # Errors
    ///
    /// If the connection is gone.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// Sends bytes on a connection that must be open.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).expect("the connection is open");
    }

    /// Sends a GET, as of a client that keeps the connection.
    pub fn send_get(&mut self, target: &str) {
        self.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    }

    /// Says that nothing more will be sent.
    pub fn finish_sending(&self) {
        // Fails where the host was faster, which comes to the same.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Everything received so far.
    pub fn received(&self) -> String {
        String::from_utf8_lossy(&self.received).into_owned()
    }

    /// Receives until `text` has come, and returns all there is.
    ///
    /// # Panics
    ///
    /// If the connection ends, or `deadline` passes with nothing received.
    pub fn receive_until(&mut self, text: &str, deadline: Duration) -> String {
        while !self.received().contains(text) {
            if let Some(end) = self.receive(deadline) {
                panic!("{end:?} before `{text}`, after `{}`", self.received());
            }
        }
        self.received()
    }

    /// Receives what is there, or waits for it, and keeps none of it; says how many bytes there were, 0 at the end.
    ///
    /// # Panics
    ///
    /// If `deadline` passes with nothing received.
    pub fn receive_and_forget(&mut self, deadline: Duration) -> usize {
        let ended = self.receive(deadline).is_some();
        let count = self.received.len();
        self.received.clear();
        if ended { 0 } else { count }
    }

    /// Receives until the host ends the connection.
    ///
    /// # Panics
    ///
    /// If `deadline` passes with nothing received.
    pub fn receive_to_end(&mut self, deadline: Duration) -> End {
        loop {
            if let Some(end) = self.receive(deadline) {
                return end;
            }
        }
    }

    /// Whether the host has ended the connection by now.
    pub fn has_ended(&mut self) -> bool {
        self.stream.set_nonblocking(true).expect("sockets have this option");
        let mut chunk = [0; 4096];
        let ended = match self.stream.read(&mut chunk) {
            Ok(0) => true,
            Ok(count) => {
                self.received.extend_from_slice(&chunk[..count]);
                false
            }
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        };
        self.stream.set_nonblocking(false).expect("sockets have this option");
        ended
    }

    fn receive(&mut self, deadline: Duration) -> Option<End> {
        self.stream
            .set_read_timeout(Some(deadline))
            .expect("a deadline is not zero");
        let mut chunk = [0; 64 << 10];
        match self.stream.read(&mut chunk) {
            Ok(0) => Some(End::Closed),
            Ok(count) => {
                self.received.extend_from_slice(&chunk[..count]);
                None
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("nothing came for {deadline:?}, after `{}`", self.received())
            }
            Err(_) => Some(End::Reset),
        }
    }
}
