//! Reading items.

use super::fault::{Fault, Stage};
use super::session::Session;
use super::store::Request;
use dapr_blocks::state::{ContentType, Entry, Etag, Key, Limits, Metadata, ResultBudget, StateError};
use std::collections::HashMap;
use tokio_postgres::{Error, Row};

/// A get.
pub(super) struct Get<'a>(pub(super) &'a Key);

/// A bulk get.
pub(super) struct BulkGet<'a> {
    pub(super) keys: &'a [Key],
    pub(super) max_bytes: usize,
}

impl Request for Get<'_> {
    type Answer = Option<Entry>;
    const STAGE: Stage = Stage::Read;

    async fn ask(&self, session: &Session) -> Result<Self::Answer, Fault> {
        let max = bytes(Limits::default().batch);
        let key = self.0.as_str();
        let row = session.client().query_opt(&session.statements.get, &[&key, &max]).await;
        let Some(row) = row.map_err(failed)? else {
            return Ok(None);
        };
        let found: i64 = row.try_get("bytes").map_err(failed)?;
        if found > max {
            let what = format!("the item has {found} bytes, more than the {max} that a call may have");
            return Err(StateError::TooLarge(what).into());
        }
        entry(&row, 0).map(Some).map_err(failed)
    }
}

impl Request for BulkGet<'_> {
    type Answer = Vec<Option<Entry>>;
    const STAGE: Stage = Stage::Read;

    async fn ask(&self, session: &Session) -> Result<Self::Answer, Fault> {
        let keys: Vec<_> = self.keys.iter().map(Key::as_str).collect();
        let max = bytes(self.max_bytes);
        let rows = session
            .client()
            .query(&session.statements.bulk_get, &[&keys, &max])
            .await;
        let rows = rows.map_err(failed)?;
        let mut found = HashMap::with_capacity(rows.len());
        for row in &rows {
            let bytes: i64 = row.try_get("bytes").map_err(failed)?;
            if bytes > max {
                let what = format!("the items exceed {max} bytes together: ask for fewer keys");
                return Err(StateError::TooLarge(what).into());
            }
            let key: &str = row.try_get(0).map_err(failed)?;
            found.insert(key, entry(row, 1).map_err(failed)?);
        }
        let mut budget = ResultBudget::new(self.max_bytes);
        let mut entries = Vec::with_capacity(keys.len());
        for key in keys {
            let entry = found.get(key).cloned();
            budget.take(&entry)?;
            entries.push(entry);
        }
        Ok(entries)
    }
}

fn failed(error: Error) -> Fault {
    Fault::new(error, Stage::Read)
}

fn bytes(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The item of a row whose value is in this column.
fn entry(row: &Row, value: usize) -> Result<Entry, Error> {
    let etag: String = row.try_get("etag")?;
    let ends: Option<i64> = row.try_get("ends")?;
    let content_type: Option<String> = row.try_get("content_type")?;
    Ok(Entry {
        value: row.try_get(value)?,
        etag: Etag::from_store(etag),
        // What cannot be a content type was not written by this store, and is no reason to keep the value from the app.
        content_type: content_type.and_then(|text| ContentType::new(text).ok()),
        expires_at: ends.and_then(|end| u64::try_from(end).ok()),
        metadata: Metadata::default(),
    })
}
