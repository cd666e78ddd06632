//! What a vendor implements.

use super::{
    BulkError, DeleteItem, Entry, Feature, GetOptions, Key, Limits, Listing, Metadata, Operation, SetItem, StateError,
    StoredPage,
};
use async_trait::async_trait;
use std::sync::Arc;
use tokio::time::Instant;

/// What a store can do beside get, set and delete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// Etags and conditions: Dapr's `ETAG`.
    pub etags: bool,
    /// Transactions, all or none: Dapr's `TRANSACTIONAL`.
    pub transactions: bool,
    /// Time to live: Dapr's `TTL`.
    pub ttl: bool,
    /// Listing keys by prefix: Dapr's `KEYS_LIKE`.
    pub listing: bool,
    /// Content types: kept with values and handed back. Where they are not, they are dropped, and asking for them is no error:
    /// most of Dapr's own stores keep none.
    pub content_types: bool,
}

impl Features {
    /// Everything.
    pub const ALL: Self = Self {
        etags: true,
        transactions: true,
        ttl: true,
        listing: true,
        content_types: true,
    };

    /// Whether the store has this feature.
    pub fn has(self, feature: Feature) -> bool {
        match feature {
            Feature::Etags => self.etags,
            Feature::Transactions => self.transactions,
            Feature::Ttl => self.ttl,
            Feature::Listing => self.listing,
            Feature::ContentTypes => self.content_types,
        }
    }
}

/// A state store of one vendor, shared by all apps.
///
/// Only [`AppStore`](super::AppStore) calls it, and has checked before: keys are valid and prefixed, sizes are within the
/// host's limits and the store's own, no key is named twice in a write, lists are not empty, and nothing is asked for that
/// [`features`] denies. It also bounds every call by the store's deadline and drops the future when that has passed, and
/// checks the size of what comes back.
///
/// The rules that every store keeps, whatever its vendor does (`docs/state.md`); `conformance` holds a store to them:
///
/// 1. An etag on an item that is absent or has expired mismatches. An etag that the vendor cannot parse mismatches.
/// 2. Every write changes the etag, and no etag comes back for another value of the key.
/// 3. A set without TTL clears an earlier one. An item lives at least its TTL and at most a second more.
/// 4. A transaction is applied in full or not at all, also when the process dies.
/// 5. A write that returned `Ok` is seen by every later read.
///
/// # Cancel safety
///
/// Dropping a future may leave its write applied or not, never in part.
///
/// [`features`]: StateStore::features
#[async_trait]
pub trait StateStore: Send + Sync {
    /// What the store can do.
    fn features(&self) -> Features;

    /// How much the store takes at once, where that is less than the host's own limits.
    fn limits(&self) -> Limits {
        Limits::default()
    }

    /// The store as this app asks it, for vendors that tell apps apart; none: it is the same for all.
    fn of_app(&self, _app_id: &str) -> Option<Arc<dyn StateStore>> {
        None
    }

    /// What bounds its calls and is not in its settings, as a phrase: `4096 reads wait at most`.
    fn bounds(&self) -> Option<String> {
        None
    }

    /// How the store is, as far as it knows without asking anybody.
    fn health(&self) -> Health {
        Health::Well
    }

    /// Hears that a call which began then has had no answer in its time. Its future was dropped, as when a caller leaves, of
    /// which a store hears nothing.
    fn unanswered(&self, _since: Instant) {}

    /// Reads an item.
    ///
    /// # Errors
    ///
    /// Those of a read: [`StateError::TooLarge`], [`StateError::Denied`], [`StateError::Throttled`],
    /// [`StateError::Unavailable`], [`StateError::Internal`].
    async fn get(&self, key: &Key, options: &GetOptions) -> Result<Option<Entry>, StateError>;

    /// Reads items, answered in the order of `keys`, and as often as a key is named.
    ///
    /// # Errors
    ///
    /// Those of a read, and [`StateError::TooLarge`] as soon as the entries exceed `max_bytes`, as [`ResultBudget`] counts
    /// them: a store must not read on, or an app could make the host hold a thousand values at once.
    async fn bulk_get(
        &self,
        keys: &[Key],
        options: &GetOptions,
        max_bytes: usize,
    ) -> Result<Vec<Option<Entry>>, StateError> {
        let mut entries = Vec::with_capacity(keys.len());
        let mut budget = ResultBudget::new(max_bytes);
        for key in keys {
            let entry = self.get(key, options).await?;
            budget.take(&entry)?;
            entries.push(entry);
        }
        Ok(entries)
    }

    /// Writes an item.
    ///
    /// # Errors
    ///
    /// Those of a write: as a read, and [`StateError::EtagMismatch`], [`StateError::OutcomeUnknown`].
    async fn set(&self, item: SetItem) -> Result<(), StateError>;

    /// Writes items, each on its own.
    ///
    /// # Errors
    ///
    /// Those of a write, for the call or for items.
    async fn bulk_set(&self, items: Vec<SetItem>) -> Result<(), BulkError> {
        let mut results = Vec::with_capacity(items.len());
        for item in items {
            results.push(self.set(item).await);
        }
        BulkError::from_results(results)
    }

    /// Removes an item. One that is not there is no error, unless an etag was given.
    ///
    /// # Errors
    ///
    /// Those of a write.
    async fn delete(&self, item: DeleteItem) -> Result<(), StateError>;

    /// Removes items, each on its own.
    ///
    /// # Errors
    ///
    /// Those of a write, for the call or for items.
    async fn bulk_delete(&self, items: Vec<DeleteItem>) -> Result<(), BulkError> {
        let mut results = Vec::with_capacity(items.len());
        for item in items {
            results.push(self.delete(item).await);
        }
        BulkError::from_results(results)
    }

    /// Does all operations or none.
    ///
    /// # Errors
    ///
    /// Those of a write; then nothing was written, except after [`StateError::OutcomeUnknown`].
    async fn transact(&self, operations: Vec<Operation>, metadata: &Metadata) -> Result<(), StateError>;

    /// Lists stored keys that begin with [`Listing::prefix`], from [`Listing::position`] on. Keys that [`Listing::has`]
    /// denies may be among them, but no [`StoredPage::next`] may tell of them.
    ///
    /// # Errors
    ///
    /// Those of a read, and [`StateError::Invalid`] for a position that this store cannot have given.
    async fn list_keys(&self, listing: &Listing) -> Result<StoredPage, StateError>;

    /// Finishes queued writes and lets go of files and connections. Later calls may fail.
    async fn close(&self) {}
}

/// How a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It serves.
    Well,
    /// It keeps failing, in this way. It tries to mend itself.
    Failing(String),
}

/// What is left of the bytes that a bulk result may hold.
#[derive(Debug)]
pub struct ResultBudget {
    max: usize,
    left: usize,
}

impl ResultBudget {
    /// A budget of `max` bytes.
    pub fn new(max: usize) -> Self {
        Self { max, left: max }
    }

    /// Takes an entry off the budget: value, etag, content type and metadata.
    ///
    /// # Errors
    ///
    /// [`StateError::TooLarge`] if it does not fit.
    pub fn take(&mut self, entry: &Option<Entry>) -> Result<(), StateError> {
        let size = entry.as_ref().map_or(0, Entry::size);
        self.left = self.left.checked_sub(size).ok_or_else(|| {
            StateError::TooLarge(format!(
                "the items exceed {} bytes together: ask for fewer keys",
                self.max
            ))
        })?;
        Ok(())
    }
}
