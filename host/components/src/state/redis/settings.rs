//! The settings of `state.redis`.

use super::address::{Address, HostText};
use super::tls;
use dapr_blocks::config::{ConfigErrors, InMilliseconds, Table};
use dapr_blocks::secrets::Secret;
use dapr_blocks::state::Ttl;
use std::fmt;
use std::time::Duration;

/// The settings of `state.redis`, by Dapr's names. The text of each field is its reference.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedisSettings {
    /// `redisHost`, `HOST` or `HOST:PORT`, and `redisPort`: the server. The first is required. Default of the port: 6379.
    pub address: Address,
    /// `redisUsername`: a user of Redis's access list. Default: Redis's own `default`.
    pub username: Option<String>,
    /// `redisPassword`: the user's password. Default: none.
    pub password: Option<Secret>,
    /// `redisDB`: the number of the database. Default: 0.
    pub database: u32,
    /// `enableTLS`, a boolean: whether to speak TLS. Default: `false`.
    pub tls: Option<Tls>,
    /// `ttlInSeconds`: the TTL of items that are set without one. Default: none.
    pub ttl: Option<Ttl>,
    /// `dialTimeout`, a duration: how long connecting may take, with TLS and password. Default: `"5s"`.
    pub dial_timeout: Duration,
    /// `readTimeout`, a duration or -1: how long a read waits for its answer. Default: `"3s"`; with -1 only the store's
    /// `deadline` ends it.
    pub read_timeout: Option<Duration>,
    /// `writeTimeout`, a duration or -1: how long a write waits for its answer. Default: `readTimeout`.
    pub write_timeout: Option<Duration>,
}

/// How to speak TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tls {
    /// `insecureSkipTLSVerify`, a boolean: whether to talk to whoever answers. Default: `false`.
    pub verify: Verify,
    /// `clientCert` and `clientKey`, texts in PEM: who this host is. Default: nobody.
    pub identity: Option<Identity>,
}

impl Tls {
    /// These settings of TLS.
    pub fn new(verify: Verify, identity: Option<Identity>) -> Self {
        Self { verify, identity }
    }
}

/// What is asked of the server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    /// That somebody signed it whom the system trusts, for this host name.
    Certificate,
    /// Nothing: somebody on the way may read the password, and everything else.
    Nothing,
}

/// A certificate and its private key, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub(super) certificate: String,
    pub(super) key: Secret,
}

impl Identity {
    /// A certificate, those that signed it behind it, and its key.
    pub fn new(certificate: impl Into<String>, key: Secret) -> Self {
        Self {
            certificate: certificate.into(),
            key,
        }
    }
}

/// Dapr's own component has what this store lacks.
const USE_DAPRS: &str = "set `source = \"dapr\"`, which runs Dapr's own component, or take it out";

/// Keys of what this store lacks, whatever they say.
const LACKING: [(&str, &str); 4] = [
    ("sentinelMasterName", "sentinels are"),
    ("sentinelUsername", "sentinels are"),
    ("sentinelPassword", "sentinels are"),
    ("queryIndexes", "querying is"),
];

/// Keys of what this store lacks, where they say so.
const OFF: [(&str, &str); 4] = [
    ("failover", "failover by sentinels is"),
    ("useEntraID", "Entra ID is"),
    ("useAzureAD", "Entra ID is"),
    ("useOIDC", "OIDC is"),
];

impl RedisSettings {
    const DIAL_TIMEOUT: Duration = Duration::from_secs(5);
    const READ_TIMEOUT: Duration = Duration::from_secs(3);

    /// The defaults, for a server at this address.
    pub fn at(address: Address) -> Self {
        Self {
            address,
            username: None,
            password: None,
            database: 0,
            tls: None,
            ttl: None,
            dial_timeout: Self::DIAL_TIMEOUT,
            read_timeout: Some(Self::READ_TIMEOUT),
            write_timeout: Some(Self::READ_TIMEOUT),
        }
    }

    /// Reads the store's keys of a table. Connects to nobody.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub fn read(table: &mut Table) -> Result<Self, ConfigErrors> {
        let host: Result<HostText, _> = table.require("redisHost");
        let port = table.take::<u16>("redisPort");
        let username = table.take::<String>("redisUsername");
        let password = table.take::<Secret>("redisPassword");
        let database = table.take::<u32>("redisDB");
        let kind = table.take_choice("redisType", &[("node", Kind::Node), ("cluster", Kind::Cluster)]);
        let (enabled, tls) = (table.take::<bool>("enableTLS"), TlsKeys::take(table));
        let ttl = table.take::<i64>("ttlInSeconds");
        let dial = table.take("dialTimeout");
        let (read, write) = (table.take("readTimeout"), table.take("writeTimeout"));
        tuning(table);
        for (name, what) in LACKING {
            table.refuse(
                name,
                format!("{what} not supported by the built-in store `redis`"),
                Some(USE_DAPRS),
            );
        }
        let off = OFF.map(|(name, what)| (name, what, table.take::<bool>(name)));
        table.finish()?;

        for (name, what, value) in off {
            if value?.unwrap_or(false) {
                return Err(lacks(table, name, what));
            }
        }
        if kind? == Some(Kind::Cluster) {
            return Err(lacks(table, "redisType", "a cluster is"));
        }
        let read = read?.map_or(Some(Self::READ_TIMEOUT), or(Self::READ_TIMEOUT));
        Ok(Self {
            address: address(table, host?, port?)?,
            username: username?.filter(|name| !name.is_empty()),
            password: password?.filter(|text| !text.expose().is_empty()),
            database: database?.unwrap_or_default(),
            tls: tls?.check(table, enabled?.unwrap_or(false))?,
            ttl: default_ttl(table, ttl?)?,
            dial_timeout: dial?.and_then(or(Self::DIAL_TIMEOUT)).unwrap_or(Self::DIAL_TIMEOUT),
            read_timeout: read,
            write_timeout: write?.map_or(read, |write: InMilliseconds| match write.0 {
                Some(Duration::ZERO) => read,
                other => other,
            }),
        })
    }
}

/// What a timeout says, where 0 is for the default.
fn or(default: Duration) -> impl Fn(InMilliseconds) -> Option<Duration> {
    move |timeout| {
        timeout
            .0
            .map(|timeout| if timeout.is_zero() { default } else { timeout })
    }
}

/// What `redisType` may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Node,
    Cluster,
}

/// Asks for the keys that tune what Dapr's client has and this one has not: a pool of connections, and commands that are
/// sent again. They must be what they are for Dapr, so that a file that daprd takes is taken here.
fn tuning(table: &mut Table) {
    for name in [
        "poolSize",
        "minIdleConns",
        "redisMaxRetries",
        "maxRetries",
        "maxRetryBackoff",
    ] {
        // What is wrong with it, the table reports.
        let _ = table.take::<i64>(name);
    }
    for name in [
        "poolTimeout",
        "idleTimeout",
        "idleCheckFrequency",
        "maxConnAge",
        "redisMinRetryInterval",
        "redisMaxRetryInterval",
    ] {
        let _ = table.take::<InMilliseconds>(name);
    }
}

fn lacks(table: &Table, name: &str, what: &str) -> ConfigErrors {
    let error = table.location_of(name);
    let error = error.error(format!("{what} not supported by the built-in store `redis`"));
    error.with_help(USE_DAPRS).into()
}

fn address(table: &Table, host: HostText, port: Option<u16>) -> Result<Address, ConfigErrors> {
    host.at(port.filter(|port| *port > 0)).ok_or_else(|| {
        let error = table.location_of("redisPort");
        let error = error.error("`redisPort` is not the port that `redisHost` has");
        error.with_help("remove one of them").into()
    })
}

/// As in Dapr, what is not above 0 is none.
fn default_ttl(table: &Table, seconds: Option<i64>) -> Result<Option<Ttl>, ConfigErrors> {
    let Some(seconds) = seconds.filter(|seconds| *seconds > 0) else {
        return Ok(None);
    };
    let ttl = u32::try_from(seconds).ok().and_then(|seconds| Ttl::new(seconds).ok());
    ttl.map(Some).ok_or_else(|| {
        let max = Ttl::MAX_SECONDS;
        let error = table.location_of("ttlInSeconds");
        error.error(format!("`ttlInSeconds` must be at most {max}")).into()
    })
}

/// The keys about TLS besides `enableTLS`.
struct TlsKeys {
    insecure: bool,
    certificate: Option<String>,
    key: Option<Secret>,
}

impl TlsKeys {
    fn take(table: &mut Table) -> Result<Self, ConfigErrors> {
        let insecure = table.take("insecureSkipTLSVerify");
        let certificate = table.take_checked("clientCert", |text: &String| tls::certificates(text).map(drop));
        let key = table.take_checked("clientKey", |text: &Secret| tls::key(text.expose()).map(drop));
        Ok(Self {
            insecure: insecure?.unwrap_or(false),
            certificate: certificate?.filter(|text| !text.is_empty()),
            key: key?.filter(|text| !text.expose().is_empty()),
        })
    }

    fn check(self, table: &Table, enabled: bool) -> Result<Option<Tls>, ConfigErrors> {
        let wrong = |name: &str, message: &str, help: &str| {
            let error = table.location_of(name).error(message);
            Err(error.with_help(help).into())
        };
        let identity = match (self.certificate, self.key) {
            (Some(_), None) => return wrong("clientCert", "`clientCert` has no key", "add `clientKey`"),
            (None, Some(_)) => return wrong("clientKey", "`clientKey` has no certificate", "add `clientCert`"),
            (Some(certificate), Some(key)) => Some(Identity { certificate, key }),
            (None, None) => None,
        };
        if !enabled {
            return match identity {
                Some(_) => wrong(
                    "clientCert",
                    "a `clientCert` is of no use without TLS",
                    "set `enableTLS = true`",
                ),
                None => Ok(None),
            };
        }
        let verify = match self.insecure {
            true => Verify::Nothing,
            false => Verify::Certificate,
        };
        Ok(Some(Tls { verify, identity }))
    }
}

/// Where the store keeps items.
impl fmt::Display for RedisSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "redis {}", self.address)?;
        if self.database > 0 {
            write!(f, ", database {}", self.database)?;
        }
        match &self.tls {
            None => Ok(()),
            Some(Tls {
                verify: Verify::Nothing,
                ..
            }) => f.write_str(", TLS with whoever answers"),
            Some(_) => f.write_str(", TLS"),
        }
    }
}

#[cfg(test)]
mod tests;
