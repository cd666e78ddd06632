//! Transactions of the connection that writes.

use super::fault::{Fault, Stage};
use super::settings::{Journal, SqliteSettings};
use rusqlite::{Connection, Statement};

/// Runs transactions on the connection that writes.
pub(super) struct Transactions<'c> {
    connection: &'c Connection,
    begin: Statement<'c>,
    commit: Statement<'c>,
    /// Asked where there must be no write-ahead log.
    journal_mode: Option<Statement<'c>>,
}

impl<'c> Transactions<'c> {
    pub(super) fn new(connection: &'c Connection, settings: &SqliteSettings) -> rusqlite::Result<Self> {
        let journal_mode = match settings.journal {
            Journal::Wal => None,
            Journal::Delete => Some(connection.prepare("PRAGMA journal_mode")?),
        };
        Ok(Self {
            connection,
            begin: connection.prepare("BEGIN IMMEDIATE")?,
            commit: connection.prepare("COMMIT")?,
            journal_mode,
        })
    }

    /// Does `body` in a transaction. When this returns `Ok`, what `body` wrote is on disk.
    pub(super) fn run<T>(&mut self, body: impl FnOnce() -> rusqlite::Result<T>) -> Result<T, Fault> {
        if has_moved(self.connection) {
            return Err(Fault::Moved);
        }
        self.begin
            .execute([])
            .map_err(|error| Fault::new(error, Stage::Write))?;
        let done = self.run_begun(body);
        if done.is_err() && !self.connection.is_autocommit() {
            // Should this fail, SQLite has rolled back by itself, or the next BEGIN says what is wrong.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        done
    }

    fn run_begun<T>(&mut self, body: impl FnOnce() -> rusqlite::Result<T>) -> Result<T, Fault> {
        let writing = |error| Fault::new(error, Stage::Write);
        // Only a transaction has looked at the file's header: it is there that another host changes the mode for all.
        if self.has_log().map_err(writing)? {
            return Err(Fault::HasLog);
        }
        let value = body().map_err(writing)?;
        let committed = self.commit.execute([]);
        committed.map_err(|error| Fault::new(error, Stage::Commit))?;
        Ok(value)
    }

    /// Whether the file has a write-ahead log that it must not have.
    fn has_log(&mut self) -> rusqlite::Result<bool> {
        let Some(journal_mode) = &mut self.journal_mode else {
            return Ok(false);
        };
        let found: String = journal_mode.query_row([], |row| row.get(0))?;
        Ok(found.eq_ignore_ascii_case("wal"))
    }
}

/// Whether the file is gone from its path. What is written then is lost with the last connection.
fn has_moved(connection: &Connection) -> bool {
    let mut moved = 0;
    let asked = connection.file_control(Some("main"), rusqlite::FileControl::HasMoved(&mut moved));
    asked.is_ok() && moved != 0
}
