//! What is to become of a key, and how SQLite is told.

use super::row::StoredValue;
use super::settings::SqliteSettings;
use crate::state::expiry;
use dapr_blocks::state::{Condition, ContentType, DeleteItem, Key, SetItem, StateError, Ttl};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Statement, params};
use std::time::SystemTime;
use uuid::Uuid;

/// What is to become of a key.
pub(super) struct Change {
    key: Key,
    condition: Condition,
    /// None: it is removed.
    item: Option<NewItem>,
}

/// An item as it is to be stored.
struct NewItem {
    value: StoredValue,
    etag: Uuid,
    ttl: Option<Ttl>,
}

impl From<SetItem> for Change {
    fn from(item: SetItem) -> Self {
        let SetItem {
            key,
            value,
            condition,
            ttl,
            content_type,
            ..
        } = item;
        let item = NewItem {
            value: StoredValue::encode(value, content_type),
            etag: Uuid::new_v4(),
            ttl,
        };
        Self {
            key,
            condition,
            item: Some(item),
        }
    }
}

impl From<DeleteItem> for Change {
    fn from(item: DeleteItem) -> Self {
        Self {
            key: item.key,
            condition: item.etag.map_or(Condition::Any, Condition::Matches),
            item: None,
        }
    }
}

impl Change {
    /// About how many bytes it takes in the queue and in the log.
    pub(super) fn size(&self) -> usize {
        const ROW: usize = 128;
        let value = self.item.as_ref().map_or(0, |item| item.value.text.len());
        ROW + self.key.as_str().len() + value
    }
}

/// What the writer says to SQLite about items.
pub(super) struct Changes<'c> {
    live_etag: Statement<'c>,
    upsert: Statement<'c>,
    delete: Statement<'c>,
    set_content_type: Statement<'c>,
    delete_content_type: Statement<'c>,
}

impl<'c> Changes<'c> {
    pub(super) fn new(connection: &'c Connection, settings: &SqliteSettings) -> rusqlite::Result<Self> {
        let (state, content_type) = (settings.table.as_str(), settings.content_type_table());
        Ok(Self {
            live_etag: connection.prepare(&format!(
                "SELECT etag FROM \"{state}\"
                WHERE key = ?1 AND (expiration_time IS NULL OR expiration_time > CURRENT_TIMESTAMP)"
            ))?,
            // daprd says INSERT OR REPLACE, with the same result but for the rowid, by which it pages listings.
            upsert: connection.prepare(&format!(
                "INSERT INTO \"{state}\" (key, value, is_binary, etag, expiration_time, update_time)
                VALUES (?1, ?2, ?3, ?4, DATETIME(?5, 'unixepoch'), CURRENT_TIMESTAMP)
                ON CONFLICT (key) DO UPDATE SET
                    value = excluded.value, is_binary = excluded.is_binary, etag = excluded.etag,
                    expiration_time = excluded.expiration_time, update_time = excluded.update_time"
            ))?,
            delete: connection.prepare(&format!("DELETE FROM \"{state}\" WHERE key = ?1"))?,
            set_content_type: connection.prepare(&format!(
                "REPLACE INTO \"{content_type}\" (key, etag, content_type) VALUES (?1, ?2, ?3)"
            ))?,
            delete_content_type: connection.prepare(&format!("DELETE FROM \"{content_type}\" WHERE key = ?1"))?,
        })
    }

    /// Does all changes, or none if a condition does not hold. Must run in a transaction, which an `Err` leaves unusable.
    pub(super) fn apply(&mut self, changes: &[Change], now: SystemTime) -> rusqlite::Result<Result<(), StateError>> {
        for change in changes {
            if !self.holds(change)? {
                return Ok(Err(StateError::EtagMismatch {
                    key: change.key.as_str().to_owned(),
                }));
            }
        }
        for change in changes {
            self.write(change, now)?;
        }
        Ok(Ok(()))
    }

    fn holds(&mut self, change: &Change) -> rusqlite::Result<bool> {
        let condition = &change.condition;
        if *condition == Condition::Any {
            return Ok(true);
        }
        let found = self.live_etag.query_row([change.key.as_str()], |row| {
            Ok(match (condition, row.get_ref(0)?) {
                (Condition::Matches(etag), ValueRef::Text(found)) => found == etag.as_str().as_bytes(),
                _ => false,
            })
        });
        Ok(found.optional()?.unwrap_or(*condition == Condition::Absent))
    }

    fn write(&mut self, change: &Change, now: SystemTime) -> rusqlite::Result<()> {
        let key = change.key.as_str();
        let Some(NewItem { value, etag, ttl }) = &change.item else {
            self.delete.execute([key])?;
            self.delete_content_type.execute([key])?;
            return Ok(());
        };
        let mut buffer = Uuid::encode_buffer();
        let etag: &str = etag.hyphenated().encode_lower(&mut buffer);
        let end = ttl
            .map(|ttl| expiry::end(ttl, now))
            .and_then(|end| i64::try_from(end).ok());
        self.upsert
            .execute(params![key, value.text, value.is_binary, etag, end])?;
        // An item without content type leaves what may stand there: it is of another etag, and so means nothing.
        if let Some(content_type) = value.content_type.as_ref().map(ContentType::as_str) {
            self.set_content_type.execute([key, etag, content_type])?;
        }
        Ok(())
    }
}
