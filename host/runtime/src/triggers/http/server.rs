//! Sockets and connections.

use super::code::{Code, Handler};
use super::connections::{Connections, Place};
use super::service::Service;
use super::stream::Stream;
use crate::app::App;
use crate::limits::Limits;
use hyper::rt::Executor;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Waited after an accept that failed, most often because the process has no descriptor left: others close meanwhile.
const ACCEPT_BACK_OFF: Duration = Duration::from_millis(50);

/// How long a connection without a request must have been quiet to be closed without waiting for more. A client of HTTP/2
/// that hears that its connection closes may have sent a request already, and what was answered last is on its way.
const QUIET: Duration = Duration::from_millis(100);

/// An HTTP server that cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// Another process listens there.
    #[error("{address} is already in use")]
    InUse {
        /// As it was asked for.
        address: String,
    },
    /// The address is not this machine's, or not allowed.
    #[error("cannot listen on {address}")]
    Listen {
        /// As it was asked for.
        address: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The app is a program.
    #[error("the app cannot answer HTTP requests")]
    NotAHandler,
}

/// Connections that may come before the host takes them: a burst of as many as it has room for, several times over. Beyond
/// it the system drops them, and their clients try again after a second.
const BACKLOG: u32 = 4096;

/// Opens a port on the first of the host's addresses that has it, as [`TcpListener::bind`] does with a shorter queue.
async fn listen(address: &str) -> io::Result<TcpListener> {
    let mut failed = None;
    for address in tokio::net::lookup_host(address).await? {
        match listen_on(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => failed = Some(error),
        }
    }
    Err(failed.unwrap_or_else(|| io::Error::new(io::ErrorKind::AddrNotAvailable, "the name has no address")))
}

fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A port whose last connections have not timed out yet is free, as std has it.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// An HTTP server for one app, with its port open.
pub struct Server {
    listener: TcpListener,
    service: Arc<Service>,
    connections: Connections,
    tracker: TaskTracker,
    limits: Limits,
}

impl Server {
    /// Opens the port at `address`, `HOST:PORT`, where port 0 picks a free one.
    ///
    /// # Errors
    ///
    /// [`ServerError`].
    pub async fn bind(address: &str, app: App) -> Result<Self, ServerError> {
        let listener = listen(address).await.map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => ServerError::InUse {
                address: address.to_owned(),
            },
            _ => ServerError::Listen {
                address: address.to_owned(),
                source,
            },
        })?;
        let limits = app.shared.limits.clone();
        let tracker = TaskTracker::new();
        let handler = Handler::new(app).ok_or(ServerError::NotAHandler)?;
        Ok(Self {
            listener,
            service: Arc::new(Service::new(handler, tracker.clone())),
            connections: Connections::new(limits.connections),
            tracker,
            limits,
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// If the system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// What it answers with, to be replaced while it serves.
    pub fn code(&self) -> Code {
        Code::new(Arc::clone(&self.service))
    }

    /// Serves until `stop` is cancelled, then lets the requests under way finish, to a deadline.
    ///
    /// Returns whether they all did.
    pub async fn serve(self, stop: CancellationToken) -> bool {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.accept() => {}
        }
        let Self {
            listener,
            connections,
            tracker,
            limits,
            ..
        } = self;
        drop(listener);
        connections.close_all();
        tracker.close();
        tokio::time::timeout(limits.drain, tracker.wait()).await.is_ok()
    }

    /// Accepts connections for good.
    async fn accept(&self) {
        let mut id = 0;
        loop {
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(cause = %error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_BACK_OFF).await;
                    continue;
                }
            };
            id += 1;
            let place = self.connections.place(id).await;
            let connection = Served {
                place,
                service: Arc::clone(&self.service),
                tracker: self.tracker.clone(),
                limits: self.limits.clone(),
            };
            self.tracker.spawn(connection.run(stream));
        }
    }
}

/// A connection and what it needs.
struct Served {
    place: Place,
    service: Arc<Service>,
    tracker: TaskTracker,
    limits: Limits,
}

impl Served {
    /// Serves until the client closes, has nothing to ask for too long, or the connection is told to close and its requests
    /// are answered.
    async fn run(self, socket: TcpStream) {
        // Without it a small answer waits for the client's delayed acknowledgement, 40 ms.
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(cause = %error, "cannot set TCP_NODELAY");
        }
        let Self {
            place, service, limits, ..
        } = &self;
        let connection = &place.connection;
        let local = socket.local_addr().ok();
        let answer = service_fn(|request| {
            let busy = connection.busy();
            let service = Arc::clone(service);
            async move { Ok::<_, Infallible>(service.answer(request, local, busy).await) }
        });
        let stream = Stream::new(socket, Arc::clone(connection), limits.send);
        let builder = self.builder();
        let mut served = pin!(builder.serve_connection(TokioIo::new(stream), answer));
        tokio::select! {
            result = served.as_mut() => return ended(result),
            () = connection.idle_for(limits.header_read) => {}
            () = connection.close.cancelled() => {}
        }
        served.as_mut().graceful_shutdown();
        tokio::select! {
            // First, so that the client is told that the connection closes.
            biased;
            result = served.as_mut() => ended(result),
            () = connection.idle_for(QUIET) => {}
        }
    }

    fn builder(&self) -> auto::Builder<Streams> {
        let mut builder = auto::Builder::new(Streams {
            tracker: self.tracker.clone(),
            limit: self.service.timeout() + self.limits.send,
        });
        let headers = u32::try_from(self.limits.headers).unwrap_or(u32::MAX);
        builder
            .http1()
            // A slow head is the connection's affair: `idle_for` costs no timer for each request, and knows HTTP/2.
            .header_read_timeout(None)
            .max_buf_size(self.limits.headers)
            .http2()
            .timer(TokioTimer::new())
            .max_header_list_size(headers);
        builder
    }
}

fn ended(result: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = result {
        // The client's doing: it went away, or sent what is not HTTP.
        tracing::debug!(cause = %error, "connection ended");
    }
}

/// Runs the requests of an HTTP/2 connection, each to a deadline: a client may refuse to take one answer for ever, with a
/// window that has no room, and go on with others.
#[derive(Clone)]
struct Streams {
    tracker: TaskTracker,
    limit: Duration,
}

impl<F> Executor<F> for Streams
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, stream: F) {
        self.tracker.spawn(tokio::time::timeout(self.limit, stream));
    }
}
