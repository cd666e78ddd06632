//! What is stored under a key.

use crate::Error;
use crate::bindings::dapr::state::types::Entry;
use serde::de::DeserializeOwned;

/// A value, with what the host knows about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Item<T> {
    /// What was stored.
    pub value: T,
    /// The version, for conditions. None where the store has no etags.
    pub etag: Option<String>,
    /// What the value was said to be.
    pub content_type: Option<String>,
    /// When it ends, in seconds since 1970. None if it does not.
    pub expires_at: Option<u64>,
    /// What else the store says.
    pub metadata: Vec<(String, String)>,
}

impl Item<Vec<u8>> {
    pub(crate) fn of(entry: Entry) -> Self {
        Self {
            value: entry.value,
            etag: entry.etag,
            content_type: entry.content_type,
            expires_at: entry.expires_at,
            metadata: entry.metadata,
        }
    }

    pub(crate) fn parsed<T: DeserializeOwned>(self, key: &str) -> Result<Item<T>, Error> {
        let value = serde_json::from_slice(&self.value).map_err(|source| Error::Value {
            key: key.to_owned(),
            source,
        })?;
        Ok(Item {
            value,
            etag: self.etag,
            content_type: self.content_type,
            expires_at: self.expires_at,
            metadata: self.metadata,
        })
    }
}
