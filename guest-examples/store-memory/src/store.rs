//! The store: what the operations of the contract do to the items.
//!
//! Every write is a transaction, if only of one operation, so that conditions and room are looked at in one place: first all
//! that could fail, then all that changes.

use crate::{
    bindings::exports::dapr::state::provider::{
        Condition, DeleteItem, Entry, Error, Listing, Operation, Page, SetItem,
    },
    etags::Etags,
    expiry,
    items::{self, Item, Items},
    now::Now,
    settings::Settings,
};

/// How many ended items a write removes: more than it mostly adds, so that they cannot pile up, and few enough that nobody
/// waits for it.
const REMOVED_PER_WRITE: usize = 64;

/// Items, and the etags that they get.
pub struct Store {
    items: Items,
    etags: Etags,
    max_size: usize,
}

impl Store {
    /// An empty store. `run` must be another number for each.
    pub fn new(settings: &Settings, run: u64) -> Self {
        Self {
            items: Items::default(),
            etags: Etags::new(run),
            max_size: settings.max_size,
        }
    }

    /// The item of a key.
    pub fn get(&self, key: &str, now: &Now) -> Option<Entry> {
        self.items.live(key, now).map(entry)
    }

    /// The items of keys, in their order.
    pub fn bulk_get(&self, keys: &[String], max_bytes: u32, now: &Now) -> Result<Vec<Option<Entry>>, Error> {
        let mut left = max_bytes as usize;
        let found = keys.iter().map(|key| {
            let Some(item) = self.items.live(key, now) else {
                return Ok(None);
            };
            let too_large = || Error::TooLarge(format!("the items exceed {max_bytes} bytes together"));
            // Before the item is copied, or a thousand of the largest would be.
            left = left.checked_sub(answer_size(item)).ok_or_else(too_large)?;
            Ok(Some(entry(item)))
        });
        found.collect()
    }

    /// Does all operations, or none if a condition does not hold or the store is full.
    pub fn apply(&mut self, operations: Vec<Operation>, now: &Now) -> Result<(), Error> {
        self.items.remove_ended(now, REMOVED_PER_WRITE);
        for operation in &operations {
            self.check(operation, now)?;
        }
        self.make_room(&operations, now)?;
        for operation in operations {
            match operation {
                Operation::Set(item) => self.set(item, now),
                Operation::Delete(item) => self.items.remove(&item.key),
            }
        }
        Ok(())
    }

    /// A page of keys, in order.
    pub fn list(&self, listing: &Listing, now: &Now) -> Result<Page, Error> {
        let limit = listing.limit as usize;
        let found = self.items.keys_from(listing.start()?, now);
        let found = found.take_while(|key| key.starts_with(&listing.prefix));
        let mut own = found.filter(|key| listing.has(key)).map(str::to_owned);
        let keys: Vec<String> = own.by_ref().take(limit).collect();
        let next = own.next().and_then(|_| keys.last().cloned());
        Ok(Page { keys, next })
    }

    fn check(&self, operation: &Operation, now: &Now) -> Result<(), Error> {
        let (key, holds) = match operation {
            Operation::Set(SetItem { key, condition, .. }) => {
                let item = self.items.live(key, now);
                let holds = match condition {
                    Condition::Any => true,
                    Condition::Absent => item.is_none(),
                    Condition::Matches(etag) => item.is_some_and(|item| item.etag == *etag),
                };
                (key, holds)
            }
            Operation::Delete(DeleteItem { key, etag: None, .. }) => (key, true),
            Operation::Delete(DeleteItem {
                key, etag: Some(etag), ..
            }) => {
                let item = self.items.live(key, now);
                (key, item.is_some_and(|item| item.etag == *etag))
            }
        };
        if holds {
            Ok(())
        } else {
            Err(Error::EtagMismatch(Some(key.clone())))
        }
    }

    /// Refuses operations that would make the store larger than it may be, and larger than it is.
    fn make_room(&mut self, operations: &[Operation], now: &Now) -> Result<(), Error> {
        if self.has_room(operations) {
            return Ok(());
        }
        self.items.remove_ended(now, usize::MAX);
        if self.has_room(operations) {
            return Ok(());
        }
        let max = self.max_size;
        Err(Error::Unavailable(format!(
            "the store is full: `max-size` is {max} bytes"
        )))
    }

    fn has_room(&self, operations: &[Operation]) -> bool {
        let (mut added, mut removed) = (0, 0);
        for operation in operations {
            let key = match operation {
                Operation::Set(SetItem {
                    key,
                    value,
                    content_type,
                    ..
                }) => {
                    added += items::size(key, value, content_type.as_deref());
                    key
                }
                Operation::Delete(DeleteItem { key, .. }) => key,
            };
            removed += self.items.size_of(key);
        }
        added <= removed || self.items.size() + added - removed <= self.max_size
    }

    fn set(&mut self, item: SetItem, now: &Now) {
        let new = Item {
            value: item.value,
            etag: self.etags.next(),
            content_type: item.content_type,
            expires_at: item.ttl.map(|ttl| expiry::end(ttl, now.time())),
        };
        self.items.insert(item.key, new);
    }
}

fn entry(item: &Item) -> Entry {
    Entry {
        value: item.value.clone(),
        etag: Some(item.etag.clone()),
        content_type: item.content_type.clone(),
        expires_at: item.expires_at,
        metadata: Vec::new(),
    }
}

/// What counts toward the bytes of an answer.
fn answer_size(item: &Item) -> usize {
    item.value.len() + item.etag.len() + item.content_type.as_ref().map_or(0, String::len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime};

    fn at(millis: u64) -> Now {
        Now::at(SystemTime::UNIX_EPOCH + Duration::from_millis(millis))
    }

    /// Where the time does not matter.
    fn any_time() -> Now {
        at(0)
    }

    fn store(max_size: usize) -> Store {
        Store::new(&Settings { max_size }, 1)
    }

    fn large() -> Store {
        store(1 << 20)
    }

    fn item(key: &str, size: usize) -> SetItem {
        SetItem {
            key: key.to_owned(),
            value: vec![7; size],
            condition: Condition::Any,
            ttl: None,
            content_type: None,
            consistency: None,
            metadata: Vec::new(),
        }
    }

    fn set(key: &str, condition: Condition) -> Operation {
        Operation::Set(SetItem {
            condition,
            ..item(key, 1)
        })
    }

    fn sized(key: &str, size: usize) -> Operation {
        Operation::Set(item(key, size))
    }

    fn ending(key: &str, size: usize, ttl: u32) -> Operation {
        Operation::Set(SetItem {
            ttl: Some(ttl),
            ..item(key, size)
        })
    }

    fn delete(key: &str, etag: Option<&str>) -> Operation {
        Operation::Delete(DeleteItem {
            key: key.to_owned(),
            etag: etag.map(str::to_owned),
            consistency: None,
            metadata: Vec::new(),
        })
    }

    fn etag(store: &Store, key: &str) -> String {
        let entry = store.get(key, &any_time()).expect("it is there");
        entry.etag.expect("every item has one")
    }

    fn is_mismatch(result: Result<(), Error>, on: &str) -> bool {
        matches!(result, Err(Error::EtagMismatch(Some(key))) if key == on)
    }

    // ---- conditions ----

    #[test]
    fn a_condition_that_holds_lets_the_write_through() {
        let mut store = large();
        assert!(store.apply(vec![set("a", Condition::Absent)], &any_time()).is_ok());
        let first = etag(&store, "a");
        assert!(
            store
                .apply(vec![set("a", Condition::Matches(first.clone()))], &any_time())
                .is_ok()
        );
        let second = etag(&store, "a");
        assert_ne!(first, second, "every write changes the etag");
        assert!(store.apply(vec![delete("a", Some(&second))], &any_time()).is_ok());
        assert!(store.get("a", &any_time()).is_none());
    }

    #[test]
    fn a_condition_that_does_not_hold_mismatches_and_changes_nothing() {
        let mut store = large();
        assert!(store.apply(vec![sized("a", 1)], &any_time()).is_ok());
        let before = etag(&store, "a");
        let matches = |etag: &str| Condition::Matches(etag.to_owned());
        for operation in [
            set("a", Condition::Absent),
            set("a", matches("no etag")),
            delete("a", Some("0")),
        ] {
            assert!(is_mismatch(store.apply(vec![operation], &any_time()), "a"));
        }
        for operation in [set("b", matches(&before)), delete("b", Some(&before))] {
            assert!(
                is_mismatch(store.apply(vec![operation], &any_time()), "b"),
                "an etag on what is absent"
            );
        }
        assert_eq!(etag(&store, "a"), before);
    }

    #[test]
    fn deleting_what_is_absent_is_no_error() {
        assert!(large().apply(vec![delete("a", None)], &any_time()).is_ok());
    }

    // ---- transactions ----

    #[test]
    fn one_condition_that_does_not_hold_undoes_all() {
        let mut store = large();
        assert!(store.apply(vec![sized("a", 1)], &any_time()).is_ok());
        let operations = vec![
            sized("b", 1),
            delete("a", None),
            set("c", Condition::Matches("0".to_owned())),
        ];
        assert!(is_mismatch(store.apply(operations, &any_time()), "c"));
        assert!(store.get("a", &any_time()).is_some() && store.get("b", &any_time()).is_none());
    }

    // ---- TTL ----

    #[test]
    fn an_item_that_has_ended_is_absent_everywhere() {
        let mut store = large();
        assert!(store.apply(vec![ending("a", 1, 2)], &at(100)).is_ok());
        let entry = store.get("a", &at(2_999)).expect("its TTL has not passed");
        assert_eq!(entry.expires_at, Some(3));
        let etag = entry.etag.expect("every item has one");

        assert!(store.get("a", &at(3_000)).is_none());
        assert!(keys(&store, 10, None, &at(3_000)).keys.is_empty());
        assert!(is_mismatch(
            store.apply(vec![delete("a", Some(&etag))], &at(3_000)),
            "a"
        ));
        assert!(store.apply(vec![set("a", Condition::Absent)], &at(3_000)).is_ok());
    }

    #[test]
    fn a_set_without_ttl_clears_an_earlier_one() {
        let mut store = large();
        assert!(store.apply(vec![ending("a", 1, 2)], &at(0)).is_ok());
        assert!(store.apply(vec![sized("a", 1)], &at(0)).is_ok());
        let entry = store.get("a", &at(1_000_000)).expect("it does not end");
        assert_eq!(entry.expires_at, None);
    }

    #[test]
    fn writes_remove_items_that_have_ended() {
        let mut store = large();
        let operations = (0..100).map(|index| ending(&index.to_string(), 1, 1));
        assert!(store.apply(operations.collect(), &at(0)).is_ok());
        for _ in 0..2 {
            assert!(store.apply(vec![sized("a", 1)], &at(1_000)).is_ok());
        }
        assert_eq!(store.items.size(), store.items.size_of("a"));
    }

    // ---- room ----

    #[test]
    fn a_full_store_refuses_what_would_make_it_larger_and_changes_nothing() {
        let mut store = store(10_000);
        assert!(
            store
                .apply(vec![sized("a", 4_000), sized("b", 4_000)], &any_time())
                .is_ok()
        );
        let refused = store.apply(vec![sized("a", 1), sized("c", 8_000)], &any_time());
        let Err(Error::Unavailable(text)) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(text, "the store is full: `max-size` is 10000 bytes");
        assert_eq!(store.get("a", &any_time()).map(|entry| entry.value.len()), Some(4_000));

        assert!(
            store
                .apply(vec![delete("a", None), sized("c", 4_000)], &any_time())
                .is_ok()
        );
        assert!(store.apply(vec![sized("c", 3_000)], &any_time()).is_ok());
    }

    #[test]
    fn items_that_have_ended_make_room() {
        let mut store = store(100_000);
        let operations = (0..200).map(|index| ending(&index.to_string(), 100, 1));
        assert!(store.apply(operations.collect(), &at(0)).is_ok());
        assert!(store.apply(vec![sized("large", 90_000)], &at(999)).is_err());
        assert!(store.apply(vec![sized("large", 90_000)], &at(1_000)).is_ok());
    }

    // ---- bulk-get ----

    #[test]
    fn a_bulk_get_answers_in_the_order_of_the_keys_what_fits() {
        let mut store = large();
        assert!(store.apply(vec![sized("a", 100), sized("b", 200)], &any_time()).is_ok());
        let names = ["b", "never", "a", "b"].map(str::to_owned);
        let found = store.bulk_get(&names, 10_000, &any_time()).expect("it fits");
        let sizes: Vec<_> = found
            .iter()
            .map(|entry| entry.as_ref().map(|entry| entry.value.len()))
            .collect();
        assert_eq!(sizes, [Some(200), None, Some(100), Some(200)]);
        assert!(matches!(
            store.bulk_get(&names, 500, &any_time()),
            Err(Error::TooLarge(_))
        ));
    }

    // ---- listing ----

    fn keys(store: &Store, limit: u32, position: Option<&str>, now: &Now) -> Page {
        let position = position.map(str::to_owned);
        let prefix = String::new();
        store
            .list(
                &Listing {
                    prefix,
                    limit,
                    position,
                },
                now,
            )
            .expect("the position can be")
    }

    #[test]
    fn pages_give_every_key_and_the_last_one_has_no_next() {
        let mut store = large();
        let names = ["d", "b||of another", "a", "c", "b"].map(|name| sized(name, 1));
        assert!(store.apply(names.into(), &any_time()).is_ok());
        let first = keys(&store, 2, None, &any_time());
        assert_eq!(
            (first.keys, first.next.as_deref()),
            (vec!["a".to_owned(), "b".to_owned()], Some("b"))
        );
        let last = keys(&store, 2, Some("b"), &any_time());
        assert_eq!((last.keys, last.next), (vec!["c".to_owned(), "d".to_owned()], None));
    }
}
