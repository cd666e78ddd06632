//! Outgoing requests over TLS, to hyper with a certificate that a CA of this test signed.

use super::asking::{ask, failed};
use dapr_wasm_tests::{Host, Launch};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use std::convert::Infallible;
use std::sync::Arc;
use std::thread;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A server that answers which version of HTTP it was asked in.
pub(super) struct Server {
    pub(super) port: u16,
    /// The certificate of who signed its own, in PEM.
    pub(super) ca: String,
}

impl Server {
    /// One that speaks these protocols, by their names in TLS, and is called `name` in its certificate.
    pub(super) fn start(protocols: &[&str], name: &str) -> Self {
        let mut ca = CertificateParams::default();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let (ca_key, key) = (
            KeyPair::generate().expect("ring makes keys"),
            KeyPair::generate().expect("ring makes keys"),
        );
        let ca_certificate = ca.self_signed(&ca_key).expect("a CA signs itself");
        let own = CertificateParams::new([name.to_owned()]).expect("it is a name");
        let own = own
            .signed_by(&key, &Issuer::new(ca, ca_key))
            .expect("a CA signs others");

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key is one");
        let config = config.expect("ring has TLS 1.3").with_no_client_auth();
        let mut config = config
            .with_single_cert(vec![own.der().clone()], key)
            .expect("the key is that of the certificate");
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();

        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        listener.set_nonblocking(true).expect("a socket need not block");
        let port = listener.local_addr().expect("it listens").port();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("there is a thread");
            runtime.block_on(serve(listener, TlsAcceptor::from(Arc::new(config))))
        });
        Self {
            port,
            ca: ca_certificate.pem(),
        }
    }

    /// A host that trusts who signed its certificate, and whose app may ask it.
    fn asked_by(&self) -> Host {
        let launch = Launch::guest("asks");
        let file = launch.folder().join("ca.pem");
        std::fs::write(&file, &self.ca).expect("the folder is writable");
        launch
            .env("SSL_CERT_FILE", &file.display().to_string())
            .components(&format!(
                "[app]\nallow-hosts = [\"localhost:{0}\", \"127.0.0.1:{0}\"]",
                self.port
            ))
            .start()
    }

    fn url(&self) -> String {
        format!("https://localhost:{}/", self.port)
    }
}

async fn serve(listener: std::net::TcpListener, acceptor: TlsAcceptor) {
    let listener = TcpListener::from_std(listener).expect("it listens");
    loop {
        let (stream, _) = listener.accept().await.expect("it listens");
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // A client that does not trust it leaves.
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let answer = service_fn(|request: Request<Incoming>| async move {
                let version = format!("{:?}", request.version());
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(version))))
            });
            let server = auto::Builder::new(TokioExecutor::new());
            let _ = server.serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

#[test]
fn http_2_is_spoken_where_the_server_offers_it() {
    for (protocols, version) in [
        (&["h2", "http/1.1"][..], "HTTP/2.0"),
        (&["http/1.1"], "HTTP/1.1"),
        (&[], "HTTP/1.1"),
    ] {
        let server = Server::start(protocols, "localhost");
        let host = server.asked_by();
        for _ in 0..3 {
            assert_eq!(ask(&host, &server.url()).text(), version);
        }
    }
}

#[test]
fn a_server_that_nobody_vouches_for_is_not_asked() {
    let (server, other) = (Server::start(&["h2"], "localhost"), Server::start(&["h2"], "localhost"));
    let trusting_another = Server {
        port: server.port,
        ca: other.ca,
    };
    failed(&ask(&trusting_another.asked_by(), &server.url()), "TlsCertificateError");
}

#[test]
fn a_certificate_is_good_for_the_name_that_is_asked_for() {
    let server = Server::start(&["h2"], "elsewhere.example");
    let host = server.asked_by();
    failed(&ask(&host, &server.url()), "TlsCertificateError");
    failed(
        &ask(&host, &format!("https://127.0.0.1:{}/", server.port)),
        "TlsCertificateError",
    );
}
