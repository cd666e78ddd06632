//! Connections: the name that was allowed becomes addresses, of which those that [no name may lead to](may_have) are left
//! out, and the first that answers is the server.

use crate::providers::may_have;
use http::Uri;
use hyper_util::rt::TokioIo;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tower_service::Service;
use wasmtime_wasi_http::Error as HttpError;

/// Names that an app may have looked up at once. Each keeps a thread, also where nobody waits any more.
const LOOKUPS: usize = 16;

/// Makes connections without TLS, which comes on top.
#[derive(Clone)]
pub(super) struct Connector {
    lookups: Arc<Semaphore>,
}

impl Connector {
    pub(super) fn new() -> Self {
        Self {
            lookups: Arc::new(Semaphore::new(LOOKUPS)),
        }
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("the URI names no server")]
    NoServer,
    #[error("the name has no address")]
    NoAddress(#[source] io::Error),
    #[error("the name leads to addresses that no name may lead to")]
    Prohibited,
    #[error("no address of it can be connected to")]
    Refused(#[source] io::Error),
}

impl ConnectError {
    /// What an app hears of it.
    pub(super) fn heard(&self) -> HttpError {
        match self {
            Self::NoServer => HttpError::HttpRequestUriInvalid,
            Self::NoAddress(_) => HttpError::DnsError {
                rcode: None,
                info_code: None,
            },
            Self::Prohibited => HttpError::DestinationIpProhibited,
            Self::Refused(error) => match error.kind() {
                io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                    HttpError::DestinationIpUnroutable
                }
                io::ErrorKind::TimedOut => HttpError::ConnectionTimeout,
                _ => HttpError::ConnectionRefused,
            },
        }
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let lookups = Arc::clone(&self.lookups);
        Box::pin(async move { connect(&uri, lookups).await.map(TokioIo::new) })
    }
}

async fn connect(uri: &Uri, lookups: Arc<Semaphore>) -> Result<TcpStream, ConnectError> {
    let (host, port) = super::server(uri).ok_or(ConnectError::NoServer)?;
    let addresses = match host.parse::<IpAddr>() {
        // It is on the list itself.
        Ok(address) => vec![address],
        Err(_) => look_up(host, lookups).await?,
    };
    let mut refused = None;
    for address in addresses {
        match TcpStream::connect(SocketAddr::new(address, port)).await {
            Ok(stream) => {
                // A request in two pieces would wait for an acknowledgement of the first.
                stream.set_nodelay(true).map_err(ConnectError::Refused)?;
                return Ok(stream);
            }
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.map_or(ConnectError::Prohibited, ConnectError::Refused))
}

/// The addresses of a name, of those that it may have. None: it has others.
async fn look_up(name: &str, lookups: Arc<Semaphore>) -> Result<Vec<IpAddr>, ConnectError> {
    let turn = lookups.acquire_owned().await;
    let turn = turn.map_err(|closed| ConnectError::NoAddress(io::Error::other(closed)))?;
    let asked = name.to_owned();
    let found = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        (asked.as_str(), 0).to_socket_addrs()
    });
    let found = found.await;
    let found = found.map_err(io::Error::other).and_then(|found| found);
    let found = found.map_err(ConnectError::NoAddress)?;
    let addresses = found.map(|address| address.ip().to_canonical());
    Ok(addresses.filter(|address| may_have(name, *address)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn connected(uri: &str) -> Result<SocketAddr, ConnectError> {
        let stream = Connector::new().call(uri.parse().unwrap()).await?;
        Ok(stream.inner().peer_addr().unwrap())
    }

    #[tokio::test]
    async fn a_name_becomes_an_address() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let port = address.port();
        for host in ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]"] {
            let reached = connected(&format!("http://{host}:{port}/")).await.unwrap();
            assert_eq!(reached.port(), port, "{host}");
        }
    }

    #[tokio::test]
    async fn nobody_there_and_no_such_name_are_told_apart() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let refused = connected(&format!("http://127.0.0.1:{port}/")).await.unwrap_err();
        assert!(matches!(refused.heard(), HttpError::ConnectionRefused), "{refused:?}");
        let unknown = connected("http://a.invalid/").await.unwrap_err();
        assert!(matches!(unknown.heard(), HttpError::DnsError { .. }), "{unknown:?}");
    }
}
