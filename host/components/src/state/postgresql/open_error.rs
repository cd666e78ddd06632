//! Why a database could not be opened, in words for whoever configured it.

use super::fault;
use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why a PostgreSQL store could not be opened. `server` is its address and database, without a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Nobody answers there, or the name is unknown.
    #[error("cannot reach PostgreSQL at {server}")]
    Unreachable {
        /// Where.
        server: String,
        /// What the system said.
        #[source]
        source: Said,
    },
    /// It took too long.
    #[error("PostgreSQL at {server} was not ready within {timeout:?}")]
    TimedOut {
        /// Where.
        server: String,
        /// The setting.
        timeout: Duration,
    },
    /// It does not let this user in.
    #[error("PostgreSQL at {server} refuses the user or the password")]
    Refused {
        /// Where.
        server: String,
        /// What it said.
        #[source]
        source: Said,
    },
    /// There is no such database.
    #[error("PostgreSQL at {server} has no such database")]
    NoDatabase {
        /// Where.
        server: String,
        /// What it said.
        #[source]
        source: Said,
    },
    /// There is no schema that a table is to be in.
    #[error("{server} has no such schema")]
    NoSchema {
        /// Where.
        server: String,
        /// What it said, if that was not found out by a look.
        #[source]
        source: Option<Said>,
    },
    /// The connection cannot be encrypted as it should be.
    #[error("there is no TLS with PostgreSQL at {server}")]
    Tls {
        /// Where.
        server: String,
        /// What went wrong.
        #[source]
        source: Said,
    },
    /// A file with a certificate or a key cannot be read.
    #[error("cannot read `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the file system said, or the parser.
        #[source]
        source: io::Error,
    },
    /// The certificates of the system, or those of a file, cannot be used.
    #[error("no certificates to check PostgreSQL at {server} with")]
    Certificates {
        /// Where.
        server: String,
        /// What is wrong with them.
        #[source]
        source: io::Error,
    },
    /// The user may not create what is missing, or use what is there.
    #[error("the user of {server} may not set up the tables")]
    NotAllowed {
        /// Where.
        server: String,
        /// What it said, if that was not found out by a look.
        #[source]
        source: Option<Said>,
    },
    /// It cannot be written.
    #[error("{server} is read-only")]
    ReadOnly {
        /// Where.
        server: String,
        /// What it said, if that was not found out by a look.
        #[source]
        source: Option<Said>,
    },
    /// The database has texts that are not Unicode.
    #[error("the database at {server} has the encoding {found}, and this host needs UTF8")]
    Encoding {
        /// Where.
        server: String,
        /// What it has.
        found: String,
    },
    /// A later version has changed the layout.
    #[error("{server} has layout {found} in its table `{table}`, and this host knows layouts up to {known}")]
    LaterLayout {
        /// Where.
        server: String,
        /// The metadata table.
        table: String,
        /// What it says.
        found: String,
        /// What this host knows.
        known: u32,
    },
    /// The tables are not the ones that daprd or this host makes.
    #[error("the tables in {server} are not those of this store")]
    OtherTables {
        /// Where.
        server: String,
        /// What it said.
        #[source]
        source: Said,
    },
    /// It failed otherwise.
    #[error("cannot use {server}")]
    Postgres {
        /// Where.
        server: String,
        /// What it said.
        #[source]
        source: Said,
    },
}

/// What the server or the client said, without the statement that it said it about.
#[derive(Debug)]
pub struct Said(fault::Said);

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Said {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

impl OpenError {
    /// What the server at this address said, or the client on its way there.
    pub(super) fn postgres(server: String, error: tokio_postgres::Error) -> Self {
        let code = error.code().map(|code| code.code().to_owned());
        // The client's own kinds are not public, but for their texts.
        let (text, source) = (error.to_string(), Said(fault::Said(error)));
        match code.as_deref() {
            Some("3D000") => Self::NoDatabase { server, source },
            Some("3F000") => Self::NoSchema {
                server,
                source: Some(source),
            },
            Some("42501") => Self::NotAllowed {
                server,
                source: Some(source),
            },
            Some("25006") => Self::ReadOnly {
                server,
                source: Some(source),
            },
            Some("42P01" | "42703" | "42804" | "42883" | "42P10" | "42809") => Self::OtherTables { server, source },
            Some(code) if code.starts_with("28") => Self::Refused { server, source },
            Some(_) => Self::Postgres { server, source },
            None => match text.as_str() {
                "error performing TLS handshake" => Self::Tls { server, source },
                "error connecting to server" | "connection closed" | "error communicating with the server" => {
                    Self::Unreachable { server, source }
                }
                "invalid configuration" | "authentication error" => Self::Refused { server, source },
                _ => Self::Postgres { server, source },
            },
        }
    }

    /// What to do about it, as a phrase for a line of its own.
    pub fn help(&self) -> Option<String> {
        let text = match self {
            Self::Unreachable { .. } => "start the server, or correct `connectionString`, `host` and `port`",
            Self::TimedOut { .. } => "see what keeps the server busy, or set a longer `timeout`",
            Self::Refused { .. } => "correct the user and the password in `connectionString`, `user` and `password`",
            Self::NoDatabase { .. } => "create it with CREATE DATABASE, or correct `connectionString` and `database`",
            Self::NoSchema { .. } => "create it with CREATE SCHEMA, or correct the names of the tables",
            Self::Tls { .. } => "correct `sslmode` in `connectionString`, and `sslRootCert`",
            Self::File { .. } | Self::Certificates { .. } => "name a file in PEM that this user can read",
            Self::NotAllowed { .. } => "let the user create tables in the schema, or have its owner start a host once",
            Self::ReadOnly { .. } => "name the primary server",
            Self::Encoding { .. } => "create the database with ENCODING 'UTF8'",
            Self::LaterLayout { .. } => "use a newer version of this host; the database was left as it is",
            Self::OtherTables { .. } => "set `version` to that of the tables, or other names of tables",
            Self::Postgres { .. } => return None,
        };
        Some(text.to_owned())
    }
}
