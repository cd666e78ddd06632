//! TLS: whom to trust, and who this host is.
//!
//! Trusted is who the system trusts, as with daprd: the system's own certificates, or what `SSL_CERT_FILE` and `SSL_CERT_DIR`
//! name instead.

use super::open_error::OpenError;
use super::settings::{Identity, Tls, Verify};
use crate::state::anybody::Anybody;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use tokio_rustls::TlsConnector;

/// The certificates in a text.
pub(super) fn certificates(text: &str) -> Result<Vec<CertificateDer<'static>>, &'static str> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match found {
        Ok(found) if !found.is_empty() || text.is_empty() => Ok(found),
        _ => Err("it is no certificate in PEM"),
    }
}

/// The private key in a text; none in an empty one.
pub(super) fn key(text: &str) -> Result<Option<PrivateKeyDer<'static>>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    let key = PrivateKeyDer::from_pem_slice(text.as_bytes());
    key.map(Some).map_err(|_| "it is no private key in PEM")
}

/// What makes a connection one of TLS.
pub(super) fn connector(tls: &Tls) -> Result<TlsConnector, OpenError> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(OpenError::Tls)?;
    let config = match tls.verify {
        Verify::Certificate => config.with_root_certificates(trusted()?),
        Verify::Nothing => config
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody::new(provider))),
    };
    let config = match &tls.identity {
        None => config.with_no_client_auth(),
        Some(Identity {
            certificate,
            key: secret,
        }) => {
            let certificates = certificates(certificate).unwrap_or_default();
            // It was read before, when the settings were.
            let key = key(secret.expose()).ok().flatten().ok_or(OpenError::NoKey)?;
            config
                .with_client_auth_cert(certificates, key)
                .map_err(OpenError::Identity)?
        }
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Whom the system trusts.
fn trusted() -> Result<RootCertStore, OpenError> {
    let mut trusted = RootCertStore::empty();
    let loaded = rustls_native_certs::load_native_certs();
    trusted.add_parsable_certificates(loaded.certs);
    if trusted.is_empty() {
        return Err(OpenError::NobodyTrusted {
            source: loaded.errors.into_iter().next(),
        });
    }
    Ok(trusted)
}
