//! `state.in-memory`: items in this process, lost when it ends.
//!
//! One map behind one lock. Values are shared pointers, so that nobody copies megabytes while others wait; the lock is held
//! for look-ups and moves only, and never across an `await`.
//!
//! Memory is bounded by [`MemorySettings::max_size`], which Dapr does not have: without it an app could take all of the
//! host's memory, one small request after another. A store that is full answers `unavailable`, and deletes still work.

use super::expiry;
use async_trait::async_trait;
use dapr_blocks::config::{ByteSize, ConfigErrors, Table};
use dapr_blocks::state::{
    Condition, ContentType, Cursor, DeleteItem, Entry, Etag, Features, GetOptions, Key, KeyPage, Metadata, Operation,
    PageLimit, ResultBudget, SetItem, StateError, StateStore,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::SystemTime;
use uuid::Uuid;

/// The settings of `state.in-memory`. The text of each field is its reference.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemorySettings {
    /// `maxSize`, a size: what all items may take together, keys and bookkeeping included. Default: `"256MiB"`.
    pub max_size: ByteSize,
}

impl Default for MemorySettings {
    fn default() -> Self {
        Self { max_size: ByteSize::mib(256) }
    }
}

impl MemorySettings {
    /// Reads the store's keys of a table.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub fn read(table: &mut Table) -> Result<Self, ConfigErrors> {
        let max_size = table.take("maxSize");
        table.finish()?;
        let default = Self::default();
        Ok(Self { max_size: max_size?.unwrap_or(default.max_size) })
    }
}

/// Where the store keeps items.
impl fmt::Display for MemorySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("memory, lost at exit")
    }
}

/// A store in this process.
pub struct MemoryStore {
    items: RwLock<Items>,
    etags: Etags,
    max_size: ByteSize,
}

impl MemoryStore {
    /// An empty store.
    pub fn new(settings: &MemorySettings) -> Self {
        Self { items: RwLock::default(), etags: Etags::new(), max_size: settings.max_size }
    }

    // The map is never left half changed, so a panic elsewhere while the lock was held does no harm.

    fn read(&self) -> RwLockReadGuard<'_, Items> {
        self.items.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Items> {
        self.items.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does all changes, or none if a condition does not hold or the store is full.
    fn apply(&self, changes: Vec<Change>) -> Result<(), StateError> {
        let now = SystemTime::now();
        let mut replaced = Vec::with_capacity(changes.len());
        let mut items = self.write();
        items.purge(now, PURGED_PER_WRITE);
        for change in &changes {
            items.check(change, now)?;
        }
        items.reserve(&changes, self.max_size, now)?;
        for change in changes {
            replaced.extend(items.change(change));
        }
        drop(items);
        // Only now is the memory of old values given back: freeing megabytes takes a while.
        drop(replaced);
        Ok(())
    }

    fn set_change(&self, item: SetItem) -> Change {
        let SetItem { key, value, condition, ttl, content_type, .. } = item;
        let expires_at = ttl.map(|ttl| expiry::end(ttl, SystemTime::now()));
        let item = Item { value: Arc::new(value), etag: self.etags.next(), content_type, expires_at };
        Change { key, condition, item: Some(item) }
    }
}

/// How many ended items a write removes: more than it adds, so that they cannot pile up, and few enough that nobody waits.
const PURGED_PER_WRITE: usize = 64;

fn delete_change(item: DeleteItem) -> Change {
    let condition = item.etag.map_or(Condition::Any, Condition::Matches);
    Change { key: item.key, condition, item: None }
}

#[async_trait]
impl StateStore for MemoryStore {
    fn features(&self) -> Features {
        Features::ALL
    }

    async fn get(&self, key: &Key, _options: &GetOptions) -> Result<Option<Entry>, StateError> {
        let item = self.read().live(key.as_str()).cloned();
        Ok(item.map(Item::into_entry))
    }

    /// Answers one state of the store: no write comes between two of the items.
    async fn bulk_get(
        &self,
        keys: &[Key],
        _options: &GetOptions,
        max_bytes: usize,
    ) -> Result<Vec<Option<Entry>>, StateError> {
        let items = self.read();
        let found = keys.iter().map(|key| items.live(key.as_str()).cloned()).collect::<Vec<_>>();
        drop(items);
        let mut budget = ResultBudget::new(max_bytes);
        let entries = found.into_iter().map(|item| {
            let entry = item.map(Item::into_entry);
            budget.take(&entry).map(|()| entry)
        });
        entries.collect()
    }

    async fn set(&self, item: SetItem) -> Result<(), StateError> {
        self.apply(vec![self.set_change(item)])
    }

    async fn delete(&self, item: DeleteItem) -> Result<(), StateError> {
        self.apply(vec![delete_change(item)])
    }

    async fn transact(&self, operations: Vec<Operation>, _metadata: &Metadata) -> Result<(), StateError> {
        let changes = operations.into_iter().map(|operation| match operation {
            Operation::Set(item) => self.set_change(item),
            Operation::Delete(item) => delete_change(item),
        });
        self.apply(changes.collect())
    }

    async fn list_keys(&self, prefix: &str, limit: PageLimit, cursor: Option<&Cursor>) -> Result<KeyPage, StateError> {
        let after = cursor.map(|cursor| cursor.key_within(prefix)).transpose()?;
        let mut keys = self.read().keys(prefix, after.as_deref(), limit.get() + 1);
        let more = keys.len() > limit.get();
        keys.truncate(limit.get());
        let cursor = keys.last().filter(|_| more).map(|last| Cursor::after(last));
        Ok(KeyPage { keys, cursor })
    }
}

/// Etags of one run of the store: the run's own number and a count, so that none comes back, not even in a later run.
struct Etags {
    run: String,
    count: AtomicU64,
}

impl Etags {
    fn new() -> Self {
        Self { run: format!("{:016x}", Uuid::new_v4().as_u64_pair().1), count: AtomicU64::new(0) }
    }

    fn next(&self) -> Option<Etag> {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        Etag::from_store(format!("{}-{count:x}", self.run))
    }
}

/// What is to become of a key.
struct Change {
    key: Key,
    condition: Condition,
    /// None: it is removed.
    item: Option<Item>,
}

impl Change {
    fn size(&self) -> usize {
        self.item.as_ref().map_or(0, |item| item.size(self.key.as_str()))
    }
}

#[derive(Clone)]
struct Item {
    value: Arc<Vec<u8>>,
    etag: Option<Etag>,
    content_type: Option<ContentType>,
    /// In seconds since the Unix epoch.
    expires_at: Option<u64>,
}

impl Item {
    /// About what an item costs beside its key, value and content type: its place in the map and in the index of ends, its
    /// etag, and what the allocator adds.
    const OVERHEAD: usize = 256;

    fn size(&self, key: &str) -> usize {
        let content_type = self.content_type.as_ref().map_or(0, |content_type| content_type.as_str().len());
        Self::OVERHEAD + key.len() + self.value.capacity() + content_type
    }

    fn is_live(&self, now: impl FnOnce() -> SystemTime) -> bool {
        // Most items have no end, and then nobody need look at the clock.
        self.expires_at.is_none_or(|end| !expiry::has_ended(end, now()))
    }

    fn into_entry(self) -> Entry {
        let Self { value, etag, content_type, expires_at } = self;
        let value = Arc::unwrap_or_clone(value);
        Entry { value, etag, content_type, expires_at, metadata: Metadata::default() }
    }
}

#[derive(Default)]
struct Items {
    by_key: BTreeMap<Arc<str>, Item>,
    by_end: BTreeSet<(u64, Arc<str>)>,
    /// The sum of the items' sizes.
    size: usize,
}

impl Items {
    fn live(&self, key: &str) -> Option<&Item> {
        self.by_key.get(key).filter(|item| item.is_live(SystemTime::now))
    }

    fn check(&self, change: &Change, now: SystemTime) -> Result<(), StateError> {
        let found = || self.by_key.get(change.key.as_str()).filter(|item| item.is_live(|| now));
        let holds = match &change.condition {
            Condition::Any => true,
            Condition::Absent => found().is_none(),
            Condition::Matches(etag) => found().is_some_and(|item| item.etag.as_ref() == Some(etag)),
        };
        if holds { Ok(()) } else { Err(StateError::EtagMismatch { key: change.key.as_str().to_owned() }) }
    }

    /// Refuses changes that would make the store larger than it may be, and larger than it is.
    fn reserve(&mut self, changes: &[Change], max: ByteSize, now: SystemTime) -> Result<(), StateError> {
        let added = changes.iter().map(Change::size).sum::<usize>();
        let removed = changes.iter().filter_map(|change| {
            let key = change.key.as_str();
            self.by_key.get(key).map(|item| item.size(key))
        });
        let removed = removed.sum::<usize>();
        if added <= removed || self.size + added - removed <= max.to_usize() {
            return Ok(());
        }
        if self.purge(now, usize::MAX) > 0 {
            return self.reserve(changes, max, now);
        }
        Err(StateError::Unavailable { reason: format!("it is full: its items have its `maxSize` of {max}"), source: None })
    }

    /// Does one change; the item that it replaces comes back.
    fn change(&mut self, change: Change) -> Option<Item> {
        let Change { key, item, .. } = change;
        let (name, old) = match self.by_key.remove_entry(key.as_str()) {
            Some((name, old)) => (name, Some(old)),
            None => (Arc::from(key.into_string()), None),
        };
        if let Some(old) = &old {
            self.size -= old.size(&name);
            if let Some(end) = old.expires_at {
                self.by_end.remove(&(end, Arc::clone(&name)));
            }
        }
        if let Some(item) = item {
            self.size += item.size(&name);
            if let Some(end) = item.expires_at {
                self.by_end.insert((end, Arc::clone(&name)));
            }
            self.by_key.insert(name, item);
        }
        old
    }

    /// Removes at most so many items that have ended, and answers how many.
    fn purge(&mut self, now: SystemTime, at_most: usize) -> usize {
        let mut purged = 0;
        while purged < at_most && self.by_end.first().is_some_and(|(end, _)| expiry::has_ended(*end, now)) {
            let Some((_, key)) = self.by_end.pop_first() else { break };
            if let Some(item) = self.by_key.remove(&key) {
                self.size -= item.size(&key);
            }
            purged += 1;
        }
        purged
    }

    fn keys(&self, prefix: &str, after: Option<&str>, count: usize) -> Vec<String> {
        let from = after.map_or(Bound::Included(prefix), Bound::Excluded);
        let range = self.by_key.range::<str, _>((from, Bound::Unbounded));
        let now = SystemTime::now();
        let found = range.take_while(|(key, _)| key.starts_with(prefix)).filter(|(_, item)| item.is_live(|| now));
        found.take(count).map(|(key, _)| key.to_string()).collect()
    }
}
