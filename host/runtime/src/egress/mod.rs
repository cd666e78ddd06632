//! Outgoing requests of an app: to the servers that `[app] allow-hosts` names, and to no other.
//!
//! | module | holds |
//! |---|---|
//! | here | whether a request may be made, and what is made of it |
//! | `connect` | a name becomes an address that it may lead to, and that a connection |
//! | `wait` | how long a request waits: for a connection, and then for the first byte |
//! | `body` | an answer's body, which may not stand still |
//!
//! Connections are kept for later requests of the same app, and never shared with another: what a server tells one
//! connection is no business of others. HTTP/2 is spoken where TLS agrees on it.
//!
//! Nothing is done twice here but a request that found its kept connection closed before a byte of it was sent.

mod body;
mod connect;
mod wait;

use crate::network::{Reach, Refusal};
use body::TimedBody;
use connect::{ConnectError, Connector};
use http::uri::{Authority, Scheme};
use http::{Request, Response, Uri};
use http_body_util::BodyExt;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::error::Error;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::Semaphore;
use wait::{Wait, Waited};
use wasmtime_wasi_http::{Error as HttpError, RequestOptions, WasiBody};

/// Requests that an app may have under way; one more is refused as `connection-limit-reached`.
pub const REQUESTS: usize = 256;

/// The longest that a connection may take to be made, the look-up of its name included, where the app asks for no less.
pub const CONNECT: Duration = Duration::from_secs(10);

/// How long a connection without a request is kept, and how many to one server.
pub const KEPT: Duration = Duration::from_secs(30);
const KEPT_TO_ONE: usize = 32;

/// What the apps of the process may share: the certificates to trust, read when they are first needed.
#[derive(Clone, Debug, Default)]
pub struct Trust(Arc<OnceLock<Result<Arc<rustls::ClientConfig>, String>>>);

type Requester = Client<Waited<HttpsConnector<Connector>>, WasiBody>;

/// How many certificates the system trusts.
pub fn trusted() -> usize {
    rustls_native_certs::load_native_certs().certs.len()
}

/// The way out of one app.
pub(crate) struct Egress {
    reach: Reach,
    requests: Arc<Semaphore>,
    trust: Trust,
    /// Made for the first request: most apps make none.
    client: OnceLock<Result<Requester, String>>,
}

impl Egress {
    pub(crate) fn new(reach: &Reach, trust: &Trust) -> Self {
        Self {
            reach: reach.clone(),
            requests: Arc::new(Semaphore::new(REQUESTS)),
            trust: trust.clone(),
            client: OnceLock::new(),
        }
    }

    /// Sends a request and answers the response, whose body is still coming.
    pub(crate) async fn send(
        &self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> Result<Response<WasiBody>, HttpError> {
        self.check(request.uri())?;
        let permit = Arc::clone(&self.requests).try_acquire_owned();
        let permit = permit.map_err(|_| HttpError::ConnectionLimitReached)?;
        let client = self.client.get_or_init(|| self.client()).as_ref().map_err(|error| {
            tracing::warn!(error, "an app cannot make requests");
            HttpError::ConfigurationError
        })?;
        let options = options.unwrap_or_default();
        let connect = options.connect_timeout.unwrap_or(CONNECT).min(CONNECT);
        let sent = Wait::new(connect, options.first_byte_timeout).on(client.request(request));
        let response = sent.await.ok_or(HttpError::ConnectionReadTimeout)?.map_err(told)?;
        let between = options.between_bytes_timeout;
        Ok(response.map(|incoming| TimedBody::new(incoming, between, permit).boxed_unsync()))
    }

    /// Whether an app may ask whom this names.
    fn check(&self, uri: &Uri) -> Result<(), HttpError> {
        let (host, port) = server(uri).ok_or(HttpError::HttpRequestUriInvalid)?;
        let (allowed, refusal) = match host.parse::<IpAddr>() {
            Ok(address) => (
                self.reach.allowed().allow_address(address, port),
                Refusal::connect(address, port),
            ),
            Err(_) => (
                self.reach.allowed().allow_name(host, port),
                Refusal::ConnectByName(host.to_owned(), port),
            ),
        };
        if !allowed {
            self.reach.refusals().note(refusal);
            return Err(HttpError::HttpRequestDenied);
        }
        Ok(())
    }

    fn client(&self) -> Result<Requester, String> {
        let trusting = self.trust.0.get_or_init(|| {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
            let config = config
                .map_err(|error| error.to_string())?
                .with_root_certificates(roots());
            Ok(Arc::new(config.with_no_client_auth()))
        });
        let tls = trusting.clone()?;
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config((*tls).clone())
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(Connector::new(&self.reach));
        let mut client = Client::builder(TokioExecutor::new());
        client
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(KEPT)
            .pool_max_idle_per_host(KEPT_TO_ONE);
        Ok(client.build(Waited(connector)))
    }
}

/// Whom the system trusts. That it is nobody is no reason to refuse requests without TLS.
fn roots() -> rustls::RootCertStore {
    let mut roots = rustls::RootCertStore::empty();
    let (trusted, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if trusted == 0 {
        tracing::warn!(
            "the system trusts nobody: requests over TLS fail; install ca-certificates, or name a file with SSL_CERT_FILE"
        );
    }
    roots
}

/// The host and the port of a URI: brackets are the URI's, not the address's.
fn server(uri: &Uri) -> Option<(&str, u16)> {
    let host = uri.authority().map(Authority::host)?;
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let port = match uri.port_u16() {
        Some(port) => port,
        None if uri.scheme() == Some(&Scheme::HTTP) => 80,
        None => 443,
    };
    Some((host, port))
}

/// What an app hears of a request that failed. The log has the cause.
fn told(error: hyper_util::client::legacy::Error) -> HttpError {
    let heard = heard(&error);
    tracing::debug!(error = dapr_blocks::chain(&error), "a request of an app failed");
    heard
}

fn heard(error: &hyper_util::client::legacy::Error) -> HttpError {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<ConnectError>() {
            return error.heard();
        }
        if error.is::<wait::Late>() {
            return HttpError::ConnectionTimeout;
        }
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return match error {
                rustls::Error::InvalidCertificate(_) => HttpError::TlsCertificateError,
                _ => HttpError::TlsProtocolError,
            };
        }
        // The request's own body, which the app writes.
        if let Some(HttpError::HttpRequestBodySize(size)) = error.downcast_ref::<HttpError>() {
            return HttpError::HttpRequestBodySize(*size);
        }
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            return of_hyper(error);
        }
        cause = match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    HttpError::HttpProtocolError
}

fn of_hyper(error: &hyper::Error) -> HttpError {
    if error.is_timeout() {
        return HttpError::HttpResponseTimeout;
    }
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() || error.is_body_write_aborted() {
        return HttpError::ConnectionTerminated;
    }
    match error.source().and_then(|cause| cause.downcast_ref::<std::io::Error>()) {
        Some(_) => HttpError::ConnectionTerminated,
        None => HttpError::HttpProtocolError,
    }
}
