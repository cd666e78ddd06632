//! What is to become of a key, and how SQLite is told.

use super::fault::{Fault, Stage, may_be_of_one_change};
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
        let etag = match &self.condition {
            Condition::Matches(etag) => etag.as_str().len(),
            Condition::Any | Condition::Absent => 0,
        };
        let value = self.item.as_ref().map_or(0, |item| {
            let content_type = item.value.content_type.as_ref();
            item.value.text.len() + content_type.map_or(0, |content_type| content_type.as_str().len())
        });
        ROW + self.key.as_str().len() + etag + value
    }
}

/// What the writer says to SQLite about items.
pub(super) struct Changes<'c> {
    live_etag: Statement<'c>,
    set: Set<'c>,
    undoable_set: Set<'c>,
    delete: Statement<'c>,
    delete_content_type: Statement<'c>,
    savepoint: Statement<'c>,
    rollback: Statement<'c>,
    release: Statement<'c>,
}

/// What sets an item.
struct Set<'c> {
    item: Statement<'c>,
    content_type: Statement<'c>,
}

/// What becomes of the transaction when a set finds no space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnFull {
    /// SQLite rolls it back by itself.
    Lost,
    /// It goes on without the set. SQLite keeps what it takes to undo a statement that may write several rows, as one that
    /// inserts what it selects; for the sake of all sets that do find space, this is not the usual way.
    Kept,
}

impl<'c> Set<'c> {
    fn new(connection: &'c Connection, settings: &SqliteSettings, on_full: OnFull) -> rusqlite::Result<Self> {
        let (state, content_type) = (settings.table.as_str(), settings.content_type_table());
        // Without WHERE, the ON of ON CONFLICT would be taken for that of a join.
        let row = |values: &str| match on_full {
            OnFull::Lost => format!("VALUES ({values})"),
            OnFull::Kept => format!("SELECT {values} WHERE true"),
        };
        Ok(Self {
            // daprd says INSERT OR REPLACE, with the same result but for the rowid, by which it pages listings.
            item: connection.prepare(&format!(
                "INSERT INTO \"{state}\" (key, value, is_binary, etag, expiration_time, update_time)
                {}
                ON CONFLICT (key) DO UPDATE SET
                    value = excluded.value, is_binary = excluded.is_binary, etag = excluded.etag,
                    expiration_time = excluded.expiration_time, update_time = excluded.update_time",
                row("?1, ?2, ?3, ?4, DATETIME(?5, 'unixepoch'), CURRENT_TIMESTAMP")
            ))?,
            content_type: connection.prepare(&format!(
                "REPLACE INTO \"{content_type}\" (key, etag, content_type) {}",
                row("?1, ?2, ?3")
            ))?,
        })
    }

    fn execute(&mut self, key: &str, item: &NewItem, now: SystemTime) -> rusqlite::Result<()> {
        let NewItem { value, etag, ttl } = item;
        let mut buffer = Uuid::encode_buffer();
        let etag: &str = etag.hyphenated().encode_lower(&mut buffer);
        let end = ttl
            .map(|ttl| expiry::end(ttl, now))
            .and_then(|end| i64::try_from(end).ok());
        self.item
            .execute(params![key, value.text, value.is_binary, etag, end])?;
        // An item without content type leaves what may stand there: it is of another etag, and so means nothing.
        if let Some(content_type) = value.content_type.as_ref().map(ContentType::as_str) {
            self.content_type.execute([key, etag, content_type])?;
        }
        Ok(())
    }
}

impl<'c> Changes<'c> {
    pub(super) fn new(connection: &'c Connection, settings: &SqliteSettings) -> rusqlite::Result<Self> {
        let (state, content_type) = (settings.table.as_str(), settings.content_type_table());
        Ok(Self {
            live_etag: connection.prepare(&format!(
                "SELECT etag FROM \"{state}\"
                WHERE key = ?1 AND (expiration_time IS NULL OR expiration_time > CURRENT_TIMESTAMP)"
            ))?,
            set: Set::new(connection, settings, OnFull::Lost)?,
            undoable_set: Set::new(connection, settings, OnFull::Kept)?,
            delete: connection.prepare(&format!("DELETE FROM \"{state}\" WHERE key = ?1"))?,
            delete_content_type: connection.prepare(&format!("DELETE FROM \"{content_type}\" WHERE key = ?1"))?,
            savepoint: connection.prepare("SAVEPOINT changes")?,
            rollback: connection.prepare("ROLLBACK TO changes")?,
            release: connection.prepare("RELEASE changes")?,
        })
    }

    /// Does all changes, or none if a condition does not hold. Must run in a transaction, which an `Err` leaves unusable.
    pub(super) fn apply(&mut self, changes: &[Change], now: SystemTime) -> rusqlite::Result<Result<(), StateError>> {
        self.apply_with(changes, now, OnFull::Lost)
    }

    /// Does all changes, or none if a condition does not hold or SQLite refuses one: then the transaction goes on without
    /// them. Still, an `Err` leaves it unusable: something failed that is of no one change, or cannot be undone.
    pub(super) fn apply_or_undo(
        &mut self,
        changes: &[Change],
        now: SystemTime,
    ) -> rusqlite::Result<Result<(), StateError>> {
        self.savepoint.execute([])?;
        let applied = match self.apply_with(changes, now, OnFull::Kept) {
            Ok(applied) => applied,
            Err(error) => {
                // There is nothing to go back to where SQLite has rolled back the whole transaction by itself.
                if !may_be_of_one_change(&error) || self.rollback.execute([]).is_err() {
                    return Err(error);
                }
                Err(Fault::new(error, Stage::Write).to_error())
            }
        };
        self.release.execute([])?;
        Ok(applied)
    }

    fn apply_with(
        &mut self,
        changes: &[Change],
        now: SystemTime,
        on_full: OnFull,
    ) -> rusqlite::Result<Result<(), StateError>> {
        for change in changes {
            if !self.holds(change)? {
                return Ok(Err(StateError::EtagMismatch {
                    key: Some(change.key.as_str().to_owned()),
                }));
            }
        }
        for change in changes {
            self.write(change, now, on_full)?;
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

    fn write(&mut self, change: &Change, now: SystemTime, on_full: OnFull) -> rusqlite::Result<()> {
        let key = change.key.as_str();
        let Some(item) = &change.item else {
            self.delete.execute([key])?;
            self.delete_content_type.execute([key])?;
            return Ok(());
        };
        let set = match on_full {
            OnFull::Lost => &mut self.set,
            OnFull::Kept => &mut self.undoable_set,
        };
        set.execute(key, item, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::sqlite::schema;
    use dapr_blocks::state::{Etag, KeyPrefix, Limits};

    fn key(name: &str) -> Key {
        KeyPrefix::None
            .resolve("", "", None)
            .key(name, &Limits::default())
            .unwrap()
    }

    fn typed(name: &str, content_type: &str) -> Change {
        Change::from(SetItem {
            content_type: Some(ContentType::new(content_type).unwrap()),
            ..SetItem::new(key(name), "v")
        })
    }

    #[test]
    fn the_transaction_goes_on_whichever_statement_finds_no_space() {
        let connection = Connection::open_in_memory().unwrap();
        let settings = SqliteSettings::at("unused");
        schema::migrate(&connection, &settings).unwrap();
        let mut changes = Changes::new(&connection, &settings).unwrap();
        let now = SystemTime::now();
        for index in 0..500 {
            let item = SetItem::new(key(&format!("old/{index}")), "v");
            changes.apply(&[item.into()], now).unwrap().unwrap();
        }
        // Limits the file to what it has.
        connection
            .pragma_update_and_check(None, "max_page_count", 1, |_| Ok(()))
            .unwrap();
        connection.execute_batch("BEGIN").unwrap();
        let mut set_all = |name: &str, content_type: &str| {
            let done = (0..500).filter(|index| {
                let change = typed(&format!("{name}/{index}"), content_type);
                changes.apply_or_undo(&[change], now).unwrap().is_ok()
            });
            let done = done.count();
            assert!(!connection.is_autocommit(), "the transaction is lost");
            done
        };
        // There is space for the rows of these, and for some of their content types; for the rows of those there is little.
        let long = format!("a/{}", "b".repeat(250));
        assert!((5..50).contains(&set_all("old", &long)));
        assert!((0..50).contains(&set_all("new", "a/b")));
        connection.execute_batch("COMMIT").unwrap();
        let orphans = "SELECT count(*) FROM state_content_type AS type
            WHERE NOT EXISTS (SELECT 1 FROM state WHERE key = type.key AND etag = type.etag)";
        let orphans: i64 = connection.query_row(orphans, [], |row| row.get(0)).unwrap();
        assert_eq!(orphans, 0);
    }

    #[test]
    fn all_that_a_caller_sends_counts_towards_a_changes_size() {
        let key = || key("k");
        let small = Change::from(DeleteItem::new(key())).size();
        let deletion = DeleteItem {
            etag: Some(Etag::new("e".repeat(5_000)).unwrap()),
            ..DeleteItem::new(key())
        };
        assert_eq!(Change::from(deletion).size(), small + 5_000);
        let set = |condition| SetItem {
            condition,
            content_type: Some(ContentType::new("a/b").unwrap()),
            ..SetItem::new(key(), vec![0; 300])
        };
        let condition = Condition::Matches(Etag::new("e".repeat(5_000)).unwrap());
        assert_eq!(Change::from(set(Condition::Any)).size(), small + 400 + 3);
        assert_eq!(Change::from(set(condition)).size(), small + 400 + 3 + 5_000);
    }
}
