//! Sockets and connections.

use super::connections::{Connection, Connections, Place};
use super::service::Service;
use super::workers::Workers;
use crate::app::App;
use crate::limits::Limits;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Waited after an accept that failed, most often because the process has no descriptor left: others close meanwhile.
const ACCEPT_BACK_OFF: Duration = Duration::from_millis(50);

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
    /// The app does not export the handler that it is entered by.
    #[error("the app cannot answer HTTP requests")]
    NotAHandler(#[source] Box<dyn std::error::Error + Send + Sync>),
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
        let listener = TcpListener::bind(address).await.map_err(|source| match source.kind() {
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
        let workers = Workers::new(app).map_err(|error| ServerError::NotAHandler(error.into()))?;
        Ok(Self {
            listener,
            service: Arc::new(Service::new(workers, tracker.clone())),
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
            let connection = serve_connection(stream, place, Arc::clone(&self.service), self.limits.clone());
            self.tracker.spawn(connection);
        }
    }
}

async fn serve_connection(stream: TcpStream, place: Place, service: Arc<Service>, limits: Limits) {
    // Without it a small answer waits for the client's delayed acknowledgement, 40 ms.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(cause = %error, "cannot set TCP_NODELAY");
    }
    let connection = Arc::clone(&place.connection);
    let answer = service_fn(|request| {
        let busy = connection.busy();
        let service = Arc::clone(&service);
        async move {
            let response = service.answer(request).await;
            drop(busy);
            Ok::<_, Infallible>(response)
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    let headers = u32::try_from(limits.headers).unwrap_or(u32::MAX);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read)
        .max_buf_size(limits.headers)
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(headers);
    let served = builder.serve_connection(TokioIo::new(stream), answer);
    let mut served = pin!(served);
    let result = tokio::select! {
        result = served.as_mut() => result,
        () = silent(&connection, limits.header_read) => return,
        () = connection.close.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = result {
        // The client's doing: it went away, or sent what is not HTTP.
        tracing::debug!(cause = %error, "connection ended");
    }
}

/// Ready when no request has come on a connection in time: until hyper knows which HTTP the client speaks, it waits for good.
async fn silent(connection: &Connection, patience: Duration) {
    if tokio::time::timeout(patience, connection.first_request.notified())
        .await
        .is_ok()
    {
        std::future::pending::<()>().await;
    }
}
