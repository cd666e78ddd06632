//! TLS with the server, and what is demanded of its certificate.
//!
//! | `sslmode` | encrypted | certificate |
//! |---|---|---|
//! | `disable` | no | |
//! | `prefer`, `allow` | if the server can | not looked at |
//! | `require` | yes | not looked at; with a root certificate as `verify-ca` |
//! | `verify-ca` | yes | of a known authority, for whichever name |
//! | `verify-full` | yes | of a known authority, for the host's name |

use super::open_error::OpenError;
use super::server::{Server, SslMode};
use crate::state::anybody::Anybody;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, InvalidDnsNameError, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::Socket;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;

/// Makes connections encrypted.
#[derive(Clone)]
pub(super) struct MakeTls(Arc<ClientConfig>);

impl MakeTls {
    /// Reads the files that the settings name. Blocks.
    pub(super) fn new(server: &Server) -> Result<Self, OpenError> {
        let provider = Arc::new(ring::default_provider());
        let verifier = verifier(server, &provider)?;
        let unusable = |source| OpenError::Certificates {
            server: server.to_string(),
            source: io::Error::other(source),
        };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let config = match &server.tls.own {
            None => config.with_no_client_auth(),
            Some((certificate, key)) => {
                let certificates = read_certificates(certificate)?;
                let key = PrivateKeyDer::from_pem_file(key).map_err(|error| of_file(key, error))?;
                config.with_client_auth_cert(certificates, key).map_err(unusable)?
            }
        };
        Ok(Self(Arc::new(config)))
    }
}

fn verifier(server: &Server, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, OpenError> {
    let name = match (server.tls.mode, &server.tls.root) {
        (SslMode::VerifyFull, _) => Name::Checked,
        (SslMode::VerifyCa, _) | (SslMode::Require, Some(_)) => Name::Any,
        (SslMode::Require | SslMode::Prefer | SslMode::Disable, _) => {
            return Ok(Arc::new(Anybody::new(Arc::clone(provider))));
        }
    };
    let unusable = |source| OpenError::Certificates {
        server: server.to_string(),
        source,
    };
    let mut roots = RootCertStore::empty();
    match &server.tls.root {
        Some(path) => {
            for certificate in read_certificates(path)? {
                roots
                    .add(certificate)
                    .map_err(|error| unusable(io::Error::other(error)))?;
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
        }
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
    let inner = verifier.map_err(|error| unusable(io::Error::other(error)))?;
    Ok(Arc::new(Verified { inner, name }))
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, OpenError> {
    let all = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match all.map_err(|error| of_file(path, error))? {
        none if none.is_empty() => Err(of_file(path, rustls::pki_types::pem::Error::NoItemsFound)),
        all => Ok(all),
    }
}

fn of_file(path: &Path, error: rustls::pki_types::pem::Error) -> OpenError {
    let source = match error {
        rustls::pki_types::pem::Error::Io(error) => error,
        other => io::Error::other(other),
    };
    OpenError::File {
        path: path.to_owned(),
        source,
    }
}

/// Whether a certificate must be for the host's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Checked,
    Any,
}

/// Takes certificates of known authorities.
#[derive(Debug)]
struct Verified {
    inner: Arc<WebPkiServerVerifier>,
    name: Name,
}

impl ServerCertVerifier for Verified {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self
            .inner
            .verify_server_cert(end_entity, intermediates, name, ocsp_response, now);
        match verified {
            // The name is the last thing that it looks at.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.name == Name::Any => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

// ---- what the client is told ----

/// The handshake with one host.
pub(super) struct Handshake {
    connector: TlsConnector,
    name: ServerName<'static>,
}

/// An encrypted connection.
pub(super) struct Encrypted(tokio_rustls::client::TlsStream<Socket>);

impl MakeTlsConnect<Socket> for MakeTls {
    type Stream = Encrypted;
    type TlsConnect = Handshake;
    type Error = InvalidDnsNameError;

    fn make_tls_connect(&mut self, domain: &str) -> Result<Handshake, InvalidDnsNameError> {
        // A socket in the file system has no name, and never TLS.
        let name = if domain.is_empty() { "localhost" } else { domain };
        Ok(Handshake {
            connector: TlsConnector::from(Arc::clone(&self.0)),
            name: ServerName::try_from(name.to_owned())?,
        })
    }
}

impl TlsConnect<Socket> for Handshake {
    type Stream = Encrypted;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Encrypted>> + Send>>;

    fn connect(self, stream: Socket) -> Self::Future {
        Box::pin(async move { self.connector.connect(self.name, stream).await.map(Encrypted) })
    }
}

impl TlsStream for Encrypted {
    /// None: SCRAM then is as good as without TLS.
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
