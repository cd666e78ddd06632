//! The store: one map behind one lock.
//!
//! Values are shared pointers, so that nobody copies megabytes while others wait; the lock is held for look-ups and moves
//! only, and never across an `await`.
//!
//! Memory is bounded by [`MemorySettings::max_size`], which Dapr does not have: without it an app could take all of the
//! host's memory, one small request after another. A store that is full answers `unavailable`, and deletes still work.

use super::items::{Change, Item, Items};
use super::settings::MemorySettings;
use crate::state::expiry;
use crate::state::walk::{Turn, Walk};
use async_trait::async_trait;
use dapr_blocks::config::ByteSize;
use dapr_blocks::state::{
    Condition, DeleteItem, Entry, Etag, Features, GetOptions, Key, Listing, Metadata, Operation, ResultBudget, SetItem,
    StateError, StateStore, StoredPage,
};
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::SystemTime;
use uuid::Uuid;

/// A store in this process.
pub struct MemoryStore {
    items: RwLock<Items>,
    etags: Etags,
    max_size: ByteSize,
}

impl MemoryStore {
    /// An empty store.
    pub fn new(settings: &MemorySettings) -> Self {
        Self {
            items: RwLock::default(),
            etags: Etags::new(),
            max_size: settings.max_size,
        }
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
        items.make_room(&changes, self.max_size, now)?;
        for change in changes {
            replaced.extend(items.change(change));
        }
        drop(items);
        // Only now is the memory of old values given back: freeing megabytes takes a while.
        drop(replaced);
        Ok(())
    }

    fn set_change(&self, item: SetItem) -> Change {
        let SetItem {
            key,
            value,
            condition,
            ttl,
            content_type,
            ..
        } = item;
        let expires_at = ttl.map(|ttl| expiry::end(ttl, SystemTime::now()));
        let item = Item {
            value: Arc::new(value),
            etag: self.etags.next(),
            content_type,
            expires_at,
        };
        Change {
            key,
            condition,
            item: Some(item),
        }
    }
}

/// How many ended items a write removes: more than it adds, so that they cannot pile up, and few enough that nobody waits.
const PURGED_PER_WRITE: usize = 64;

fn delete_change(item: DeleteItem) -> Change {
    let condition = item.etag.map_or(Condition::Any, Condition::Matches);
    Change {
        key: item.key,
        condition,
        item: None,
    }
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
        let found = keys
            .iter()
            .map(|key| items.live(key.as_str()).cloned())
            .collect::<Vec<_>>();
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

    async fn list_keys(&self, listing: &Listing) -> Result<StoredPage, StateError> {
        let mut walk = Walk::new(listing);
        loop {
            // The lock is let go of at each pause, so that writes get their turn, and whoever waits may give up.
            let turn = self.read().walk(walk);
            match turn {
                Turn::Page(page) => return Ok(page),
                Turn::Paused(paused) => walk = paused,
            }
            tokio::task::yield_now().await;
        }
    }
}

/// Etags of one run of the store: the run's own number and a count, so that none comes back, not even in a later run.
struct Etags {
    run: String,
    count: AtomicU64,
}

impl Etags {
    fn new() -> Self {
        Self {
            run: format!("{:016x}", Uuid::new_v4().as_u64_pair().1),
            count: AtomicU64::new(0),
        }
    }

    fn next(&self) -> Option<Etag> {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut etag = String::with_capacity(self.run.len() + 17);
        // Writing to a String cannot fail.
        let _ = write!(etag, "{}-{count:x}", self.run);
        Etag::from_store(etag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dapr_blocks::state::{ContentType, KeyPrefix, Limits, Ttl};
    use std::time::Duration;

    fn store(max_size: ByteSize) -> MemoryStore {
        MemoryStore::new(&MemorySettings { max_size })
    }

    fn key(name: &str) -> Key {
        KeyPrefix::None
            .resolve("", "", None)
            .key(name, &Limits::default())
            .unwrap()
    }

    fn item(name: &str, size: usize) -> SetItem {
        SetItem::new(key(name), vec![7; size])
    }

    fn ending(name: &str, size: usize) -> SetItem {
        SetItem {
            ttl: Some(Ttl::new(1).unwrap()),
            ..item(name, size)
        }
    }

    async fn is_there(store: &MemoryStore, name: &str) -> bool {
        store.get(&key(name), &GetOptions::default()).await.unwrap().is_some()
    }

    #[tokio::test]
    async fn a_full_store_refuses_what_would_make_it_larger() {
        let store = store(ByteSize::kib(10));
        for name in ["a", "b"] {
            store.set(item(name, 4_000)).await.unwrap();
        }
        let refused = store.set(item("c", 4_000)).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the store is unavailable: it is full: its items have its `maxSize` of 10KiB"
        );
        store.set(item("a", 3_000)).await.unwrap();
        store.delete(DeleteItem::new(key("b"))).await.unwrap();
        store.set(item("c", 4_000)).await.unwrap();
    }

    #[tokio::test]
    async fn many_small_items_fill_a_store_too() {
        let store = store(ByteSize::kib(10));
        let mut written = 0;
        while store.set(item(&written.to_string(), 0)).await.is_ok() {
            written += 1;
        }
        assert!((20..=40).contains(&written), "{written}");
    }

    #[tokio::test]
    async fn a_transaction_that_does_not_fit_changes_nothing() {
        let store = store(ByteSize::kib(10));
        store.set(item("a", 4_000)).await.unwrap();
        let operations = ["b", "c"].map(|name| Operation::Set(item(name, 4_000)));
        let refused = store
            .transact(operations.into(), &Metadata::default())
            .await
            .unwrap_err();
        assert_eq!(refused.case(), "unavailable");
        assert!(!is_there(&store, "b").await);
        let swap = vec![
            Operation::Delete(DeleteItem::new(key("a"))),
            Operation::Set(item("b", 8_000)),
        ];
        store.transact(swap, &Metadata::default()).await.unwrap();
        assert!(is_there(&store, "b").await && !is_there(&store, "a").await);
    }

    #[tokio::test]
    async fn items_that_have_ended_make_room() {
        let store = store(ByteSize::kib(200));
        for index in 0..400 {
            store.set(ending(&index.to_string(), 200)).await.unwrap();
        }
        assert_eq!(
            store.set(item("large", 150_000)).await.unwrap_err().case(),
            "unavailable"
        );
        tokio::time::sleep(Duration::from_millis(2_100)).await;
        store.set(item("large", 150_000)).await.unwrap();
    }

    #[tokio::test]
    async fn what_is_gone_takes_no_room() {
        let store = store(ByteSize::mib(1));
        for round in 0..3 {
            store.set(item("a", round * 100)).await.unwrap();
            store.set(ending("a", 50)).await.unwrap();
            store.set(ending("b", 50)).await.unwrap();
        }
        let typed = SetItem {
            content_type: Some(ContentType::new("a/b").unwrap()),
            ..ending("b", 10)
        };
        store.set(typed).await.unwrap();
        for name in ["a", "b", "never"] {
            store.delete(DeleteItem::new(key(name))).await.unwrap();
        }
        let items = store.read();
        assert_eq!((items.size, items.by_key.len(), items.by_end.len()), (0, 0, 0));
    }

    #[tokio::test]
    async fn writes_remove_items_that_have_ended() {
        let store = store(ByteSize::mib(1));
        for index in 0..100 {
            store.set(ending(&index.to_string(), 1)).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(2_100)).await;
        store.set(item("a", 1)).await.unwrap();
        assert_eq!(store.read().by_key.len(), 100 - PURGED_PER_WRITE + 1);
        store.set(item("b", 1)).await.unwrap();
        assert_eq!(store.read().by_key.len(), 2);
    }

    #[test]
    fn etags_of_two_runs_differ() {
        assert_ne!(Etags::new().next(), Etags::new().next());
    }
}
