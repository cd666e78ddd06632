//! `wasi:keyvalue`'s buckets on state stores: what its operations mean here.
//!
//! | there | here |
//! |---|---|
//! | a bucket | a state store, by its name; `default` and the empty name are the app's only store, or the one called `statestore` |
//! | `get`, `set`, `delete`, batches | the same without options: a set has no condition, and clears a TTL |
//! | `increment` | a number in decimal digits, written on the condition that nobody else wrote |
//! | `cas` | an item as it was read, and a write on the condition that it still is |

use super::{
    AppStore, AppStores, BulkError, Condition, Cursor, DeleteItem, Entry, Feature, GetOptions, KeyPage, PageLimit,
    SetItem, StateError,
};
use std::ops::RangeInclusive;

/// What apps call the store if they know of one only.
const ANY: [&str; 2] = ["", "default"];

/// The store that is meant where there are several: the one that Dapr's documents call so.
const USUAL: &str = "statestore";

/// How often others may have written before an increment is given up: each time one of them has got on.
const ATTEMPTS: usize = 100;

/// A state store as a bucket.
#[derive(Clone)]
pub struct Bucket(AppStore);

impl AppStores {
    /// The bucket of this name.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn bucket(&self, name: &str) -> Result<Bucket, StateError> {
        let store = match self.get(name) {
            Err(StateError::NoSuchStore(_)) if ANY.contains(&name) => match self.only() {
                Some(store) => Ok(store),
                None => self.get(USUAL),
            },
            store => store,
        };
        store.map(|store| Bucket(store.clone()))
    }
}

impl Bucket {
    /// The value of a key.
    ///
    /// # Errors
    ///
    /// As [`AppStore::get`].
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.entry(key).await?.map(|entry| entry.value))
    }

    async fn entry(&self, key: &str) -> Result<Option<Entry>, StateError> {
        self.0.get(key, &GetOptions::default()).await
    }

    /// Sets a key.
    ///
    /// # Errors
    ///
    /// As [`AppStore::set`].
    pub async fn set(&self, key: String, value: Vec<u8>) -> Result<(), StateError> {
        self.0.set(SetItem::new(key, value)).await
    }

    /// Removes a key, if it is there.
    ///
    /// # Errors
    ///
    /// As [`AppStore::delete`].
    pub async fn delete(&self, key: String) -> Result<(), StateError> {
        self.0.delete(DeleteItem::new(key)).await
    }

    /// A page of all keys.
    ///
    /// # Errors
    ///
    /// As [`AppStore::list_keys`].
    pub async fn list_keys(&self, cursor: Option<&Cursor>) -> Result<KeyPage, StateError> {
        let page = PageLimit::new(PageLimit::MAX)?;
        self.0.list_keys("", page, cursor).await
    }

    /// The values of keys, in their order.
    ///
    /// # Errors
    ///
    /// As [`AppStore::bulk_get`].
    pub async fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, StateError> {
        let entries = self.0.bulk_get(keys, &GetOptions::default()).await?;
        Ok(entries.into_iter().map(|entry| Some(entry?.value)).collect())
    }

    /// Sets keys, each on its own.
    ///
    /// # Errors
    ///
    /// As [`AppStore::bulk_set`]; that of the first key that was not set.
    pub async fn set_many(&self, items: Vec<(String, Vec<u8>)>) -> Result<(), StateError> {
        let items = items.into_iter().map(|(key, value)| SetItem::new(key, value)).collect();
        self.0.bulk_set(items).await.map_err(first)
    }

    /// Removes keys, each on its own.
    ///
    /// # Errors
    ///
    /// As [`AppStore::bulk_delete`]; that of the first key that was not removed.
    pub async fn delete_many(&self, keys: Vec<String>) -> Result<(), StateError> {
        let items = keys.into_iter().map(DeleteItem::new).collect();
        self.0.bulk_delete(items).await.map_err(first)
    }

    /// Adds to a number, which is 0 where there is none, and answers the sum. It is kept as text in decimal digits.
    ///
    /// # Errors
    ///
    /// - [`StateError::Invalid`] if the item is no number, or the sum is out of `range`.
    /// - [`StateError::Throttled`] if others kept writing it.
    /// - As [`AppStore::get`] and [`AppStore::set`]. A store without etags cannot count.
    pub async fn increment(&self, key: &str, delta: i128, range: RangeInclusive<i128>) -> Result<i128, StateError> {
        for _ in 0..ATTEMPTS {
            let snapshot = self.snapshot(key).await?;
            let sum = snapshot.number()?.checked_add(delta).filter(|sum| range.contains(sum));
            let sum = sum.ok_or_else(|| StateError::Invalid("the sum is out of the range of its type".to_owned()))?;
            match snapshot.swap(sum.to_string().into_bytes()).await {
                Err(StateError::EtagMismatch { .. }) => {}
                done => return done.map(|()| sum),
            }
        }
        Err(StateError::Throttled)
    }

    /// An item as it is now, to be written if it still is so.
    ///
    /// # Errors
    ///
    /// As [`AppStore::get`].
    pub async fn snapshot(&self, key: &str) -> Result<Snapshot, StateError> {
        Ok(Snapshot {
            entry: self.entry(key).await?,
            key: key.to_owned(),
            bucket: self.clone(),
        })
    }
}

/// An item as it was.
pub struct Snapshot {
    bucket: Bucket,
    key: String,
    /// None: there was none.
    entry: Option<Entry>,
}

impl Snapshot {
    /// Its value.
    pub fn value(&self) -> Option<&[u8]> {
        self.entry.as_ref().map(|entry| &*entry.value)
    }

    fn number(&self) -> Result<i128, StateError> {
        let Some(value) = self.value() else { return Ok(0) };
        let number = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
        number.ok_or_else(|| StateError::Invalid("the item is no number in decimal digits".to_owned()))
    }

    /// Writes the item if it is still what it was.
    ///
    /// # Errors
    ///
    /// [`StateError::EtagMismatch`] if it is not, and as [`AppStore::set`]: a store without etags cannot tell.
    pub async fn swap(&self, value: Vec<u8>) -> Result<(), StateError> {
        let mut item = SetItem::new(self.key.clone(), value);
        item.condition = match &self.entry {
            None => Condition::Absent,
            Some(Entry { etag: Some(etag), .. }) => Condition::Matches(etag.clone()),
            Some(Entry { etag: None, .. }) => return Err(self.bucket.0.lacks(Feature::Etags)),
        };
        item.content_type = self.entry.as_ref().and_then(|entry| entry.content_type.clone());
        self.bucket.0.set(item).await
    }

    /// The item as it is by now.
    ///
    /// # Errors
    ///
    /// As [`AppStore::get`].
    pub async fn renewed(&self) -> Result<Self, StateError> {
        self.bucket.snapshot(&self.key).await
    }
}

fn first(error: BulkError) -> StateError {
    match error {
        BulkError::Call(error) => error,
        BulkError::Items(items) => items
            .into_iter()
            .next()
            .map_or_else(|| StateError::internal("no item failed"), |item| item.error),
    }
}
