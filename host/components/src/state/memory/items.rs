//! The map of items, and how much it holds.

use crate::state::expiry;
use crate::state::walk::{self, Step, Turn, Walk};
use dapr_blocks::config::ByteSize;
use dapr_blocks::state::{Condition, ContentType, Entry, Etag, Key, Metadata, StateError};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::time::SystemTime;

/// What is to become of a key.
pub(super) struct Change {
    pub(super) key: Key,
    pub(super) condition: Condition,
    /// None: it is removed.
    pub(super) item: Option<Item>,
}

impl Change {
    fn size(&self) -> usize {
        self.item.as_ref().map_or(0, |item| item.size(self.key.as_str()))
    }
}

/// An item. A clone of it shares the value.
#[derive(Clone)]
pub(super) struct Item {
    pub(super) value: Arc<Vec<u8>>,
    pub(super) etag: Option<Etag>,
    pub(super) content_type: Option<ContentType>,
    /// In seconds since the Unix epoch.
    pub(super) expires_at: Option<u64>,
}

impl Item {
    /// About what an item costs beside its key, value and content type: its place in the map and in the index of ends, its
    /// etag, and what the allocator adds.
    const OVERHEAD: usize = 256;

    fn size(&self, key: &str) -> usize {
        let content_type = self
            .content_type
            .as_ref()
            .map_or(0, |content_type| content_type.as_str().len());
        Self::OVERHEAD + key.len() + self.value.capacity() + content_type
    }

    fn is_live(&self, now: impl FnOnce() -> SystemTime) -> bool {
        // Most items have no end, and then nobody need look at the clock.
        self.expires_at.is_none_or(|end| !expiry::has_ended(end, now()))
    }

    /// Copies the value, unless nobody else has it any more.
    pub(super) fn into_entry(self) -> Entry {
        let Self {
            value,
            etag,
            content_type,
            expires_at,
        } = self;
        let value = Arc::unwrap_or_clone(value);
        Entry {
            value,
            etag,
            content_type,
            expires_at,
            metadata: Metadata::default(),
        }
    }
}

/// Items by key, and those that end also by their end.
#[derive(Default)]
pub(super) struct Items {
    pub(super) by_key: BTreeMap<Arc<str>, Item>,
    pub(super) by_end: BTreeSet<(u64, Arc<str>)>,
    /// The sum of the items' sizes.
    pub(super) size: usize,
}

impl Items {
    /// The item of a key, unless it has ended.
    pub(super) fn live(&self, key: &str) -> Option<&Item> {
        self.by_key.get(key).filter(|item| item.is_live(SystemTime::now))
    }

    /// Whether a change's condition holds.
    pub(super) fn check(&self, change: &Change, now: SystemTime) -> Result<(), StateError> {
        let found = || self.by_key.get(change.key.as_str()).filter(|item| item.is_live(|| now));
        let holds = match &change.condition {
            Condition::Any => true,
            Condition::Absent => found().is_none(),
            Condition::Matches(etag) => found().is_some_and(|item| item.etag.as_ref() == Some(etag)),
        };
        if holds {
            Ok(())
        } else {
            Err(StateError::EtagMismatch {
                key: Some(change.key.as_str().to_owned()),
            })
        }
    }

    /// Refuses changes that would make the store larger than it may be, and larger than it is.
    pub(super) fn make_room(&mut self, changes: &[Change], max: ByteSize, now: SystemTime) -> Result<(), StateError> {
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
            return self.make_room(changes, max, now);
        }
        Err(StateError::Unavailable {
            reason: format!("it is full: its items have its `maxSize` of {max}"),
            source: None,
        })
    }

    /// Does one change; the item that it replaces comes back.
    pub(super) fn change(&mut self, change: Change) -> Option<Item> {
        let added = change.size();
        let Change { key, item, .. } = change;
        let key: Arc<str> = Arc::from(key.as_str());
        let end = item.as_ref().and_then(|item| item.expires_at);
        let old = match item {
            Some(item) => self.by_key.insert(Arc::clone(&key), item),
            None => self.by_key.remove(&key),
        };
        if let Some(old) = &old {
            self.size -= old.size(&key);
            // Before the new end is noted, since it may be the same.
            old.expires_at.map(|end| self.by_end.remove(&(end, Arc::clone(&key))));
        }
        self.size += added;
        self.by_end.extend(end.map(|end| (end, key)));
        old
    }

    /// Removes at most so many items that have ended, and answers how many.
    pub(super) fn purge(&mut self, now: SystemTime, at_most: usize) -> usize {
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

    /// Goes on with a listing, until it pauses or its page is done.
    pub(super) fn walk(&self, mut walk: Walk) -> Turn {
        let now = SystemTime::now();
        let from = str::from_utf8(walk.from()).expect("all keys here are text").to_owned();
        let range = self
            .by_key
            .range::<str, _>((Bound::Included(from.as_str()), Bound::Unbounded));
        for (key, item) in range {
            let item = match item.is_live(|| now) {
                true => walk::Item::Live,
                false => walk::Item::Ended,
            };
            match walk.look(key.as_bytes(), item) {
                Step::On => {}
                Step::Pause => return Turn::Paused(walk),
                Step::Done => break,
            }
        }
        Turn::Page(walk.page())
    }
}
