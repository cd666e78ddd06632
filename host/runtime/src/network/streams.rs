//! The two directions of a connection as streams of `wasi:io`.
//!
//! | direction | how |
//! |---|---|
//! | in | straight from the system, as much as the guest asks for, within [`MAX_READ`](super::connection::MAX_READ) |
//! | out | straight to the system; what that does not take at once is kept, [`PERMIT`] at most, and sent by a task |
//!
//! The task is there only while something is kept: a guest that has written may wait for an answer and never look at its
//! output again, and must get it.

use super::connection::Connection;
use bytes::Bytes;
use std::future::poll_fn;
use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult};

/// Bytes that a guest may write at once, and so the most that is kept of it.
const PERMIT: usize = 64 << 10;

/// How long what is kept goes on being sent when the guest has let go of the stream: a system does so after `close`, too.
const LINGER: Duration = Duration::from_secs(10);

/// What comes in.
pub(super) struct Input(Arc<Connection>);

impl Input {
    pub(super) fn new(connection: &Arc<Connection>) -> Self {
        Self(Arc::clone(connection))
    }
}

#[async_trait]
impl Pollable for Input {
    async fn ready(&mut self) {
        self.0.readable().await;
    }
}

#[async_trait]
impl InputStream for Input {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        match self.0.read(size) {
            Ok(data) if data.is_empty() => Err(StreamError::Closed),
            Ok(data) => Ok(data),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Bytes::new()),
            Err(error) => Err(StreamError::LastOperationFailed(error.into())),
        }
    }
}

/// What goes out: a stream for the guest, and for its socket, which can end it. Clones are the same.
#[derive(Clone)]
pub(super) struct Output {
    connection: Arc<Connection>,
    sending: Arc<Mutex<Sending>>,
    /// The instance has ended.
    ended: CancellationToken,
}

/// How far sending is.
enum Sending {
    /// Nothing is kept.
    Open,
    /// What is kept is being sent.
    Rest(AbortOnDropHandle<io::Result<()>>),
    /// The same, and the connection is then closed in this direction.
    LastRest(AbortOnDropHandle<io::Result<()>>),
    /// It failed, which the guest has not been told.
    Failed(io::Error),
    /// Nothing can be sent any more.
    Closed,
}

impl Output {
    pub(super) fn new(connection: &Arc<Connection>, ended: &CancellationToken) -> Self {
        Self {
            connection: Arc::clone(connection),
            sending: Arc::new(Mutex::new(Sending::Open)),
            ended: ended.clone(),
        }
    }

    /// Ends it, after what is kept.
    pub(super) fn shutdown(&self) -> io::Result<()> {
        let mut sending = self.sending();
        match std::mem::replace(&mut *sending, Sending::Closed) {
            Sending::Rest(rest) => {
                let connection = Arc::clone(&self.connection);
                let last = async move {
                    rest.await
                        .unwrap_or_else(|_| Err(io::ErrorKind::ConnectionAborted.into()))?;
                    connection.shutdown(Shutdown::Write)
                };
                *sending = Sending::LastRest(AbortOnDropHandle::new(tokio::spawn(last)));
                Ok(())
            }
            Sending::Open => self.connection.shutdown(Shutdown::Write),
            before => {
                *sending = before;
                Ok(())
            }
        }
    }

    // Nothing that can panic happens while it is held, and nobody waits.
    fn sending(&self) -> MutexGuard<'_, Sending> {
        self.sending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sending {
    /// Ready when nothing is kept.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let (done, then) = match self {
            Self::Rest(rest) => (ready!(Pin::new(rest).poll(context)), Self::Open),
            Self::LastRest(rest) => (ready!(Pin::new(rest).poll(context)), Self::Closed),
            Self::Open | Self::Failed(_) | Self::Closed => return Poll::Ready(()),
        };
        *self = match done {
            Ok(Ok(())) => then,
            Ok(Err(error)) => Self::Failed(error),
            // The runtime ends.
            Err(_) => Self::Closed,
        };
        Poll::Ready(())
    }

    /// Whether there is something kept, or an error to be told.
    fn check(&mut self) -> StreamResult<Poll<()>> {
        if self.poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            return Ok(Poll::Pending);
        }
        match self {
            Self::Open => Ok(Poll::Ready(())),
            _ => Err(match std::mem::replace(self, Self::Closed) {
                Self::Failed(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    StreamError::LastOperationFailed(error.into())
                }
                _ => StreamError::Closed,
            }),
        }
    }
}

#[async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {
        poll_fn(|context| self.sending().poll(context)).await;
    }
}

#[async_trait]
impl OutputStream for Output {
    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(match self.sending().check()? {
            Poll::Ready(()) => PERMIT,
            Poll::Pending => 0,
        })
    }

    fn write(&mut self, mut data: Bytes) -> StreamResult<()> {
        let mut sending = self.sending();
        if data.len() > PERMIT || sending.check()?.is_pending() {
            return Err(StreamError::trap("more was written than was permitted"));
        }
        match self.connection.write(&data) {
            Ok(written) if written == data.len() => Ok(()),
            Ok(written) => {
                let (connection, rest) = (Arc::clone(&self.connection), data.split_off(written));
                let rest = tokio::spawn(async move { connection.write_all(rest).await });
                *sending = Sending::Rest(AbortOnDropHandle::new(rest));
                Ok(())
            }
            Err(error) => {
                *sending = Sending::Failed(error);
                sending.check().map(|_| ())
            }
        }
    }

    fn flush(&mut self) -> StreamResult<()> {
        // What is kept is on its way, and `check_write` says when it is gone.
        self.sending().check().map(|_| ())
    }

    /// The guest has let go of the stream. It does not wait for what is kept, or a server that reads nothing would hold all
    /// that the instance does.
    async fn cancel(&mut self) {
        let before = std::mem::replace(&mut *self.sending(), Sending::Closed);
        if let Sending::Rest(rest) | Sending::LastRest(rest) = before {
            let ended = self.ended.clone();
            tokio::spawn(async move {
                tokio::select! {
                    () = ended.cancelled() => {}
                    _ = tokio::time::timeout(LINGER, rest) => {}
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Instance, connected, read, soon, write};
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// More than systems keep for a connection.
    const MUCH: usize = 32 << 20;

    /// Writes until nothing more is permitted, and says what that was.
    fn fill(output: &mut Output) -> usize {
        let block = Bytes::from(vec![7; PERMIT]);
        let mut written = 0;
        while output.check_write().unwrap() > 0 {
            output.write(block.clone()).unwrap();
            written += block.len();
            assert!(written < MUCH, "somebody keeps it all");
        }
        written
    }

    #[tokio::test]
    async fn what_one_end_writes_the_other_reads() {
        let mut instance = Instance::new(&[]);
        let (_socket, mut input, mut output, mut server) = connected(&mut instance).await;
        assert_eq!(input.read(10).unwrap(), "", "nothing yet");
        write(&mut output, b"ping").await.unwrap();
        let mut received = [0; 4];
        soon(server.read_exact(&mut received)).await.unwrap();
        assert_eq!(&received, b"ping");
        server.write_all(b"pong").await.unwrap();
        assert_eq!(read(&mut input, 10).await.unwrap(), "pong");
        drop(server);
        assert!(matches!(read(&mut input, 10).await, Err(StreamError::Closed)));
        assert!(matches!(input.read(10), Err(StreamError::Closed)));
    }

    #[tokio::test]
    async fn what_the_system_does_not_take_is_sent_while_nobody_looks() {
        let mut instance = Instance::new(&[]);
        let (_socket, mut input, mut output, mut server) = connected(&mut instance).await;
        let written = fill(&mut output);
        assert!(soon_pending(&mut output).await, "nobody reads");
        let answer = tokio::spawn(async move {
            let mut received = vec![0; written];
            server.read_exact(&mut received).await.unwrap();
            assert!(received.iter().all(|byte| *byte == 7));
            server.write_all(b"done").await.unwrap();
            server
        });
        // As a guest does that has sent its request.
        assert_eq!(read(&mut input, 10).await.unwrap(), "done");
        let _server = answer.await.unwrap();
        soon(output.ready()).await;
        assert_eq!(output.check_write().unwrap(), PERMIT);
        output.flush().unwrap();
    }

    async fn soon_pending(output: &mut Output) -> bool {
        tokio::time::timeout(Duration::from_millis(50), output.ready())
            .await
            .is_err()
    }

    #[tokio::test]
    async fn more_than_was_permitted_is_a_trap() {
        let mut instance = Instance::new(&[]);
        let (_socket, _input, mut output, _server) = connected(&mut instance).await;
        let much = output.write(Bytes::from(vec![0; PERMIT + 1]));
        assert!(matches!(much, Err(StreamError::Trap(_))));
        fill(&mut output);
        assert!(matches!(
            output.write(Bytes::from_static(b"a")),
            Err(StreamError::Trap(_))
        ));
    }

    #[tokio::test]
    async fn an_output_that_is_ended_ends_after_what_is_kept() {
        let mut instance = Instance::new(&[]);
        let (socket, _input, mut output, mut server) = connected(&mut instance).await;
        let written = fill(&mut output);
        socket.shutdown(Shutdown::Write).unwrap();
        let mut received = Vec::new();
        soon(server.read_to_end(&mut received)).await.unwrap();
        assert_eq!(received.len(), written);
        soon(output.ready()).await;
        assert!(matches!(output.check_write(), Err(StreamError::Closed)));
    }

    #[tokio::test]
    async fn an_output_that_is_ended_takes_nothing_more() {
        let mut instance = Instance::new(&[]);
        let (socket, mut input, mut output, mut server) = connected(&mut instance).await;
        socket.shutdown(Shutdown::Both).unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        assert!(matches!(
            output.write(Bytes::from_static(b"a")),
            Err(StreamError::Closed)
        ));
        assert!(matches!(read(&mut input, 1).await, Err(StreamError::Closed)));
        assert_eq!(soon(server.read(&mut [0; 1])).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn what_is_kept_is_sent_although_the_guest_has_let_go_and_it_did_not_wait() {
        let mut instance = Instance::new(&[]);
        let (socket, input, mut output, mut server) = connected(&mut instance).await;
        let written = fill(&mut output);
        soon(output.cancel()).await;
        drop((output, input, socket));
        let mut received = Vec::new();
        soon(server.read_to_end(&mut received)).await.unwrap();
        assert_eq!(received.len(), written);
    }

    #[tokio::test]
    async fn nothing_is_sent_any_more_when_the_instance_ends() {
        let mut instance = Instance::new(&[]);
        let (socket, input, mut output, mut server) = connected(&mut instance).await;
        let written = fill(&mut output);
        output.cancel().await;
        drop((output, input, socket, instance));
        // Its task sees that before anybody reads.
        tokio::task::yield_now().await;
        let mut received = Vec::new();
        soon(server.read_to_end(&mut received)).await.unwrap();
        assert!(received.len() < written);
    }

    #[tokio::test]
    async fn a_connection_that_broke_is_told_once_and_then_closed() {
        let mut instance = Instance::new(&[]);
        let (_socket, mut input, mut output, server) = connected(&mut instance).await;
        server.set_zero_linger().unwrap();
        drop(server);
        let error = read(&mut input, 1).await.unwrap_err();
        let StreamError::LastOperationFailed(error) = error else {
            panic!("{error}")
        };
        let error = error.downcast_ref::<io::Error>().map(io::Error::kind);
        assert_eq!(error, Some(io::ErrorKind::ConnectionReset));
        assert!(matches!(
            output.write(Bytes::from_static(b"a")),
            Err(StreamError::Closed)
        ));
        assert!(matches!(output.check_write(), Err(StreamError::Closed)));
    }
}
