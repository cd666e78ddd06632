//! One connection, on which many calls are under way at once.
//!
//! The `redis` crate writes commands and gives each its reply; it sends nothing twice and connects to nobody. What it does
//! not tell is whether a server is still there: one that stands still, or that nobody reaches any more, keeps its connection
//! open for many minutes. So the connection notes when commands wait and nothing is heard, and a call that ends without an
//! answer then gives the connection up, for all that wait.

use super::script::{Names, Script};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ErrorKind, Pipeline, RedisConnectionInfo, RedisError, Value};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use std::{fmt, io};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long a server may be silent while calls wait, before a call that gives up gives up the connection as well: longer
/// than a script of the largest call takes, and a call that was dropped for other reasons proves nothing.
const SILENCE: Duration = Duration::from_secs(1);

/// Bytes to a server, with TLS or without.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection. Dropping it ends it.
pub(super) struct Wire {
    connection: MultiplexedConnection,
    driver: JoinHandle<()>,
    /// Closed when the driver has ended.
    alive: watch::Receiver<()>,
    /// Whether the driver was told to end, which it does a moment later.
    given_up: AtomicBool,
    quiet: Arc<Quiet>,
    names: Names,
    replicas: u32,
}

impl Wire {
    pub(super) async fn new(stream: Box<dyn Stream>) -> Result<Self, RedisError> {
        let quiet = Arc::new(Quiet::new());
        let stream = Heard {
            stream,
            quiet: Arc::clone(&quiet),
        };
        // The host's own timeouts hold, and whoever logs in wants to see what the server says.
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let info = RedisConnectionInfo::default().set_skip_set_lib_name();
        let (connection, driver) = MultiplexedConnection::new_with_config(&info, stream, config).await?;
        let (held, alive) = watch::channel(());
        let driver = tokio::spawn(async move {
            let _held = held;
            driver.await;
        });
        Ok(Self {
            connection,
            driver,
            alive,
            given_up: AtomicBool::new(false),
            quiet,
            names: Names {
                read: String::new(),
                write: String::new(),
            },
            replicas: 0,
        })
    }

    pub(super) fn is_greeted(&mut self, names: Names, replicas: u32) {
        self.names = names;
        self.replicas = replicas;
    }

    /// What the server calls a script.
    pub(super) fn name_of(&self, script: Script) -> &str {
        self.names.of(script)
    }

    /// How many replicas it had when this connection was made.
    pub(super) fn replicas(&self) -> u32 {
        self.replicas
    }

    pub(super) fn has_ended(&self) -> bool {
        self.given_up.load(Ordering::Relaxed) || self.alive.has_changed().is_err()
    }

    /// Waits until it has.
    pub(super) async fn ended(&self) {
        let mut alive = self.alive.clone();
        // Nothing is ever sent: what comes is the end.
        while alive.changed().await.is_ok() {}
    }

    /// How long the server has been silent while calls wait.
    pub(super) fn silence(&self) -> Duration {
        self.quiet.lasts()
    }

    /// Ends the connection. Whoever waits for a reply hears so.
    pub(super) fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
        self.driver.abort();
    }

    /// Sends commands and waits for a reply to each.
    ///
    /// # Errors
    ///
    /// If the connection ends before. Then nobody knows what the server has done.
    pub(super) async fn ask(&self, commands: &Pipeline) -> Result<Vec<Value>, RedisError> {
        self.quiet.asks();
        let waits = Waits(self);
        let mut connection = self.connection.clone();
        let replies = tokio::select! {
            biased;
            replies = connection.send_packed_commands(commands, 0, commands.len()) => replies,
            // What is handed over in the moment in which the driver ends stays with it, and nobody says so.
            () = self.ended() => Err(RedisError::from((ErrorKind::Io, "the connection has ended"))),
        };
        std::mem::forget(waits);
        replies
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// A call that waits. Dropped without an answer, it looks at whether anybody gets one.
struct Waits<'a>(&'a Wire);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        if self.0.silence() >= SILENCE {
            self.0.give_up();
        }
    }
}

/// Since when the server has been silent although it was asked.
struct Quiet {
    began: Instant,
    /// Milliseconds from `began`, and 1 more; 0: it was not asked since it was last heard.
    since: AtomicU64,
}

impl Quiet {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            since: AtomicU64::new(0),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }

    fn asks(&self) {
        // Another call may have asked before.
        let _ = self
            .since
            .compare_exchange(0, self.now(), Ordering::Relaxed, Ordering::Relaxed);
    }

    fn hears(&self) {
        self.since.store(0, Ordering::Relaxed);
    }

    fn lasts(&self) -> Duration {
        match self.since.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            since => Duration::from_millis(self.now().saturating_sub(since)),
        }
    }
}

/// A stream that notes when something comes.
struct Heard {
    stream: Box<dyn Stream>,
    quiet: Arc<Quiet>,
}

impl AsyncRead for Heard {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.quiet.hears();
        }
        read
    }
}

impl AsyncWrite for Heard {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire")
            .field("replicas", &self.replicas)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_begins_with_a_question_and_ends_with_what_is_heard() {
        let quiet = Quiet {
            began: Instant::now() - Duration::from_secs(10),
            since: AtomicU64::new(0),
        };
        assert_eq!(quiet.lasts(), Duration::ZERO);
        quiet.since.store(1, Ordering::Relaxed);
        assert!(quiet.lasts() >= Duration::from_secs(10));
        // A later question does not begin it anew.
        quiet.asks();
        assert!(quiet.lasts() >= Duration::from_secs(10));
        quiet.hears();
        assert_eq!(quiet.lasts(), Duration::ZERO);
        quiet.asks();
        assert!(quiet.lasts() < Duration::from_secs(5));
    }
}
