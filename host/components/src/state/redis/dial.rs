//! Making a connection: the way to the server, TLS, the password, and whether it is a server that this store can use.

use super::address::Address;
use super::open_error::OpenError;
use super::said::Said;
use super::script::{Names, READ, WRITE};
use super::settings::RedisSettings;
use super::tls;
use super::wire::{Stream, Wire};
use redis::{Pipeline, Value};
use rustls::pki_types::ServerName;
use std::io;
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;

/// The first version whose scripts may look at the clock and then write.
const OLDEST: u32 = 5;

/// Where to connect to, and how.
pub(super) struct Target {
    settings: RedisSettings,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DialError {
    /// The host's name leads nowhere.
    #[error("its name cannot be looked up")]
    Lookup(#[source] io::Error),
    /// Nobody is there.
    #[error("it cannot be reached")]
    Connect(#[source] io::Error),
    /// Whoever is there does not speak TLS, or is not to be trusted.
    #[error("TLS cannot be agreed on")]
    Tls(#[source] io::Error),
    /// Connecting took too long.
    #[error("it does not answer within the `dialTimeout` of {0:?}")]
    Timeout(Duration),
    /// It went away meanwhile, or does not speak Redis's protocol.
    #[error("the connection ended before Redis answered")]
    Ended(#[source] redis::RedisError),
    /// The password or the user is wrong.
    #[error("it refuses the user or the password")]
    Password(#[source] Said),
    /// It asks for a password.
    #[error("it asks for a password")]
    NoPassword(#[source] Said),
    /// The user may not do what the store does.
    #[error("the user may not do what this store needs")]
    Permission(#[source] Said),
    /// It has no such database.
    #[error("it has no database of this number")]
    Database(#[source] Said),
    /// It has been started, and is not ready yet.
    #[error("it is not ready yet")]
    Loading(#[source] Said),
    /// It refused otherwise.
    #[error("it refused")]
    Refused(#[source] Said),
    /// It is no server that stands alone.
    #[error("it is a {0}, and this store needs a server that stands alone")]
    Mode(&'static str),
    /// It is too old.
    #[error("it is version {0}, and this store needs {OLDEST} or later")]
    Version(String),
}

impl DialError {
    /// What to do about it.
    pub(super) fn help(&self) -> Option<&'static str> {
        match self {
            Self::Lookup(_) => Some("check the name in `redisHost`"),
            Self::Connect(_) => Some("start Redis there, or set `redisHost` and `redisPort` to where it is"),
            Self::Timeout(_) => {
                Some("check that Redis is at this address, and that `enableTLS` says whether it speaks TLS there")
            }
            Self::Tls(_) => Some(
                "check that Redis speaks TLS at this port, that its certificate is for this name, and that the system trusts \
                 who signed it, or set SSL_CERT_FILE to a file with their certificate",
            ),
            Self::Ended(_) => Some("check that Redis is at this address, and set `enableTLS = true` if it speaks TLS"),
            Self::Password(_) => Some("check `redisUsername` and `redisPassword`"),
            Self::NoPassword(_) => Some("set `redisPassword`, and `redisUsername` if it is not Redis's `default`"),
            Self::Permission(_) => Some("docs/state.md has the commands that the user needs"),
            Self::Database(_) => Some("set `redisDB` to one that it has"),
            Self::Mode(_) => Some("set `source = \"dapr\"`, which runs Dapr's own component"),
            Self::Loading(_) | Self::Refused(_) | Self::Version(_) => None,
        }
    }
}

impl Target {
    /// Reads certificates. Connects to nobody.
    pub(super) fn new(settings: &RedisSettings) -> Result<Self, OpenError> {
        let tls = settings.tls.as_ref().map(|tls| {
            let name = ServerName::try_from(settings.address.host.clone());
            let name = name.map_err(|_| OpenError::ServerName {
                address: settings.address.clone(),
            })?;
            Ok::<_, OpenError>((tls::connector(tls)?, name))
        });
        Ok(Self {
            settings: settings.clone(),
            tls: tls.transpose()?,
        })
    }

    pub(super) fn address(&self) -> &Address {
        &self.settings.address
    }

    /// Connects, within `dialTimeout`.
    pub(super) async fn dial(&self) -> Result<Wire, DialError> {
        let timeout = self.settings.dial_timeout;
        let dialed = tokio::time::timeout(timeout, async {
            let stream = self.secure(self.reach().await?).await?;
            self.greet(Wire::new(stream).await.map_err(DialError::Ended)?).await
        });
        dialed.await.unwrap_or(Err(DialError::Timeout(timeout)))
    }

    /// Tries the addresses that the name has, in their order.
    async fn reach(&self) -> Result<TcpStream, DialError> {
        let Address { host, port } = &self.settings.address;
        let addresses = lookup_host((host.as_str(), *port)).await.map_err(DialError::Lookup)?;
        let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    // A call is one small packet that waits for nothing.
                    stream.set_nodelay(true).map_err(DialError::Connect)?;
                    return Ok(stream);
                }
                Err(error) => failed = error,
            }
        }
        Err(DialError::Connect(failed))
    }

    async fn secure(&self, stream: TcpStream) -> Result<Box<dyn Stream>, DialError> {
        match &self.tls {
            None => Ok(Box::new(stream)),
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await;
                Ok(Box::new(stream.map_err(DialError::Tls)?))
            }
        }
    }

    /// Logs in, gives the server the scripts, and asks what it is: one round trip.
    async fn greet(&self, mut wire: Wire) -> Result<Wire, DialError> {
        let RedisSettings {
            username,
            password,
            database,
            ..
        } = &self.settings;
        let mut hello = Pipeline::new();
        if username.is_some() || password.is_some() {
            let password = password.as_ref().map_or("", |password| password.expose());
            hello.cmd("AUTH").arg(username).arg(password);
        }
        if *database > 0 {
            hello.cmd("SELECT").arg(*database);
        }
        for script in [READ, WRITE] {
            hello.cmd("SCRIPT").arg("LOAD").arg(script);
        }
        hello.cmd("INFO");
        let mut replies = wire.ask(&hello).await.map_err(DialError::Ended)?;
        let info = replies.pop();
        // In their order: what a server says to all that follows, of one that was not let in, is only that.
        let mut replies = replies.into_iter().map(accepted).collect::<Result<Vec<_>, _>>()?;
        let (write, read) = (replies.pop().unwrap_or_default(), replies.pop().unwrap_or_default());
        let facts = Facts::of(info)?;
        facts.check()?;
        wire.is_greeted(Names { read, write }, facts.replicas);
        Ok(wire)
    }
}

/// The text that the server answered.
fn accepted(reply: Value) -> Result<String, DialError> {
    match reply {
        Value::ServerError(error) => Err(refused(Said::new(&error))),
        Value::BulkString(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        _ => Ok(String::new()),
    }
}

fn refused(said: Said) -> DialError {
    let text = said.text();
    match said.code() {
        "WRONGPASS" => DialError::Password(said),
        "NOAUTH" => DialError::NoPassword(said),
        "NOPERM" => DialError::Permission(said),
        "LOADING" | "MASTERDOWN" | "BUSY" => DialError::Loading(said),
        // Before version 6.
        "ERR" if text.contains("invalid password") => DialError::Password(said),
        "ERR" if text.contains("without any password configured") || text.contains("no password is set") => {
            DialError::Password(said)
        }
        "ERR" if text.contains("DB index") || text.contains("SELECT is not allowed") => DialError::Database(said),
        _ => DialError::Refused(said),
    }
}

/// What the server says it is. All of it is unknown where the user may not ask.
#[derive(Debug, Default, PartialEq, Eq)]
struct Facts {
    version: Option<String>,
    mode: Option<String>,
    replicas: u32,
}

impl Facts {
    fn of(reply: Option<Value>) -> Result<Self, DialError> {
        match reply {
            Some(Value::BulkString(bytes)) => Ok(Self::parse(&String::from_utf8_lossy(&bytes))),
            Some(Value::ServerError(error)) => match refused(Said::new(&error)) {
                DialError::Permission(_) => Ok(Self::default()),
                other => Err(other),
            },
            _ => Ok(Self::default()),
        }
    }

    fn parse(text: &str) -> Self {
        let field = |name: &str| {
            let mut lines = text.lines();
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::to_owned))
        };
        Self {
            version: field("redis_version"),
            mode: field("redis_mode"),
            replicas: field("connected_slaves")
                .and_then(|count| count.parse().ok())
                .unwrap_or(0),
        }
    }

    fn check(&self) -> Result<(), DialError> {
        match self.mode.as_deref() {
            Some("cluster") => return Err(DialError::Mode("node of a cluster")),
            Some("sentinel") => return Err(DialError::Mode("sentinel")),
            _ => {}
        }
        let major = |version: &str| version.split('.').next()?.parse::<u32>().ok();
        match &self.version {
            Some(version) if major(version).is_some_and(|major| major < OLDEST) => {
                Err(DialError::Version(version.clone()))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: &str =
        "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n# Replication\r\nconnected_slaves:2\r\n";

    #[test]
    fn what_a_server_is_stands_in_its_info() {
        let facts = Facts::parse(INFO);
        assert_eq!(facts.version.as_deref(), Some("7.0.15"));
        assert_eq!(facts.replicas, 2);
        assert!(facts.check().is_ok());
        assert!(Facts::default().check().is_ok());
    }

    #[test]
    fn a_server_that_this_store_cannot_use_is_refused() {
        let problem = |from: &str, to: &str| Facts::parse(&INFO.replace(from, to)).check().unwrap_err().to_string();
        assert!(problem("standalone", "cluster").starts_with("it is a node of a cluster"));
        assert!(problem("standalone", "sentinel").starts_with("it is a sentinel"));
        assert_eq!(
            problem("7.0.15", "4.0.9"),
            "it is version 4.0.9, and this store needs 5 or later"
        );
    }
}
