//! The items: a store that does as it should.

use crate::bindings::dapr::state::provider_types::{DeleteItem, Error, Operation, SetItem};
use crate::bindings::dapr::state::types::{Condition, Entry};
use std::collections::BTreeMap;
use std::time::SystemTime;

/// All items of an instance.
#[derive(Default)]
pub struct Items {
    items: BTreeMap<String, Entry>,
    writes: u64,
}

pub fn set(item: SetItem) -> Operation {
    Operation::Set(item)
}

pub fn delete(item: DeleteItem) -> Operation {
    Operation::Delete(item)
}

/// The key of an operation.
pub fn key(operation: &Operation) -> &String {
    match operation {
        Operation::Set(item) => &item.key,
        Operation::Delete(item) => &item.key,
    }
}

impl Items {
    /// The item of a key, unless it has ended.
    pub fn get(&self, key: &str) -> Option<Entry> {
        let found = self.items.get(key).cloned();
        found.filter(|entry| entry.expires_at.is_none_or(|end| now() < end))
    }

    /// The items of keys, as long as they are not too large together.
    pub fn get_all(&self, keys: &[String], max_bytes: u32) -> Result<Vec<Option<Entry>>, Error> {
        let mut left = max_bytes as usize;
        let mut entries = Vec::new();
        for key in keys {
            let entry = self.get(key);
            let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
            let size = entry.as_ref().map_or(0, |entry| {
                entry.value.len() + text(&entry.etag) + text(&entry.content_type)
            });
            left = left
                .checked_sub(size)
                .ok_or_else(|| Error::TooLarge(format!("more than {max_bytes} bytes")))?;
            entries.push(entry);
        }
        Ok(entries)
    }

    /// Does all operations or none.
    pub fn apply(&mut self, operations: Vec<Operation>) -> Result<(), Error> {
        for operation in &operations {
            let found = self.get(key(operation)).map(|entry| entry.etag);
            let holds = match operation {
                Operation::Set(item) => match &item.condition {
                    Condition::Any => true,
                    Condition::Absent => found.is_none(),
                    Condition::Matches(etag) => found == Some(Some(etag.clone())),
                },
                Operation::Delete(item) => item.etag.is_none() || found == Some(item.etag.clone()),
            };
            if !holds {
                return Err(Error::EtagMismatch(Some(key(operation).clone())));
            }
        }
        for operation in operations {
            self.change(operation);
        }
        Ok(())
    }

    fn change(&mut self, operation: Operation) {
        match operation {
            Operation::Delete(item) => drop(self.items.remove(&item.key)),
            Operation::Set(item) => {
                self.writes += 1;
                let entry = Entry {
                    value: item.value,
                    etag: Some(self.writes.to_string()),
                    content_type: item.content_type,
                    // The second that has begun does not count.
                    expires_at: item.ttl.map(|ttl| now() + 1 + u64::from(ttl)),
                    metadata: Vec::new(),
                };
                self.items.insert(item.key, entry);
            }
        }
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}
