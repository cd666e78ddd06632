//! The settings of `state.sqlite`.

use super::connection_string::{self, ConnectionString};
use crate::state::max_size;
use dapr_blocks::config::{ByteSize, ConfigErrors, FromText, InSeconds, Table};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// The settings of `state.sqlite`, by Dapr's names. The text of each field is its reference.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqliteSettings {
    /// `connectionString`, or `url`: the path of the file, alone or as a `file:` URI. Required. A file that is not there is
    /// created, with its folders, for this user alone.
    pub path: PathBuf,
    /// `timeout`, or `timeoutInSeconds`, a duration of at least a second: the longest that a call waits for the file. Default:
    /// `"20s"`.
    pub timeout: Duration,
    /// `busyTimeout`, a duration: how long a write waits for another process that writes. Default: `"2s"`.
    pub busy_timeout: Duration,
    /// `disableWAL`, a boolean: whether to do without a write-ahead log, which network file systems cannot keep. Default:
    /// `false`.
    pub journal: Journal,
    /// `synchronous`, `"full"` or `"normal"`: what an acknowledged write survives. Not a name of Dapr's. Default: `"full"`.
    pub synchronous: Synchronous,
    /// `tableName`, letters, digits and `_`: the table of the items. Default: `"state"`.
    pub table: Identifier,
    /// `metadataTableName`, letters, digits and `_`: the table of the layout's version. Default: `"metadata"`.
    pub metadata_table: Identifier,
    /// `cleanupInterval`, or `cleanupIntervalInSeconds`, a duration: how often items that have ended are removed; 0 for never.
    /// Default: `"1h"`; daprd's is 0.
    pub cleanup_interval: Option<Duration>,
    /// `maxSize`, a size of at least 64 KiB: what the file may grow to, without the write-ahead log. Not a name of Dapr's.
    /// Default: none.
    pub max_size: Option<ByteSize>,
}

/// How SQLite keeps a transaction that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Journal {
    /// A write-ahead log: readers and the writer do not wait for each other.
    Wal,
    /// A rollback journal: a commit waits until nobody reads.
    Delete,
}

/// What an acknowledged write survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Synchronous {
    /// The end of the process, of the machine, and of its power.
    Full,
    /// The end of the process. The last writes before the machine's end may be lost, and none is torn.
    Normal,
}

impl SqliteSettings {
    const TIMEOUT: Duration = Duration::from_secs(20);
    const MIN_TIMEOUT: Duration = Duration::from_secs(1);
    const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
    const CLEANUP_INTERVAL: Duration = Duration::from_secs(3600);

    /// The defaults, for a file at this path.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            timeout: Self::TIMEOUT,
            busy_timeout: Self::BUSY_TIMEOUT,
            journal: Journal::Wal,
            synchronous: Synchronous::Full,
            table: Identifier("state".to_owned()),
            metadata_table: Identifier("metadata".to_owned()),
            cleanup_interval: Some(Self::CLEANUP_INTERVAL),
            max_size: None,
        }
    }

    /// Reads the store's keys of a table. Touches no file.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub fn read(table: &mut Table) -> Result<Self, ConfigErrors> {
        table.alias("url", "connectionString");
        table.alias("timeoutInSeconds", "timeout");
        table.alias("cleanupIntervalInSeconds", "cleanupInterval");
        let connection: Result<ConnectionString, _> = table.require("connectionString");
        let timeout = table.take_checked("timeout", |timeout: &InSeconds| {
            if timeout.0 < Self::MIN_TIMEOUT {
                Err("it must be at least a second")
            } else {
                Ok(())
            }
        });
        let busy_timeout = table.take("busyTimeout");
        let disable_wal = table.take("disableWAL");
        let synchronous = table.take_choice(
            "synchronous",
            &[("full", Synchronous::Full), ("normal", Synchronous::Normal)],
        );
        let state = table.take("tableName");
        let metadata = table.take("metadataTableName");
        let cleanup_interval = table.take("cleanupInterval");
        let max_size = table.take_checked("maxSize", max_size::check);
        let path = connection.and_then(|connection| connection_string::resolve(table, connection));
        let path = match (path, table.finish()) {
            (Ok(path), Ok(())) => path,
            (Err(errors), Ok(())) | (Ok(_), Err(errors)) => return Err(errors),
            (Err(one), Err(other)) => return Err(one.and(other)),
        };
        let default = Self::at(path);
        let settings = Self {
            timeout: timeout?.map_or(default.timeout, |timeout: InSeconds| timeout.0),
            busy_timeout: busy_timeout?.map_or(default.busy_timeout, |timeout: InSeconds| timeout.0),
            journal: if disable_wal?.unwrap_or(false) {
                Journal::Delete
            } else {
                Journal::Wal
            },
            synchronous: synchronous?.unwrap_or(default.synchronous),
            table: state?.unwrap_or(default.table),
            metadata_table: metadata?.unwrap_or(default.metadata_table),
            cleanup_interval: match cleanup_interval? {
                None => default.cleanup_interval,
                Some(InSeconds(Duration::ZERO)) => None,
                Some(InSeconds(interval)) => Some(interval),
            },
            max_size: max_size?,
            path: default.path,
        };
        settings.check_tables(table)?;
        Ok(settings)
    }

    fn check_tables(&self, table: &Table) -> Result<(), ConfigErrors> {
        let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
        let metadata = self.metadata_table.as_str();
        let (content_type, expiration) = (self.content_type_table(), self.expiration_index());
        if [self.table.as_str(), &content_type, &expiration]
            .iter()
            .any(|taken| same(taken, metadata))
        {
            let error = table.location_of("metadataTableName");
            let error = error.error(format!(
                "the metadata table cannot be `{metadata}`: the items take that name"
            ));
            return Err(error.with_help("give it another name").into());
        }
        Ok(())
    }

    /// The table beside the items that holds their content types.
    pub(super) fn content_type_table(&self) -> String {
        format!("{}_content_type", self.table.as_str())
    }

    /// The index of the items that end.
    pub(super) fn expiration_index(&self) -> String {
        format!("{}_expiration", self.table.as_str())
    }
}

/// Where the store keeps items, and how much.
impl fmt::Display for SqliteSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sqlite {}", self.path.display())?;
        match self.max_size {
            Some(max_size) => write!(f, ", at most {max_size}"),
            None => Ok(()),
        }
    }
}

/// The name of a table: ASCII letters, digits and `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifier(String);

impl Identifier {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is no name of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidIdentifier {
    /// It is empty, or has other characters.
    #[error("a table's name is ASCII letters, digits and `_`")]
    Characters,
    /// It begins with `sqlite_`.
    #[error("SQLite keeps names that begin with `sqlite_` for itself")]
    Reserved,
}

impl FromText for Identifier {
    const WHAT: &'static str = "the name of a table";
    const EXAMPLE: &'static str = "\"state\"";
    type Problem = InvalidIdentifier;

    fn from_text(text: &str) -> Result<Self, InvalidIdentifier> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(InvalidIdentifier::Characters);
        }
        if text.to_ascii_lowercase().starts_with("sqlite_") {
            return Err(InvalidIdentifier::Reserved);
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dapr_blocks::config::{Environment, Source};

    fn read(text: &str) -> Result<SqliteSettings, ConfigErrors> {
        let source = Source::new("components.toml", "/conf", text);
        Table::parse(source, Environment::default())
            .unwrap()
            .read(SqliteSettings::read)
    }

    fn problem(text: &str) -> String {
        format!("{:#}", read(text).unwrap_err())
    }

    #[test]
    fn a_path_is_all_it_needs_and_starts_at_the_files_folder() {
        assert_eq!(
            read("connectionString = 'data/state.db'").unwrap(),
            SqliteSettings::at("/conf/data/state.db")
        );
        assert_eq!(
            read("url = '/var/state.db'").unwrap(),
            SqliteSettings::at("/var/state.db")
        );
    }

    #[test]
    fn all_of_daprs_names_are_known() {
        let settings = read(
            "connectionString = 'file:state.db?_txlock=immediate'\ntimeoutInSeconds = 30\nbusyTimeout = '800ms'\n\
             disableWAL = 'true'\ntableName = 'items'\nmetadataTableName = 'm'\ncleanupIntervalInSeconds = 0\n\
             synchronous = 'normal'\nmaxSize = '1GiB'",
        );
        let expected = SqliteSettings {
            timeout: Duration::from_secs(30),
            busy_timeout: Duration::from_millis(800),
            journal: Journal::Delete,
            synchronous: Synchronous::Normal,
            table: Identifier("items".to_owned()),
            metadata_table: Identifier("m".to_owned()),
            cleanup_interval: None,
            max_size: Some(ByteSize::mib(1024)),
            ..SqliteSettings::at("/conf/state.db")
        };
        assert_eq!(settings.unwrap(), expected);
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        assert_eq!(
            problem("connectionString = 'a'\nbusyTimout = '1s'"),
            "components.toml:2:1: unknown key `busyTimout`\n  |\n2 | busyTimout = '1s'\n  \
             | ^^^^^^^^^^ did you mean `busyTimeout`?"
        );
    }

    #[test]
    fn all_errors_are_reported_at_once() {
        let errors = read("connectionString = ':memory:'\ntimeout = '1ms'\ntableName = 'a b'\nx = 1").unwrap_err();
        assert_eq!(
            errors.to_string(),
            "components.toml:1:20: a SQLite database in memory is not supported\n\
             components.toml:2:11: `timeout` cannot be '1ms': it must be at least a second\n\
             components.toml:3:13: `tableName` cannot be \"a b\": a table's name is ASCII letters, digits and `_`\n\
             components.toml:4:1: unknown key `x`"
        );
    }

    #[test]
    fn the_metadata_table_is_a_table_of_its_own() {
        for names in [
            "tableName = 'metadata'",
            "metadataTableName = 'State'",
            "metadataTableName = 'state_content_type'",
            "metadataTableName = 'state_expiration'",
            "tableName = 't'\nmetadataTableName = 'T_expiration'",
        ] {
            let problem = problem(&format!("connectionString = 'a'\n{names}"));
            assert!(problem.contains("the metadata table cannot be"), "{problem}");
        }
    }

    #[test]
    fn a_size_that_nothing_fits_into_is_refused() {
        let problem = problem("connectionString = 'a'\nmaxSize = 0");
        assert!(problem.contains("it must be at least 64KiB"), "{problem}");
        let smallest = read("connectionString = 'a'\nmaxSize = '64KiB'").unwrap();
        assert_eq!(smallest.max_size, Some(ByteSize::kib(64)));
    }

    #[test]
    fn the_place_is_said_in_a_few_words() {
        assert_eq!(
            read("connectionString = 'state.db'").unwrap().to_string(),
            "sqlite /conf/state.db"
        );
    }
}
