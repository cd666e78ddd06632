//! The items: a store that does as it should.

use crate::bindings::exports::dapr::state::provider::{Condition, Entry, Error, Operation};
use std::cell::{Cell, LazyCell, RefCell};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::time::SystemTime;

thread_local! {
    static ITEMS: RefCell<BTreeMap<String, Entry>> = const { RefCell::new(BTreeMap::new()) };
    static WRITES: Cell<u64> = const { Cell::new(0) };
    static INSTANCE: LazyCell<u64> = LazyCell::new(|| RandomState::new().hash_one(SystemTime::now()));
}

/// A number that each instance has for itself.
pub fn instance() -> u64 {
    INSTANCE.with(|number| **number)
}

/// The item of a key, unless it has ended.
pub fn get(key: &str) -> Option<Entry> {
    let found = ITEMS.with_borrow(|items| items.get(key).cloned());
    found.filter(|entry| entry.expires_at.is_none_or(|end| now() < end))
}

/// All keys that have not ended, in order.
pub fn keys() -> Vec<String> {
    let keys = ITEMS.with_borrow(|items| items.keys().cloned().collect::<Vec<_>>());
    keys.into_iter().filter(|key| get(key).is_some()).collect()
}

/// The key of an operation.
pub fn key(operation: &Operation) -> &str {
    match operation {
        Operation::Set(item) => &item.key,
        Operation::Delete(item) => &item.key,
    }
}

/// Does all operations or none.
pub fn apply(operations: Vec<Operation>) -> Result<(), Error> {
    for operation in &operations {
        let found = get(key(operation)).map(|entry| entry.etag);
        let holds = match operation {
            Operation::Set(item) => match &item.condition {
                Condition::Any => true,
                Condition::Absent => found.is_none(),
                Condition::Matches(etag) => found == Some(Some(etag.clone())),
            },
            Operation::Delete(item) => item.etag.is_none() || found == Some(item.etag.clone()),
        };
        if !holds {
            return Err(Error::EtagMismatch(Some(key(operation).to_owned())));
        }
    }
    for operation in operations {
        change(operation);
    }
    Ok(())
}

fn change(operation: Operation) {
    ITEMS.with_borrow_mut(|items| match operation {
        Operation::Delete(item) => drop(items.remove(&item.key)),
        Operation::Set(item) => {
            let entry = Entry {
                value: item.value,
                etag: Some(etag()),
                content_type: item.content_type,
                // The second that has begun does not count.
                expires_at: item.ttl.map(|ttl| now() + 1 + u64::from(ttl)),
                metadata: Vec::new(),
            };
            items.insert(item.key, entry);
        }
    });
}

fn etag() -> String {
    WRITES.set(WRITES.get() + 1);
    format!("{:x}-{}", instance(), WRITES.get())
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}
