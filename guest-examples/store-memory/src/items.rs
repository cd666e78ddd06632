//! The map of items, which of them end when, and how much they take.

use crate::{expiry, now::Now};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    rc::Rc,
};

/// What is kept under a key.
pub struct Item {
    pub value: Vec<u8>,
    pub etag: String,
    pub content_type: Option<String>,
    /// In seconds since the Unix epoch.
    pub expires_at: Option<u64>,
}

impl Item {
    fn is_live(&self, now: &Now) -> bool {
        self.expires_at.is_none_or(|end| !expiry::has_ended(end, now.time()))
    }

    fn size(&self, key: &str) -> usize {
        size(key, &self.value, self.content_type.as_deref())
    }
}

/// About what an item costs beside its key, value and content type: its places in both maps, its etag, and what the
/// allocator adds.
const OVERHEAD: usize = 256;

/// What an item takes, or would take.
pub fn size(key: &str, value: &[u8], content_type: Option<&str>) -> usize {
    OVERHEAD + key.len() + value.len() + content_type.map_or(0, str::len)
}

/// Items by key, in order, and those that end also by their end: else finding those that have ended would be reading all.
#[derive(Default)]
pub struct Items {
    by_key: BTreeMap<Rc<str>, Item>,
    by_end: BTreeSet<(u64, Rc<str>)>,
    size: usize,
}

impl Items {
    /// The item of a key, unless it has ended.
    pub fn live(&self, key: &str, now: &Now) -> Option<&Item> {
        self.by_key.get(key).filter(|item| item.is_live(now))
    }

    /// Keys of items that have not ended, in order, from a bound on.
    pub fn keys_from<'a>(&'a self, from: Bound<&'a str>, now: &'a Now) -> impl Iterator<Item = &'a str> {
        let range = self.by_key.range::<str, _>((from, Bound::Unbounded));
        range.filter(move |(_, item)| item.is_live(now)).map(|(key, _)| &**key)
    }

    /// What all items take.
    pub fn size(&self) -> usize {
        self.size
    }

    /// What an item takes, ended or not; nothing if there is none.
    pub fn size_of(&self, key: &str) -> usize {
        self.by_key.get(key).map_or(0, |item| item.size(key))
    }

    /// Puts an item in the place of what was there.
    pub fn insert(&mut self, key: String, item: Item) {
        self.remove(&key);
        let key = Rc::<str>::from(key);
        self.size += item.size(&key);
        if let Some(end) = item.expires_at {
            self.by_end.insert((end, Rc::clone(&key)));
        }
        self.by_key.insert(key, item);
    }

    /// Removes what is there.
    pub fn remove(&mut self, key: &str) {
        let Some((key, item)) = self.by_key.remove_entry(key) else {
            return;
        };
        self.size -= item.size(&key);
        if let Some(end) = item.expires_at {
            self.by_end.remove(&(end, key));
        }
    }

    /// Removes items that have ended, at most so many.
    pub fn remove_ended(&mut self, now: &Now, at_most: usize) {
        for _ in 0..at_most {
            let ended = self
                .by_end
                .first()
                .filter(|(end, _)| expiry::has_ended(*end, now.time()));
            let Some((_, key)) = ended.cloned() else { return };
            self.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(size: usize, expires_at: Option<u64>) -> Item {
        Item {
            value: vec![0; size],
            etag: "1".to_owned(),
            content_type: Some("a/b".to_owned()),
            expires_at,
        }
    }

    #[test]
    fn what_is_gone_takes_no_room() {
        let mut items = Items::default();
        let ends = [None, Some(1), Some(1), Some(2), None];
        for (size, end) in ends.into_iter().enumerate() {
            items.insert("a".to_owned(), item(size, end));
            items.insert("b".to_owned(), item(size, end));
            items.remove("b");
        }
        assert_eq!(items.size(), items.size_of("a"));
        items.remove("a");
        items.remove("never");
        assert_eq!((items.size(), items.by_key.len(), items.by_end.len()), (0, 0, 0));
    }
}
