//! The threads that read.

use super::fault::{Fault, Stage};
use super::queue::Queue;
use super::row;
use super::settings::SqliteSettings;
use crate::state::walk::{Item, Step, Turn, Walk};
use dapr_blocks::state::{Entry, Etag, Key, Metadata, ResultBudget, StateError};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Row, Statement};

/// A call that reads, with who waits for it.
pub(super) type Read = Box<dyn FnOnce(&mut Reader<'_>) + Send>;

/// What a reader says to SQLite. Each call sees one state of the file.
pub(super) struct Reader<'c> {
    connection: &'c Connection,
    get: Statement<'c>,
    keys_from: Statement<'c>,
}

impl<'c> Reader<'c> {
    pub(super) fn new(connection: &'c Connection, settings: &SqliteSettings) -> rusqlite::Result<Self> {
        let (state, content_type) = (settings.table.as_str(), settings.content_type_table());
        Ok(Self {
            connection,
            get: connection.prepare(&format!(
                "SELECT item.value, item.is_binary, item.etag, unixepoch(item.expiration_time), type.content_type
                FROM \"{state}\" AS item
                LEFT JOIN \"{content_type}\" AS type ON type.key = item.key AND type.etag = item.etag
                WHERE item.key = ?1
                    AND (item.expiration_time IS NULL OR item.expiration_time > CURRENT_TIMESTAMP)"
            ))?,
            // What has ended is looked up in its index: to ask each row would mean to read its value, which stands before.
            keys_from: connection.prepare(&format!(
                "SELECT key FROM \"{state}\"
                WHERE key >= ?1
                    AND rowid NOT IN (SELECT rowid FROM \"{state}\" WHERE expiration_time <= CURRENT_TIMESTAMP)
                ORDER BY key"
            ))?,
        })
    }

    /// Reads what is queued, until the queue is closed.
    pub(super) fn serve(&mut self, queue: &Queue<Read>) {
        while let Some(read) = queue.pop() {
            read(self);
        }
    }

    pub(super) fn get(&mut self, key: &Key) -> Result<Option<Entry>, StateError> {
        let mut rows = self.get.query([key.as_str()]).map_err(failed)?;
        let row = rows.next().map_err(failed)?;
        row.map(|row| entry(key, row)).transpose()
    }

    pub(super) fn bulk_get(&mut self, keys: &[Key], max_bytes: usize) -> Result<Vec<Option<Entry>>, StateError> {
        // One transaction, so that no write comes between two of the items. Dropping it ends it.
        let _snapshot = self.connection.unchecked_transaction().map_err(failed)?;
        let mut budget = ResultBudget::new(max_bytes);
        let mut entries = Vec::with_capacity(keys.len());
        for key in keys {
            let entry = self.get(key)?;
            budget.take(&entry)?;
            entries.push(entry);
        }
        Ok(entries)
    }

    /// Goes on with a listing, until it pauses or its page is done.
    pub(super) fn walk(&mut self, mut walk: Walk) -> Result<Turn, StateError> {
        // Bytes, since it may go on behind a key that is no text.
        let from = walk.from().to_owned();
        let from = ToSqlOutput::Borrowed(ValueRef::Text(&from));
        let mut rows = self.keys_from.query([from]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            // Behind all keys that are text stand those that are none, which no host writes.
            let ValueRef::Text(key) = row.get_ref(0).map_err(failed)? else {
                break;
            };
            // What has ended, the query leaves out.
            match walk.look(key, Item::Live) {
                Step::On => {}
                Step::Pause => return Ok(Turn::Paused(walk)),
                Step::Done => break,
            }
        }
        Ok(Turn::Page(walk.page()))
    }
}

fn failed(error: rusqlite::Error) -> StateError {
    Fault::new(error, Stage::Read).to_error()
}

fn entry(key: &Key, row: &Row<'_>) -> Result<Entry, StateError> {
    let stored = row.get_ref(0).and_then(|value| Ok(value.as_bytes()?)).map_err(failed)?;
    let is_binary = row.get(1).map_err(failed)?;
    let etag: String = row.get(2).map_err(failed)?;
    let end: Option<i64> = row.get(3).map_err(failed)?;
    let content_type = row.get(4).map_err(failed)?;
    let (value, content_type) = row::decode(key.as_str(), stored, is_binary, content_type)?;
    let expires_at = end.and_then(|end| u64::try_from(end).ok());
    Ok(Entry {
        value,
        etag: Etag::from_store(etag),
        content_type,
        expires_at,
        metadata: Metadata::default(),
    })
}
