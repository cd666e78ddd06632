//! Why a store could not be opened, in words for whoever configured it.

use super::address::Address;
use super::dial::DialError;

/// Why a Redis store could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The server was asked, and this came of it.
    #[error("cannot use Redis at `{address}`")]
    Dial {
        /// The server.
        address: Address,
        /// What went wrong.
        #[source]
        source: DialError,
    },
    /// `redisHost` is nothing that a certificate can be for.
    #[error("`{address}` has no name that a certificate can be for")]
    ServerName {
        /// The server.
        address: Address,
    },
    /// The system has no certificates, and so trusts nobody.
    #[error("this system trusts no certificates, so that TLS cannot be used")]
    NobodyTrusted {
        /// What stood in the way of reading them, if anything did.
        #[source]
        source: Option<rustls_native_certs::Error>,
    },
    /// `clientCert` and `clientKey` do not belong together, or cannot be used.
    #[error("`clientCert` and `clientKey` cannot be used")]
    Identity(#[source] rustls::Error),
    /// `clientKey` has no key.
    #[error("`clientKey` has no private key")]
    NoKey,
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}

impl OpenError {
    /// What to do about it, as a phrase for a line of its own.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Dial { source, .. } => source.help().map(str::to_owned),
            Self::ServerName { .. } => Some("set `redisHost` to a host name or an IP address".to_owned()),
            Self::NobodyTrusted { .. } => {
                Some("install the package `ca-certificates`, or set SSL_CERT_FILE to a file of certificates".to_owned())
            }
            Self::Identity(_) | Self::NoKey => {
                Some("`clientCert` is the certificate and `clientKey` its private key, both as text in PEM".to_owned())
            }
            Self::Tls(_) => None,
        }
    }
}
