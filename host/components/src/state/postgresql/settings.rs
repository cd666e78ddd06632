//! The settings of `state.postgresql`.

use super::identifier::Identifier;
use super::layout::Layout;
use super::parameters::{self, Above, PoolParameters};
use super::server::Server;
use dapr_blocks::config::{ComponentVersion, ConfigErrors, FromToml, Given, InSeconds, Table, Value};
use dapr_blocks::secrets::Secret;
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

/// The settings of `state.postgresql`, by Dapr's names. The text of each field is its reference.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PostgresqlSettings {
    /// `connectionString`, or `url`: a URL, or libpq's words; see [`Server`]. `host`, `hostaddr`, `port`, `database`, `user`,
    /// `password` and `sslRootCert`, a path, come before what it says. One of `connectionString`, `host` and `hostaddr` is
    /// required.
    pub server: Server,
    /// `timeout`, or `timeoutInSeconds`, a duration of at least a second: the longest that a call waits for a connection and
    /// the answer, and that the server works on it. Default: `"20s"`.
    pub timeout: Duration,
    /// `maxConns`, a number: the most connections. Default: as many as there are processors, at least 4.
    pub max_connections: NonZeroU32,
    /// `connectionMaxIdleTime`, a duration: when a connection is closed that nobody uses. Default: `"30m"`.
    pub max_idle: Duration,
    /// `version`, and in v1 `tableName`, in v2 `tablePrefix`: the tables of the items.
    pub layout: Layout,
    /// `metadataTableName`, a name with or without a schema: the table of the layout's level. Default: `"dapr_metadata"`.
    pub metadata_table: Identifier,
    /// `cleanupInterval`, or `cleanupIntervalInSeconds`, a duration: how often items that have ended are removed; 0 and less
    /// for never. Default: `"1h"`.
    pub cleanup_interval: Option<Duration>,
}

impl PostgresqlSettings {
    const TIMEOUT: Duration = Duration::from_secs(20);
    const MIN_TIMEOUT: Duration = Duration::from_secs(1);
    const MAX_IDLE: Duration = Duration::from_secs(30 * 60);
    const CLEANUP_INTERVAL: Duration = Duration::from_secs(3600);

    /// What daprd's client has at least.
    const MIN_CONNECTIONS: NonZeroU32 = NonZeroU32::new(4).expect("4 is not zero");

    /// Reads the store's keys of a table. Touches no file and no server.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub fn read(version: ComponentVersion, table: &mut Table) -> Result<Self, ConfigErrors> {
        table.alias("url", "connectionString");
        table.alias("timeoutInSeconds", "timeout");
        table.alias("cleanupIntervalInSeconds", "cleanupInterval");
        let connection = table.take::<Given<Secret>>("connectionString");
        let above = Above::read(table);
        let timeout = table.take_checked("timeout", |timeout: &InSeconds| match timeout.0 < Self::MIN_TIMEOUT {
            true => Err("it must be at least a second"),
            false => Ok(()),
        });
        let max_connections = table.take::<u32>("maxConns");
        let max_idle = table.take::<InSeconds>("connectionMaxIdleTime");
        let layout = Layout::read(version, table);
        let metadata_table = table.take("metadataTableName");
        let cleanup_interval = table.take::<Cleanup>("cleanupInterval");
        refuse(table);
        let server = connection.and_then(|connection| server(table, connection, above?));
        let (server, pool) = match (server, table.finish()) {
            (Ok(server), Ok(())) => server,
            (Err(errors), Ok(())) | (Ok(_), Err(errors)) => return Err(errors),
            (Err(one), Err(other)) => return Err(one.and(other)),
        };
        let max_connections = max_connections?.or(pool.max_connections).and_then(NonZeroU32::new);
        let max_idle = max_idle?.map(|idle| idle.0).or(pool.max_idle);
        let settings = Self {
            server,
            timeout: timeout?.map_or(Self::TIMEOUT, |timeout: InSeconds| timeout.0),
            max_connections: max_connections.unwrap_or_else(default_connections),
            max_idle: max_idle.filter(|idle| !idle.is_zero()).unwrap_or(Self::MAX_IDLE),
            layout: layout?,
            metadata_table: metadata_table?.unwrap_or_else(Identifier::metadata),
            cleanup_interval: cleanup_interval?.map_or(Some(Self::CLEANUP_INTERVAL), |cleanup| cleanup.0),
        };
        settings.check_tables(table)?;
        Ok(settings)
    }

    fn check_tables(&self, table: &Table) -> Result<(), ConfigErrors> {
        let metadata = &self.metadata_table;
        let items = self.layout.table();
        let taken = ["", "_content_type", "_key_bytes", "_expiration", "_row_id_uidx"];
        if taken.iter().any(|ending| items.beside(ending).is_same(metadata)) {
            let error = table.location_of("metadataTableName");
            let error = error.error(format!(
                "the metadata table cannot be `{metadata}`: the items take that name"
            ));
            return Err(error.with_help("give it another name").into());
        }
        Ok(())
    }

    /// The table beside the items that holds their content types.
    pub(super) fn content_type_table(&self) -> Identifier {
        self.layout.table().beside("_content_type")
    }
}

/// The server that a connection string names, and the settings above it.
fn server(
    table: &Table,
    connection: Option<Given<Secret>>,
    above: Above,
) -> Result<(Server, PoolParameters), ConfigErrors> {
    let text = connection.as_ref().map(|given| given.value.expose());
    let is_elsewhere = connection.as_ref().is_some_and(|given| given.place().is_some());
    let (server, pool) = parameters::read(text, above).map_err(|problem| {
        let problem = if is_elsewhere { problem.unnamed() } else { problem };
        let error = table.location_of("connectionString").error(problem.to_string());
        let error = error.with_help(problem.help());
        match &connection {
            // A password may be anywhere in it.
            Some(_) => error.without_line(),
            None => error,
        }
    })?;
    if is_elsewhere {
        // Whoever quotes it does not quote the whole string.
        server
            .password
            .iter()
            .cloned()
            .for_each(|password| table.hide(password));
    }
    Ok((server, pool))
}

fn default_connections() -> NonZeroU32 {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let processors = u32::try_from(processors).ok().and_then(NonZeroU32::new);
    processors.map_or(PostgresqlSettings::MIN_CONNECTIONS, |processors| {
        processors.max(PostgresqlSettings::MIN_CONNECTIONS)
    })
}

impl Layout {
    /// Other versions than v1 and v2 are none of this store's, and are not asked for.
    fn read(version: ComponentVersion, table: &mut Table) -> Result<Self, ConfigErrors> {
        if version == ComponentVersion::V2 {
            let prefix = table.take("tablePrefix")?.unwrap_or_default();
            return Ok(Self::V2 { prefix });
        }
        let table = table.take("tableName")?.unwrap_or_default();
        Ok(Self::V1 { table })
    }
}

impl Above {
    fn read(table: &mut Table) -> Result<Self, ConfigErrors> {
        let (host, hostaddr, port) = (table.take("host"), table.take("hostaddr"), table.take("port"));
        let (database, user) = (table.take("database"), table.take("user"));
        let password = table.take("password");
        let root = table.take::<PathBuf>("sslRootCert");
        Ok(Self {
            host: host?,
            hostaddr: hostaddr?,
            port: port?,
            database: database?,
            user: user?,
            password: password?,
            root: root?,
        })
    }
}

/// How often to clean up, in Dapr's way of saying never: zero or less.
struct Cleanup(Option<Duration>);

impl FromToml for Cleanup {
    const WHAT: &'static str = InSeconds::WHAT;

    fn example() -> String {
        InSeconds::example()
    }

    fn from_toml(value: Value<'_>) -> Result<Self, ConfigErrors> {
        let text = i64::from_toml(value).map(|seconds| seconds.to_string());
        let text = text.or_else(|_| String::from_toml(value)).unwrap_or_default();
        if text.starts_with('-') {
            return Ok(Self(None));
        }
        InSeconds::from_toml(value).map(|interval| Self(Some(interval.0).filter(|interval| !interval.is_zero())))
    }
}

/// How daprd's client puts statements to the server. This one prepares each once a connection, whichever of them it is.
const EXEC_MODES: [(&str, ()); 5] = [
    ("cache_statement", ()),
    ("cache_describe", ()),
    ("describe_exec", ()),
    ("exec", ()),
    ("simple_protocol", ()),
];

/// Settings of daprd's that mean nothing here, or something that this store has not.
fn refuse(table: &mut Table) {
    // What is wrong with these, finishing the table reports.
    let _ = table.take_choice("queryExecMode", &EXEC_MODES);
    for (name, what) in [("useAzureAD", "Microsoft Entra ID"), ("useAWSIAM", "AWS IAM")] {
        let _ = table.take_checked(name, |is_asked_for: &bool| match is_asked_for {
            true => Err(format!(
                "signing in with {what} is not built in; with source = \"dapr\" Dapr's own component does it"
            )),
            false => Ok(()),
        });
    }
}

/// Where the store keeps items.
impl fmt::Display for PostgresqlSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgresql {}, table {}", self.server, self.layout.table())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dapr_blocks::config::{Environment, Source};

    fn read_as(version: ComponentVersion, text: &str) -> Result<PostgresqlSettings, ConfigErrors> {
        let source = Source::new("components.toml", "/conf", text);
        Table::parse(source, Environment::default())
            .unwrap()
            .read(|table| PostgresqlSettings::read(version, table))
    }

    fn read(text: &str) -> Result<PostgresqlSettings, ConfigErrors> {
        read_as(ComponentVersion::V2, text)
    }

    fn problem(text: &str) -> String {
        format!("{:#}", read(text).unwrap_err())
    }

    #[test]
    fn a_connection_string_is_all_it_needs() {
        let settings = read("connectionString = 'postgres://ann@db/dapr'").unwrap();
        assert_eq!(settings.to_string(), "postgresql db:5432/dapr, table state");
        assert_eq!(settings.timeout, Duration::from_secs(20));
        assert_eq!(settings.cleanup_interval, Some(Duration::from_secs(3600)));
        assert_eq!(settings.metadata_table.to_string(), "dapr_metadata");
        assert!(settings.max_connections.get() >= 4);
        assert_eq!(
            read("url = 'host=db user=ann dbname=dapr'").unwrap().to_string(),
            settings.to_string()
        );
    }

    #[test]
    fn all_of_daprs_names_are_known() {
        let settings = read(
            "host = 'db'\nhostaddr = '127.0.0.1'\nport = '5433'\ndatabase = 'd'\nuser = 'u'\npassword = 'p'\n\
             sslRootCert = 'ca.pem'\ntimeoutInSeconds = 30\nmaxConns = 9\nconnectionMaxIdleTime = '5m'\n\
             tablePrefix = 'dapr.my_'\nmetadataTableName = 'dapr.meta'\ncleanupIntervalInSeconds = -1\n\
             queryExecMode = 'exec'\nuseAzureAD = false\nuseAWSIAM = 'false'",
        )
        .unwrap();
        assert_eq!(settings.to_string(), "postgresql 127.0.0.1:5433/d, table dapr.my_state");
        assert_eq!(settings.server.tls.root, Some(PathBuf::from("/conf/ca.pem")));
        assert_eq!(settings.max_connections.get(), 9);
        assert_eq!(settings.max_idle, Duration::from_secs(300));
        assert_eq!(settings.cleanup_interval, None);
        let v1 = read_as(
            ComponentVersion::V1,
            "host = 'db'\ntableName = 'a.b'\ncleanupInterval = '0'",
        )
        .unwrap();
        assert_eq!(v1.to_string(), "postgresql db:5432, table a.b");
        assert_eq!(v1.cleanup_interval, None);
    }

    #[test]
    fn each_version_knows_its_own_tables() {
        let v1 = read_as(ComponentVersion::V1, "host = 'db'\ntablePrefix = 'x'").unwrap_err();
        assert!(v1.to_string().contains("unknown key `tablePrefix`"), "{v1}");
        assert!(problem("host = 'db'\ntableName = 'x'").contains("unknown key `tableName`"));
    }

    #[test]
    fn a_password_is_not_shown() {
        for text in [
            "connectionString = 'postgres://ann:hunter2@db/dapr?sslmod=require'",
            "connectionString = 'host=db password=hunter2 sslmod=require'",
            "connectionSring = 'postgres://ann:hunter2@db/dapr'",
            "url = 'postgres://ann:hunter2@db/dapr'\nconnectionString = 'postgres://ann:hunter2@db/dapr'",
            "host = 'postgres://ann:hunter2@db'",
            "host = 'db'\ndatabase = 'postgres://ann:hunter2@db/d'",
        ] {
            assert!(!problem(text).contains("hunter2"), "{}", problem(text));
        }
        assert_eq!(
            problem("connectionString = 'host=db password=hunter2 sslmod=require'"),
            "components.toml:1:20: the parameter `sslmod` of `connectionString` is not supported\n  = did you mean `sslmode`?"
        );
        let settings = read("host = 'db'\npassword = 'hunter2'").unwrap();
        assert!(!format!("{settings} {settings:?}").contains("hunter2"));
    }

    #[test]
    fn what_a_variable_holds_is_not_repeated() {
        let read = |held: &str| {
            let source = Source::new("components.toml", "/conf", "url = { env = 'URL' }");
            let table = Table::parse(source, [("URL", held)].into_iter().collect()).unwrap();
            table.read(|table| PostgresqlSettings::read(ComponentVersion::V2, table))
        };
        for held in ["postgres://db/d?hunter2=1", "host=db hunter2=1", "hunter2"] {
            let shown = format!("{:#}", read(held).unwrap_err());
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        let settings = read("postgres://ann:hunter2@db/d").unwrap();
        assert_eq!(settings.server.password.unwrap().expose(), "hunter2");
    }

    #[test]
    fn what_only_daprs_own_component_can_do_says_so() {
        for name in ["useAzureAD", "useAWSIAM"] {
            let problem = problem(&format!("host = 'db'\n{name} = true"));
            assert!(problem.contains("source = \"dapr\""), "{problem}");
        }
    }

    #[test]
    fn the_metadata_table_is_a_table_of_its_own() {
        for name in ["state", "STATE", "state_content_type"] {
            let problem = problem(&format!("host = 'db'\nmetadataTableName = '{name}'"));
            assert!(problem.contains("the metadata table cannot be"), "{problem}");
        }
    }
}
