//! Where the server is and how it is reached: what the settings come to.

use super::open_error::OpenError;
use super::tls::MakeTls;
use dapr_blocks::secrets::Secret;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio_postgres::config::TargetSessionAttrs;

/// A PostgreSQL server, and how it is reached. `Display` is its address and database, without user and password.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Server {
    /// The hosts, tried in this order.
    pub hosts: Vec<Host>,
    /// The database; the user's name without.
    pub database: Option<String>,
    /// The user; that of this process without.
    pub user: Option<String>,
    /// The password.
    pub password: Option<Secret>,
    /// How it is encrypted.
    pub tls: Tls,
    /// How long connecting to one host may take.
    pub connect_timeout: Option<Duration>,
    /// What the server is told about its session.
    pub options: Vec<(String, String)>,
    /// Options as the user wrote them.
    pub raw_options: Option<String>,
    /// The name that the server shows for the connections.
    pub application_name: String,
    /// Whether a host must take writes.
    pub must_be_writable: bool,
}

/// A host of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its name, which its certificate has to have, an address, or the folder of its socket.
    pub name: String,
    /// Where it is, without a look-up of the name.
    pub address: Option<IpAddr>,
    /// Its port.
    pub port: u16,
}

/// How a connection is encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tls {
    /// `sslmode`.
    pub mode: SslMode,
    /// `sslrootcert`: the certificates that the server's is checked with, in PEM. None: the system's.
    pub root: Option<PathBuf>,
    /// `sslcert` and `sslkey`: this host's own certificate and its key, in PEM.
    pub own: Option<(PathBuf, PathBuf)>,
}

/// libpq's `sslmode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SslMode {
    /// Not encrypted.
    Disable,
    /// Encrypted if the server can, whoever it is.
    #[default]
    Prefer,
    /// Encrypted, whoever it is.
    Require,
    /// Encrypted, with a certificate of a known authority.
    VerifyCa,
    /// Encrypted, with a certificate of a known authority for the host's name.
    VerifyFull,
}

impl SslMode {
    /// libpq's words.
    pub(super) const WORDS: &'static str = "`disable`, `allow`, `prefer`, `require`, `verify-ca` or `verify-full`";

    /// The mode that a word is for.
    pub(super) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "disable" => Self::Disable,
            "allow" | "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }
}

/// What connects to a server.
pub(super) struct Connector {
    pub(super) config: tokio_postgres::Config,
    pub(super) tls: MakeTls,
}

impl Server {
    /// Reads the certificates that are needed to connect.
    pub(super) async fn connector(&self) -> Result<Connector, OpenError> {
        let server = self.clone();
        let tls = tokio::task::spawn_blocking(move || MakeTls::new(&server)).await;
        let tls = tls.map_err(|error| OpenError::Certificates {
            server: self.to_string(),
            source: std::io::Error::other(error),
        })??;
        Ok(Connector {
            config: self.config(),
            tls,
        })
    }

    pub(super) fn config(&self) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        for host in &self.hosts {
            config.host(&host.name).port(host.port);
            if let Some(address) = host.address {
                config.hostaddr(address);
            }
        }
        config
            .application_name(&self.application_name)
            .ssl_mode(match self.tls.mode {
                SslMode::Disable => tokio_postgres::config::SslMode::Disable,
                SslMode::Prefer => tokio_postgres::config::SslMode::Prefer,
                SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => tokio_postgres::config::SslMode::Require,
            })
            // A server that has gone without a word is noticed, also by a connection that nobody uses.
            .keepalives_idle(Duration::from_secs(60))
            .keepalives_interval(Duration::from_secs(10))
            .keepalives_retries(3);
        if self.must_be_writable {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        if let Some(timeout) = self.connect_timeout {
            config.connect_timeout(timeout);
        }
        if let Some(database) = &self.database {
            config.dbname(database);
        }
        if let Some(user) = &self.user {
            config.user(user);
        }
        if let Some(password) = &self.password {
            config.password(password.expose());
        }
        let options = self
            .options
            .iter()
            .map(|(name, value)| format!("-c {name}={}", escaped(value)));
        let options: Vec<_> = self.raw_options.clone().into_iter().chain(options).collect();
        if !options.is_empty() {
            config.options(options.join(" "));
        }
        config
    }
}

/// As the server reads its `options`: words, in which `\` takes the next character as it is.
fn escaped(value: &str) -> String {
    let mut text = String::new();
    for character in value.chars() {
        if character.is_whitespace() || character == '\\' {
            text.push('\\');
        }
        text.push(character);
    }
    text
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, host) in self.hosts.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let name = host
                .address
                .map_or_else(|| host.name.clone(), |address| address.to_string());
            match name.contains(':') {
                true => write!(f, "{comma}[{name}]:{}", host.port)?,
                false => write!(f, "{comma}{name}:{}", host.port)?,
            }
        }
        match self.database.as_ref().or(self.user.as_ref()) {
            Some(database) => write!(f, "/{database}"),
            None => Ok(()),
        }
    }
}
