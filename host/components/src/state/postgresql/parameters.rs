//! The parameters of a `connectionString`, and Dapr's own settings above them.
//!
//! | parameter | meaning |
//! |---|---|
//! | `host`, `hostaddr`, `port` | the server; several with commas, tried in turn; a host that begins with `/` is a folder with its socket |
//! | `database`, or `dbname`; `user`, `password` | |
//! | `sslmode`, `sslrootcert`, `sslcert`, `sslkey` | see `tls` |
//! | `connect_timeout` | seconds to connect to one host |
//! | `application_name`, `options`, `search_path`, `TimeZone`, `lock_timeout` | given to the server |
//! | `target_session_attrs` | `any` or `read-write`: whether a host that is read-only will do |
//! | `pool_max_conns`, `pool_max_conn_idle_time` | as `maxConns`, `connectionMaxIdleTime`, which come first |
//! | `pool_…`, `default_query_exec_mode`, `…_cache_capacity`, `sslnegotiation=postgres`, `channel_binding` but for `require` | without meaning here, and known to daprd |

use super::connection_string::{self, Malformed, Parameter};
use super::server::{Host, Server, SslMode, Tls};
use dapr_blocks::config::{nearest, parse_duration};
use dapr_blocks::secrets::Secret;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What is told to the server, in its `options`.
const OF_SERVER: [&str; 3] = ["search_path", "timezone", "lock_timeout"];

/// What daprd's client knows and this one has no use for.
const WITHOUT_MEANING: [&str; 8] = [
    "pool_min_conns",
    "pool_min_idle_conns",
    "pool_max_conn_lifetime",
    "pool_max_conn_lifetime_jitter",
    "pool_health_check_period",
    "default_query_exec_mode",
    "statement_cache_capacity",
    "description_cache_capacity",
];

/// What has a meaning of its own.
const KNOWN: [&str; 20] = [
    "host",
    "hostaddr",
    "port",
    "database",
    "dbname",
    "user",
    "password",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "sslnegotiation",
    "connect_timeout",
    "application_name",
    "fallback_application_name",
    "options",
    "target_session_attrs",
    "pool_max_conns",
    "pool_max_conn_idle_time",
    "channel_binding",
];

/// Bytes of PostgreSQL's own names: what is longer is none.
const MAX_NAME: usize = 63;

/// Dapr's settings that come before the connection string.
#[derive(Clone, Default)]
pub(super) struct Above {
    pub(super) host: Option<String>,
    pub(super) hostaddr: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) database: Option<String>,
    pub(super) user: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) root: Option<PathBuf>,
}

/// What a connection string says of the pool.
#[derive(Clone, Copy, Default)]
pub(super) struct PoolParameters {
    pub(super) max_connections: Option<u32>,
    pub(super) max_idle: Option<Duration>,
}

/// Why a connection string is refused. Of its text only the names of parameters are repeated, and those only where they are no
/// part of a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    #[error("`connectionString` is no URL and no words like `host=localhost`: {0}")]
    Malformed(#[from] Malformed),
    #[error("there is no `connectionString` and no `host`")]
    Missing,
    #[error("the parameter `{name}` of `connectionString` is not supported")]
    Unknown { name: String },
    #[error("a parameter of `connectionString` is not supported, and may be a part of a password")]
    Unnamed,
    #[error("the parameter `{name}` of `connectionString` must be {must}")]
    Value { name: &'static str, must: &'static str },
    #[error("there are not as many of `{name}` as there are hosts")]
    Count { name: &'static str },
}

impl Problem {
    /// The same of a text that stands elsewhere, of which nothing is repeated.
    pub(super) fn unnamed(self) -> Self {
        match self {
            Self::Unknown { .. } => Self::Unnamed,
            other => other,
        }
    }

    pub(super) fn help(&self) -> String {
        match self {
            Self::Malformed(Malformed::At) => format!("in a password, {ESCAPES}"),
            Self::Unnamed => format!("in a password, {ESCAPES}; in words, put it in quotes: password='a b'"),
            Self::Malformed(_) | Self::Missing => {
                "write connectionString = \"postgres://USER@HOST:5432/DATABASE\", and `password` apart".to_owned()
            }
            Self::Unknown { name } => match known_near(name) {
                Some(known) => format!("did you mean `{known}`?"),
                None => "leave it out".to_owned(),
            },
            Self::Value { .. } | Self::Count { .. } => "correct it".to_owned(),
        }
    }
}

/// How a URL has what would end the password.
const ESCAPES: &str = "write `@` as %40, `/` as %2F, `?` as %3F and `&` as %26";

fn known_near(name: &str) -> Option<&'static str> {
    nearest(name, KNOWN.into_iter().chain(OF_SERVER))
}

/// That nobody knows this parameter.
fn unknown(parameter: &Parameter) -> Problem {
    let name = &parameter.name;
    let is_name = name.len() <= MAX_NAME && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    match is_name && (!parameter.is_behind_password || known_near(name).is_some()) {
        true => Problem::Unknown { name: name.clone() },
        false => Problem::Unnamed,
    }
}

/// The server that a connection string names, and the settings above it.
pub(super) fn read(text: Option<&str>, above: Above) -> Result<(Server, PoolParameters), Problem> {
    let mut parameters = connection_string::parse(text.unwrap_or_default())?;
    if text.is_none() && above.host.is_none() && above.hostaddr.is_none() {
        return Err(Problem::Missing);
    }
    let root = above.root.clone();
    put_above(&mut parameters, above);
    let mut read = Reading::default();
    for parameter in parameters {
        read.take(parameter)?;
    }
    let (mut server, pool) = read.finish()?;
    if let Some(root) = root {
        server.tls.root = Some(root);
    }
    Ok((server, pool))
}

fn put_above(parameters: &mut Vec<Parameter>, above: Above) {
    let Above {
        host,
        hostaddr,
        port,
        database,
        user,
        password,
        root: _,
    } = above;
    // Another host has another address. Another address may be the same host's.
    parameters.retain(|parameter| match parameter.name.as_str() {
        "host" => host.is_none(),
        "hostaddr" => host.is_none() && hostaddr.is_none(),
        _ => true,
    });
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            parameters.push(Parameter::new(name, value));
        }
    };
    add("host", host);
    add("hostaddr", hostaddr);
    add("port", port.map(|port| port.to_string()));
    add("database", database);
    add("user", user);
    add("password", password.map(|password| password.expose().to_owned()));
}

/// Parameters that were read so far.
#[derive(Default)]
struct Reading {
    hosts: Vec<String>,
    addresses: Vec<String>,
    ports: Vec<String>,
    server: Option<Server>,
    pool: PoolParameters,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

impl Reading {
    fn server(&mut self) -> &mut Server {
        self.server.get_or_insert_with(|| Server {
            hosts: Vec::new(),
            database: None,
            user: None,
            password: None,
            tls: Tls::default(),
            connect_timeout: None,
            options: Vec::new(),
            raw_options: None,
            application_name: "dapr-wasm".to_owned(),
            must_be_writable: false,
        })
    }

    fn take(&mut self, parameter: Parameter) -> Result<(), Problem> {
        let Parameter { name, value, .. } = parameter.clone();
        let list = |value: String| value.split(',').map(|one| one.trim().to_owned()).collect();
        match name.as_str() {
            "host" => self.hosts = hosts(list(value))?,
            "hostaddr" => self.addresses = list(value),
            "port" => self.ports = list(value),
            // libpq takes a whole connection string for it, and it would be shown with its password.
            "database" | "dbname" if value.contains("://") || value.contains('=') => {
                return Err(must_be("database", "a database's name"));
            }
            "database" | "dbname" => self.server().database = Some(value).filter(|name| !name.is_empty()),
            "user" => self.server().user = Some(value).filter(|name| !name.is_empty()),
            "password" => self.server().password = Some(Secret::new(value)),
            "application_name" | "fallback_application_name" => self.server().application_name = value,
            "options" => self.server().raw_options = Some(value),
            "connect_timeout" => {
                let must = "a number of seconds";
                let seconds: i64 = number("connect_timeout", &value, must)?;
                // libpq: zero and less are none.
                let timeout = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0);
                self.server().connect_timeout = timeout.map(Duration::from_secs);
            }
            "target_session_attrs" => match value.as_str() {
                "any" => self.server().must_be_writable = false,
                "read-write" | "primary" => self.server().must_be_writable = true,
                _ => return Err(must_be("target_session_attrs", "`any` or `read-write`")),
            },
            "sslmode" => {
                self.server().tls.mode = SslMode::of(&value).ok_or_else(|| must_be("sslmode", SslMode::WORDS))?
            }
            "sslrootcert" if value == "system" => self.server().tls.mode = SslMode::VerifyFull,
            "sslrootcert" => self.server().tls.root = Some(absolute("sslrootcert", value)?),
            "sslcert" => self.certificate = Some(absolute("sslcert", value)?),
            "sslkey" => self.key = Some(absolute("sslkey", value)?),
            "sslnegotiation" if value != "postgres" => return Err(must_be("sslnegotiation", "`postgres`")),
            "channel_binding" if value == "require" => {
                return Err(must_be("channel_binding", "`prefer` or `disable`"));
            }
            "sslnegotiation" | "channel_binding" => {}
            "pool_max_conns" => {
                self.pool.max_connections = Some(number("pool_max_conns", &value, "a number")?);
            }
            "pool_max_conn_idle_time" => {
                let idle = parse_duration(&value);
                self.pool.max_idle = Some(idle.map_err(|_| must_be("pool_max_conn_idle_time", "a duration like 30m"))?);
            }
            _ if OF_SERVER.contains(&name.to_ascii_lowercase().as_str()) => {
                self.server().options.push((name, value));
            }
            _ if WITHOUT_MEANING.contains(&name.as_str()) => {}
            _ => return Err(unknown(&parameter)),
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(Server, PoolParameters), Problem> {
        let hosts = self.read_hosts()?;
        let own = match (self.certificate.take(), self.key.take()) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (Some(_), None) => return Err(must_be("sslkey", "there, with `sslcert`")),
            (None, Some(_)) => return Err(must_be("sslcert", "there, with `sslkey`")),
        };
        let server = self.server();
        server.hosts = hosts;
        server.tls.own = own;
        let server = server.clone();
        Ok((server, self.pool))
    }

    fn read_hosts(&self) -> Result<Vec<Host>, Problem> {
        let count = self.hosts.len().max(self.addresses.len()).max(1);
        // The client has an address for each of them or for none.
        let addresses = self.addresses.iter().filter(|text| !text.is_empty()).count();
        if addresses > 0 && addresses != count {
            return Err(Problem::Count { name: "hostaddr" });
        }
        if self.ports.len() > 1 && self.ports.len() != count {
            return Err(Problem::Count { name: "port" });
        }
        let host = |index: usize| {
            let address = self.addresses.get(index).filter(|text| !text.is_empty());
            let address = address.map(|text| text.parse().map_err(|_| must_be("hostaddr", "an address")));
            let address: Option<IpAddr> = address.transpose()?;
            let name = self.hosts.get(index).filter(|name| !name.is_empty()).cloned();
            let port = self
                .ports
                .get(index)
                .or(self.ports.first())
                .filter(|port| !port.is_empty());
            Ok(Host {
                name: name
                    .or_else(|| address.map(|address| address.to_string()))
                    .unwrap_or_else(|| "localhost".to_owned()),
                address,
                port: match port {
                    None => 5432,
                    Some(port) => number("port", port, "1 to 65535")?,
                },
            })
        };
        (0..count).map(host).collect()
    }
}

/// They are shown: a URL with a password would be, too.
fn hosts(names: Vec<String>) -> Result<Vec<String>, Problem> {
    let is_fit = |name: &String| name.starts_with('/') || !name.contains(['@', '/']);
    match names.iter().all(is_fit) {
        true => Ok(names),
        false => Err(must_be("host", "a name, an address or the folder of a socket")),
    }
}

fn must_be(name: &'static str, must: &'static str) -> Problem {
    Problem::Value { name, must }
}

fn number<T: std::str::FromStr>(name: &'static str, value: &str, must: &'static str) -> Result<T, Problem> {
    value.parse().map_err(|_| must_be(name, must))
}

/// Nobody knows where a relative path in a connection string would start.
fn absolute(name: &'static str, value: String) -> Result<PathBuf, Problem> {
    Some(PathBuf::from(value))
        .filter(|path| path.is_absolute())
        .ok_or_else(|| must_be(name, "an absolute path"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(text: &str) -> Server {
        read(Some(text), Above::default()).unwrap().0
    }

    #[test]
    fn the_place_is_said_without_user_and_password() {
        let shown = server("postgres://ann:hunter2@db:5433/dapr");
        assert_eq!(shown.to_string(), "db:5433/dapr");
        assert!(!format!("{shown:?}").contains("hunter2"), "{shown:?}");
        assert!(!format!("{:?}", shown.config()).contains("hunter2"));
        assert_eq!(server("user=ann").to_string(), "localhost:5432/ann");
        assert_eq!(server("hostaddr=::1").to_string(), "[::1]:5432");
        assert_eq!(server("host=a,b port=1,2 dbname=d").to_string(), "a:1,b:2/d");
    }

    #[test]
    fn settings_come_before_the_connection_string() {
        let above = Above {
            host: Some("other".to_owned()),
            port: Some(5433),
            user: Some("bob".to_owned()),
            database: Some("items".to_owned()),
            ..Above::default()
        };
        let (server, _) = read(Some("postgres://ann@db:1/dapr?hostaddr=127.0.0.1"), above).unwrap();
        assert_eq!(server.to_string(), "other:5433/items");
        assert_eq!(server.user.as_deref(), Some("bob"));
    }

    #[test]
    fn a_host_is_all_that_is_needed() {
        let above = Above {
            host: Some("db".to_owned()),
            ..Above::default()
        };
        assert_eq!(read(None, above).unwrap().0.to_string(), "db:5432");
        assert_eq!(read(None, Above::default()).err(), Some(Problem::Missing));
    }

    #[test]
    fn parameters_of_the_server_go_to_the_server() {
        let server = server("host=db search_path=a,b options='-c x=1' TimeZone='a b'");
        assert_eq!(
            server.config().get_options(),
            Some("-c x=1 -c search_path=a,b -c TimeZone=a\\ b")
        );
    }

    #[test]
    fn what_is_wrong_is_said_and_not_repeated() {
        for (text, expected) in [
            (
                "host=db sslmode=sometimes",
                "`sslmode` of `connectionString` must be `disable`",
            ),
            (
                "host=db sslmod=require",
                "`sslmod` of `connectionString` is not supported",
            ),
            (
                "host=db port=hunter2",
                "`port` of `connectionString` must be 1 to 65535",
            ),
            (
                "host=db hostaddr=hunter2",
                "`hostaddr` of `connectionString` must be an address",
            ),
            (
                "host=db sslrootcert=ca.pem",
                "`sslrootcert` of `connectionString` must be an absolute path",
            ),
            ("host=db sslcert=/a.pem", "`sslkey` of `connectionString` must be there"),
            ("host=a,b hostaddr=127.0.0.1", "not as many of `hostaddr`"),
            ("host=a port=1,2", "not as many of `port`"),
            ("hunter2", "no URL and no words"),
            (
                "host=db password=my hunter2=x",
                "is not supported, and may be a part of a password",
            ),
            (
                "host=db password=hunter sslmod=x",
                "`sslmod` of `connectionString` is not supported",
            ),
            (
                "host=db work_mem=x password=hunter2",
                "`work_mem` of `connectionString` is not supported",
            ),
            ("postgres:/u:hunter2?x=1@db", "may be a part of a password"),
            (
                "postgres://u:pa?hunter2@db/d?sslmode=disable",
                "there is an `@` behind its hosts",
            ),
            ("postgres://u:pa?x=hunter2@db/d", "there is an `@` behind its hosts"),
            ("postgres://u:12/hunter2@db/x", "there is an `@` behind its hosts"),
            ("postgres://db/d?password=pa&hunter2=x", "may be a part of a password"),
            ("postgres://u:pa@db/d?x%40hunter2=x", "may be a part of a password"),
            (
                "host=postgres://u:hunter2@db/d",
                "`host` of `connectionString` must be a name",
            ),
            ("host=u:hunter2@db", "`host` of `connectionString` must be a name"),
            (
                "host=db dbname=postgres://u:hunter2@db/d",
                "`database` of `connectionString` must be a database's name",
            ),
        ] {
            let problem = read(Some(text), Above::default()).err().unwrap();
            let shown = format!("{problem} {} {problem:?}", problem.help());
            assert!(shown.contains(expected), "{shown}");
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }

    #[test]
    fn what_daprd_knows_of_its_pool_is_taken() {
        let text = "host=db pool_max_conns=7 pool_max_conn_idle_time=5m pool_min_conns=1 pool_health_check_period=1m";
        let (_, pool) = read(Some(text), Above::default()).unwrap();
        assert_eq!(
            (pool.max_connections, pool.max_idle),
            (Some(7), Some(Duration::from_secs(300)))
        );
    }
}
