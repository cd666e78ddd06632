//! A client's socket, on which a write fails that the client lets wait for too long.
//!
//! Without it a client that does not read its answer would keep its connection, and what the host has ready for it, for as
//! long as it likes. While a write waits, the connection is busy: it is neither idle nor done.

use super::connections::{Busy, Connection};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// A client's socket.
pub(super) struct Stream {
    socket: TcpStream,
    connection: Arc<Connection>,
    patience: Duration,
    waiting: Option<Waiting>,
}

/// A write that the client lets wait.
struct Waiting {
    limit: Pin<Box<Sleep>>,
    _busy: Busy,
}

impl Stream {
    pub(super) fn new(socket: TcpStream, connection: Arc<Connection>, patience: Duration) -> Self {
        Self {
            socket,
            connection,
            patience,
            waiting: None,
        }
    }

    /// Bounds how long the client may let this write wait.
    fn bounded(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let waiting = self.waiting.get_or_insert_with(|| Waiting {
            limit: Box::pin(tokio::time::sleep(self.patience)),
            _busy: self.connection.busy(),
        });
        std::task::ready!(waiting.limit.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the client did not take its answer",
        )))
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.bounded(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(cx, buffers);
        self.bounded(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    // A socket has nothing to flush, and closing it waits for nobody.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
