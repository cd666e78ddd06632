//! Keeps the write-ahead log from growing without end.
//!
//! After a commit, SQLite moves the log into the file as far as nobody reads what was before, and it begins the log anew
//! only when nobody reads from it at all. Under reads that always overlap there is no such moment. So a log that has become
//! too large is one to wait for: whoever reads it then may finish, and whoever begins meanwhile reads the file.
//!
//! While the writer waits, so do writes. A reader that takes longer than `busyTimeout` (a backup, a shell that was left
//! open) lets it try in vain; it tries again when the log has grown by as much again.

use super::file::LOG_KEEPS;
use super::settings::SqliteSettings;
use rusqlite::{Connection, Statement};
use std::path::PathBuf;

/// The write-ahead log of the file.
pub(super) struct Log<'c> {
    path: PathBuf,
    /// The size that it may have before its content is moved into the file, in bytes.
    limit: u64,
    restart: Statement<'c>,
}

impl<'c> Log<'c> {
    pub(super) fn new(connection: &'c Connection, settings: &SqliteSettings) -> rusqlite::Result<Self> {
        let mut path = settings.path.clone().into_os_string();
        path.push("-wal");
        Ok(Self {
            path: path.into(),
            limit: LOG_KEEPS.get(),
            restart: connection.prepare("PRAGMA wal_checkpoint(RESTART)")?,
        })
    }

    /// Moves the log into the file if it is too large. The next commit then begins it anew, and shortens it.
    pub(super) fn bound(&mut self) {
        // Without a log there is nothing to bound.
        let size = std::fs::metadata(&self.path).map_or(0, |found| found.len());
        if size <= LOG_KEEPS.get() {
            self.limit = LOG_KEEPS.get();
        }
        if size <= self.limit {
            return;
        }
        self.limit = size.saturating_add(LOG_KEEPS.get());
        match self.restart.query_row([], |row| row.get::<_, bool>(0)) {
            Ok(false) => {}
            Ok(true) => tracing::warn!(size, "somebody reads a SQLite store for so long that its log grows"),
            Err(error) => tracing::warn!(%error, size, "moving a SQLite store's log into its file failed"),
        }
    }
}
