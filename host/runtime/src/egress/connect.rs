//! Connections: the name that was allowed becomes addresses, of which those that it [may not lead to](Reach::leads) are left
//! out, and the first that answers is the server. One that says nothing keeps nobody from the next.

use crate::network::Reach;
use http::Uri;
use hyper_util::rt::TokioIo;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tower_service::Service;
use wasmtime_wasi_http::Error as HttpError;

/// Makes connections without TLS, which comes on top.
#[derive(Clone)]
pub(super) struct Connector {
    reach: Reach,
}

impl Connector {
    pub(super) fn new(reach: &Reach) -> Self {
        Self { reach: reach.clone() }
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
        let reach = self.reach.clone();
        Box::pin(async move { connect(&uri, &reach).await.map(TokioIo::new) })
    }
}

async fn connect(uri: &Uri, reach: &Reach) -> Result<TcpStream, ConnectError> {
    let (host, port) = super::server(uri).ok_or(ConnectError::NoServer)?;
    let addresses = match host.parse::<IpAddr>() {
        // It is on the list itself.
        Ok(address) => vec![SocketAddr::new(address, port)],
        Err(_) => {
            let found = reach.look_up(host).await.map_err(ConnectError::NoAddress)?;
            let found = found.into_iter().map(|address| SocketAddr::new(address, port));
            allowed(host, found, reach)?
        }
    };
    let stream = first(addresses).await.map_err(ConnectError::Refused)?;
    // A request in two pieces would wait for an acknowledgement of the first.
    stream.set_nodelay(true).map_err(ConnectError::Refused)?;
    Ok(stream)
}

/// How long an address has before the next one is tried beside it: RFC 8305's.
const HEAD_START: Duration = Duration::from_millis(250);

/// A connection to whichever address answers first, in their order.
async fn first(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut refused = io::ErrorKind::AddrNotAvailable.into();
    let mut addresses = addresses.into_iter();
    // What is left of it when there is a connection ends with it.
    let mut attempts = JoinSet::new();
    loop {
        if let Some(address) = addresses.next() {
            attempts.spawn(TcpStream::connect(address));
        }
        let done = if addresses.len() == 0 {
            attempts.join_next().await
        } else {
            match timeout(HEAD_START, attempts.join_next()).await {
                Ok(done) => done,
                Err(_) => continue,
            }
        };
        match done {
            Some(Ok(Ok(stream))) => return Ok(stream),
            Some(Ok(Err(error))) => refused = error,
            Some(Err(error)) => refused = io::Error::other(error),
            None => return Err(refused),
        }
    }
}

/// The addresses that a name may lead to, of those that it has. That it has others alone is told.
fn allowed(
    name: &str,
    found: impl IntoIterator<Item = SocketAddr>,
    reach: &Reach,
) -> Result<Vec<SocketAddr>, ConnectError> {
    let (mut addresses, mut refused) = (Vec::new(), None);
    for address in found {
        match reach.leads(name, address) {
            Ok(()) => addresses.push(address),
            Err(why) => _ = refused.get_or_insert(why),
        }
    }
    match refused {
        Some(why) if addresses.is_empty() => {
            reach.refusals().note(why);
            Err(ConnectError::Prohibited)
        }
        _ => Ok(addresses),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::SocketBudget;
    use crate::network::AllowedIn;
    use dapr_blocks::config::{AllowedHost, AllowedHosts};
    use std::sync::Arc;
    use tokio::net::{TcpListener, TcpSocket};

    fn reach(hosts: &[&str]) -> Reach {
        let allowed = hosts.iter().map(|host| host.parse::<AllowedHost>().unwrap());
        let allowed: AllowedHosts = allowed.collect();
        Reach::new(
            &"orders".into(),
            Arc::new(allowed),
            AllowedIn::App,
            &SocketBudget::new(0),
        )
    }

    async fn connected(uri: &str, reach: &Reach) -> Result<SocketAddr, ConnectError> {
        let stream = Connector::new(reach).call(uri.parse().unwrap()).await?;
        Ok(stream.inner().peer_addr().unwrap())
    }

    #[tokio::test]
    async fn a_name_becomes_an_address() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let reach = reach(&[&format!("localhost:{port}")]);
        for host in ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]"] {
            let reached = connected(&format!("http://{host}:{port}/"), &reach).await.unwrap();
            assert_eq!(reached.port(), port, "{host}");
        }
    }

    #[tokio::test]
    async fn nobody_there_and_no_such_name_are_told_apart() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let reach = reach(&["a.invalid:80"]);
        let refused = connected(&format!("http://127.0.0.1:{port}/"), &reach).await;
        let refused = refused.unwrap_err();
        assert!(matches!(refused.heard(), HttpError::ConnectionRefused), "{refused:?}");
        let unknown = connected("http://a.invalid/", &reach).await.unwrap_err();
        assert!(matches!(unknown.heard(), HttpError::DnsError { .. }), "{unknown:?}");
    }

    #[tokio::test]
    async fn an_address_that_says_nothing_keeps_nobody_from_the_next() {
        let full = TcpSocket::new_v4().unwrap();
        full.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let full = full.listen(0).unwrap();
        let silent = full.local_addr().unwrap();
        // Nobody accepts them, and one that finds no place among them hears nothing.
        let mut waiting = Vec::new();
        while let Ok(stream) = timeout(HEAD_START, TcpStream::connect(silent)).await {
            waiting.push(stream.unwrap());
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let there = listener.local_addr().unwrap();
        let refuses = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        for addresses in [
            vec![silent, there],
            vec![silent, refuses, there],
            vec![refuses, silent, there],
        ] {
            // The system gives up after two minutes.
            let reached = timeout(Duration::from_secs(30), first(addresses)).await.unwrap();
            assert_eq!(reached.unwrap().peer_addr().unwrap(), there);
        }
        assert_eq!(
            first(vec![refuses]).await.unwrap_err().kind(),
            io::ErrorKind::ConnectionRefused
        );
        assert_eq!(first(vec![]).await.unwrap_err().kind(), io::ErrorKind::AddrNotAvailable);
    }

    #[test]
    fn what_a_name_may_not_lead_to_is_left_out_and_told_if_nothing_else_is_there() {
        let reach = reach(&["api.example.com:443"]);
        let addresses = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| text.parse().unwrap())
                .collect::<Vec<SocketAddr>>()
        };
        let found = |texts: &[&str]| allowed("api.example.com", addresses(texts), &reach);
        let public = "93.184.216.34:443";
        let left = found(&["127.0.0.1:443", "10.0.0.7:443", public]).unwrap();
        assert_eq!(left, addresses(&[public]));
        assert!(reach.refusals().sentences().is_empty());
        for (address, line) in [
            (
                "127.0.0.1:443",
                "127.0.0.1:443; allow it with allow-hosts = [\"api.example.com:443\", \"127.0.0.1:443\"] in [app]",
            ),
            (
                "10.0.0.7:443",
                "the private address 10.0.0.7; allow it with allow-private = true in [app]",
            ),
        ] {
            let refused = found(&[address]).unwrap_err();
            assert!(
                matches!(refused.heard(), HttpError::DestinationIpProhibited),
                "{refused:?}"
            );
            let told = reach.refusals().sentences();
            assert!(told.iter().any(|told| told.ends_with(line)), "{told:?}");
        }
    }
}
