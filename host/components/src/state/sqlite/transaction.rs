//! Transactions of the connection that writes.

use super::fault::{Fault, Stage};
use rusqlite::{Connection, Statement};

/// Runs transactions on the connection that writes.
pub(super) struct Transactions<'c> {
    connection: &'c Connection,
    begin: Statement<'c>,
    commit: Statement<'c>,
}

impl<'c> Transactions<'c> {
    pub(super) fn new(connection: &'c Connection) -> rusqlite::Result<Self> {
        let (begin, commit) = (connection.prepare("BEGIN IMMEDIATE")?, connection.prepare("COMMIT")?);
        Ok(Self {
            connection,
            begin,
            commit,
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
        let done = body()
            .map_err(|error| Fault::new(error, Stage::Write))
            .and_then(|value| {
                self.commit
                    .execute([])
                    .map(|_| value)
                    .map_err(|error| Fault::new(error, Stage::Commit))
            });
        if done.is_err() && !self.connection.is_autocommit() {
            // Should this fail, SQLite has rolled back by itself, or the next BEGIN says what is wrong.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        done
    }
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
