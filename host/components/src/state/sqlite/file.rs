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
pub(super) const LOG_KEEPS: ByteSize = ByteSize::mib(64);

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
        // Without a log, a commit is the removal of the rollback journal: unless the folder is synced after it, the journal
        // may be there again after a power cut and undo what was acknowledged. With a log, this is the same as "full".
        Synchronous::Full => "extra",
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

/// Makes a connection the one that writes. It changes the file's header, so it comes after all checks of what is in it.
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
    let began = Instant::now();
    let found = loop {
        let found = connection.pragma_update_and_check(None, "journal_mode", mode, |row| row.get::<_, String>(0));
        match found.map_err(|error| OpenError::sqlite(path, error)) {
            // To change the mode, SQLite takes the file in two steps, and does not wait before the second.
            Err(OpenError::Locked { .. }) if began.elapsed() < settings.busy_timeout => std::thread::sleep(RETRY),
            found => break found?,
        }
    };
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

#[cfg(test)]
mod tests {
    use super::*;

    fn synchronous(journal: Journal, synchronous: Synchronous) -> i64 {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = SqliteSettings::at(folder.path().join("state.db"));
        (settings.journal, settings.synchronous) = (journal, synchronous);
        create(&settings.path).unwrap();
        let connection = connect(&settings).unwrap();
        prepare_for_writing(&connection, &settings).unwrap();
        connection
            .pragma_query_value(None, "synchronous", |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn a_file_that_another_writes_is_waited_for_before_its_journal_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = SqliteSettings::at(folder.path().join("state.db"));
        settings.busy_timeout = Duration::from_millis(30);
        let other = Connection::open(&settings.path).unwrap();
        other.execute_batch("CREATE TABLE t (a); BEGIN IMMEDIATE").unwrap();
        let connection = connect(&settings).unwrap();
        let began = Instant::now();
        let refused = prepare_for_writing(&connection, &settings).unwrap_err();
        assert!(matches!(refused, OpenError::Locked { .. }), "{refused}");
        assert!(began.elapsed() >= settings.busy_timeout);
    }

    #[test]
    fn what_is_acknowledged_is_on_disk_with_a_log_and_without() {
        const NORMAL: i64 = 1;
        const EXTRA: i64 = 3;
        for journal in [Journal::Wal, Journal::Delete] {
            assert_eq!(synchronous(journal, Synchronous::Full), EXTRA, "{journal:?}");
            assert_eq!(synchronous(journal, Synchronous::Normal), NORMAL, "{journal:?}");
        }
    }
}
