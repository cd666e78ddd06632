//! The file: making it, and connecting to it.

use super::open_error::OpenError;
use super::settings::{Journal, SqliteSettings, Synchronous};
use dapr_blocks::config::ByteSize;
use rusqlite::{Connection, OpenFlags};
use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a connection sleeps before it tries again to get the file from another process.
const RETRY: Duration = Duration::from_micros(500);

/// What the write-ahead log keeps of its size when its content is in the file: a burst of writes is not to hold the disk.
const LOG_KEEPS: ByteSize = ByteSize::mib(64);

/// Makes the file and its folders if they are not there: for this user alone, since items are nobody else's business.
pub(super) fn create(path: &Path) -> Result<(), OpenError> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() => return Ok(()),
        Ok(_) => return Err(OpenError::NotAFile { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => {
            return Err(OpenError::Io {
                path: path.to_owned(),
                source,
            });
        }
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let created = builder.recursive(true).create(folder);
        created.map_err(|source| OpenError::Folder {
            path: folder.to_owned(),
            source,
        })?;
    }
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // Only a file that is new is opened here. Closing one that SQLite has open in this process would drop SQLite's locks:
    // POSIX keeps them per process and file.
    match options.write(true).create_new(true).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(OpenError::Io {
            path: path.to_owned(),
            source,
        }),
    }
}

/// A connection to the file.
pub(super) fn connect(settings: &SqliteSettings) -> Result<Connection, OpenError> {
    // Absolute, so that no path can look like a `file:` URI, which SQLite would take apart.
    let path = std::path::absolute(&settings.path);
    let path = path.map_err(|source| OpenError::Io {
        path: settings.path.clone(),
        source,
    })?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let failed = |error| OpenError::sqlite(&settings.path, error);
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    set_up(&mut connection, settings).map_err(failed)?;
    if connection.is_readonly("main").map_err(failed)? {
        return Err(OpenError::NotWritable {
            path: settings.path.clone(),
            source: None,
        });
    }
    Ok(connection)
}

fn set_up(connection: &mut Connection, settings: &SqliteSettings) -> rusqlite::Result<()> {
    wait_for_others(connection, settings.busy_timeout)?;
    // The file may come from somebody else: what its schema calls is not to be trusted.
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    let synchronous = match settings.synchronous {
        Synchronous::Full => "full",
        Synchronous::Normal => "normal",
    };
    connection.pragma_update(None, "synchronous", synchronous)
}

/// Lets a connection wait so long where another process holds the file. SQLite's own handler sleeps up to 100 ms at a time,
/// and then misses the moments in which a process that writes all the time lets go.
fn wait_for_others(connection: &mut Connection, limit: Duration) -> rusqlite::Result<()> {
    let mut began = Instant::now();
    connection.busy_handler(Some(move |tries: i32| {
        if tries == 0 {
            began = Instant::now();
        }
        let waits = began.elapsed() < limit;
        if waits {
            std::thread::sleep(RETRY);
        }
        waits
    }))
}

/// Makes a connection the one that writes.
pub(super) fn prepare_for_writing(connection: &Connection, settings: &SqliteSettings) -> Result<(), OpenError> {
    let failed = |error| OpenError::sqlite(&settings.path, error);
    set_journal(connection, settings)?;
    // Without this, a large transaction would need the file for itself before its commit. It is bounded anyway.
    connection.pragma_update(None, "cache_spill", false).map_err(failed)?;
    let kept = i64::try_from(LOG_KEEPS.get()).unwrap_or(i64::MAX);
    connection
        .pragma_update_and_check(None, "journal_size_limit", kept, |_| Ok(()))
        .map_err(failed)?;
    settings
        .max_size
        .map_or(Ok(()), |max| set_max_size(connection, max))
        .map_err(failed)
}

fn set_journal(connection: &Connection, settings: &SqliteSettings) -> Result<(), OpenError> {
    let (wanted, path) = (settings.journal, &settings.path);
    let mode = match wanted {
        Journal::Wal => "wal",
        Journal::Delete => "delete",
    };
    let found = connection.pragma_update_and_check(None, "journal_mode", mode, |row| row.get::<_, String>(0));
    let found = found.map_err(|error| OpenError::sqlite(path, error))?;
    match wanted {
        _ if found.eq_ignore_ascii_case(mode) => Ok(()),
        Journal::Wal => Err(OpenError::NoWal { path: path.clone() }),
        Journal::Delete => Err(OpenError::Locked { path: path.clone() }),
    }
}

fn set_max_size(connection: &Connection, max: ByteSize) -> rusqlite::Result<()> {
    let page_size: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let pages = i64::try_from(max.get()).unwrap_or(i64::MAX) / page_size.max(1);
    // 0 would mean to leave the limit as it is.
    let pages = pages.max(1);
    connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
}
