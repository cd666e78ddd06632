//! Transactions of the connection that writes.

use super::fault::{Fault, Stage};
use super::settings::SqliteSettings;
use rusqlite::{Connection, ErrorCode, Statement};
use std::time::{Duration, Instant};

/// How long to sleep before trying again to get the file from another process. SQLite's own busy handler sleeps up to
/// 100 ms, and then misses the moments in which a process that writes all the time lets go.
const RETRY: Duration = Duration::from_micros(500);

/// Runs transactions on the connection that writes.
pub(super) struct Transactions<'c> {
    connection: &'c Connection,
    begin: Statement<'c>,
    commit: Statement<'c>,
    busy_timeout: Duration,
}

impl<'c> Transactions<'c> {
    pub(super) fn new(connection: &'c Connection, settings: &SqliteSettings) -> rusqlite::Result<Self> {
        Ok(Self {
            connection,
            begin: connection.prepare("BEGIN IMMEDIATE")?,
            commit: connection.prepare("COMMIT")?,
            busy_timeout: settings.busy_timeout,
        })
    }

    /// Does `body` in a transaction. When this returns `Ok`, what `body` wrote is on disk.
    pub(super) fn run<T>(&mut self, body: impl FnOnce() -> rusqlite::Result<T>) -> Result<T, Fault> {
        if has_moved(self.connection) {
            return Err(Fault::Moved);
        }
        let begun = until_free(self.busy_timeout, || self.begin.execute([]));
        begun.map_err(|error| Fault::new(error, Stage::Write))?;
        let done = body().map_err(|error| Fault::new(error, Stage::Write)).and_then(|value| {
            let committed = until_free(self.busy_timeout, || self.commit.execute([]));
            committed.map(|_| value).map_err(|error| Fault::new(error, Stage::Commit))
        });
        if done.is_err() && !self.connection.is_autocommit() {
            // Should this fail, SQLite has rolled back by itself, or the next BEGIN says what is wrong.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        done
    }
}

/// Tries until no other process is in the way, or for so long.
pub(super) fn until_free<T>(
    limit: Duration,
    mut attempt: impl FnMut() -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let began = Instant::now();
    loop {
        match attempt() {
            Err(error) if is_busy(&error) && began.elapsed() < limit => std::thread::sleep(RETRY),
            done => return done,
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Whether the file is gone from its path. What is written then is lost with the last connection.
#[cfg(unix)]
fn has_moved(connection: &Connection) -> bool {
    let mut moved = 0;
    let asked = connection.file_control(Some("main"), rusqlite::FileControl::HasMoved(&mut moved));
    asked.is_ok() && moved != 0
}

#[cfg(not(unix))]
fn has_moved(_connection: &Connection) -> bool {
    false
}
