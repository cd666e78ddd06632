//! Why a file could not be opened, in words for whoever configured it.

use rusqlite::ErrorCode;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a SQLite store could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The folder is not there and cannot be made.
    #[error("cannot create the folder `{}`", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the file system said.
        #[source]
        source: io::Error,
    },
    /// The file is not there and cannot be made, or cannot be looked at.
    #[error("cannot open `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the file system said.
        #[source]
        source: io::Error,
    },
    /// There is a folder or a device at the path.
    #[error("`{}` is not a file", path.display())]
    NotAFile {
        /// What is there.
        path: PathBuf,
    },
    /// The file or its folder cannot be written.
    #[error("`{}` cannot be written", path.display())]
    NotWritable {
        /// The file.
        path: PathBuf,
        /// What SQLite said; none if it opened the file for reading alone.
        #[source]
        source: Option<Said>,
    },
    /// The file is something else, or encrypted.
    #[error("`{}` is not a SQLite database", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file is damaged.
    #[error("`{}` is damaged", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: Said,
    },
    /// Another process does not let go of the file.
    #[error("another process holds `{}`", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The disk has no space left for it.
    #[error("there is no space for `{}`", path.display())]
    Full {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: Said,
    },
    /// The file's system cannot keep a write-ahead log.
    #[error("`{}` cannot have a write-ahead log", path.display())]
    NoWal {
        /// The file.
        path: PathBuf,
    },
    /// A later version has changed the layout.
    #[error("`{}` has layout {found} in its table `{table}`, and this host knows layouts up to {known}", path.display())]
    LaterLayout {
        /// The file.
        path: PathBuf,
        /// The metadata table.
        table: String,
        /// What it says.
        found: String,
        /// What this host knows.
        known: u32,
    },
    /// The tables are not the ones that daprd or this host makes.
    #[error("the tables in `{}` are not those of a state store", path.display())]
    OtherTables {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: Said,
    },
    /// SQLite failed otherwise.
    #[error("cannot use `{}`", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: Said,
    },
    /// The system has no threads left.
    #[error("cannot start a thread for `{}`", path.display())]
    Thread {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// What SQLite said, without the statement that it said it about.
#[derive(Debug)]
pub struct Said(pub(super) rusqlite::Error);

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            rusqlite::Error::SqliteFailure(_, Some(text)) => f.write_str(text),
            rusqlite::Error::SqlInputError { msg, .. } => f.write_str(msg),
            other => other.fmt(f),
        }
    }
}

impl std::error::Error for Said {}

impl OpenError {
    /// What SQLite said about the file at this path.
    pub(super) fn sqlite(path: &Path, error: rusqlite::Error) -> Self {
        let path = path.to_owned();
        let code = error.sqlite_error_code();
        let source = Said(error);
        match code {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt { path, source },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => Self::NotWritable {
                path,
                source: Some(source),
            },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
                Self::Locked { path }
            }
            Some(ErrorCode::DiskFull) => Self::Full { path, source },
            _ => Self::Sqlite { path, source },
        }
    }

    /// What to do about it, as a phrase for a line of its own.
    pub fn help(&self) -> Option<String> {
        let text = match self {
            Self::Folder { .. } | Self::Io { .. } => {
                "create it, or set `connectionString` to a path that can be written"
            }
            Self::NotAFile { .. } => "set `connectionString` to the path of a file",
            Self::NotWritable { .. } => {
                "let this user write the file and its folder, or set another `connectionString`"
            }
            Self::NotADatabase { .. } => "set `connectionString` to another path; this file was left as it is",
            Self::Corrupt { .. } => "restore it from a copy, or rescue what is left with `sqlite3 FILE .recover`",
            Self::Locked { .. } => "stop the other process, or give this host a file of its own",
            Self::Full { .. } => "make room on its disk, or set `connectionString` to a path on another",
            Self::NoWal { .. } => "set `disableWAL = true`, or move the file to a local disk",
            Self::LaterLayout { .. } => "use a newer version of this host; the file was left as it is",
            Self::OtherTables { .. } => "set `tableName` and `metadataTableName` to names that are free",
            Self::Sqlite { .. } | Self::Thread { .. } => return None,
        };
        Some(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    #[test]
    fn a_full_disk_is_said_with_what_helps() {
        let full = rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_FULL), None);
        let error = OpenError::sqlite(Path::new("state.db"), full);
        assert_eq!(error.to_string(), "there is no space for `state.db`");
        assert!(error.help().unwrap().starts_with("make room on its disk"));
    }
}
