//! A page of a listing, from a store that has its keys in the order of their bytes.
//!
//! Among an app's keys may stand others, of actors or of other apps, and any number of them; while a store looks at those,
//! somebody waits for its lock or its thread. So a walk pauses, and others get their turn:
//!
//! | after | it goes on |
//! |---|---|
//! | [`DENIED`] keys in a row that the app cannot name | behind all that are denied for the same |
//! | [`STRETCH`] keys, whichever | where it was |
//!
//! A page does not end at a pause. An app can read where its next page begins, and among keys of others that would tell of
//! them.

use dapr_blocks::state::{Listing, StoredPage};

/// Keys in a row that the app cannot name, before a leap: to find a place costs as much as to look at some dozens of keys.
const DENIED: usize = 64;

/// Keys that are looked at without a pause: some milliseconds.
const STRETCH: usize = 10_000;

/// A listing as far as it has come.
pub(super) struct Walk {
    listing: Listing,
    from: Vec<u8>,
    keys: Vec<String>,
    /// Whether there are more keys than the page may have.
    full: bool,
    /// Keys since the last pause.
    looked_at: usize,
    /// Keys since the last one that the app can name.
    denied: usize,
}

/// Whether a key that was looked at has an item.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    Live,
    Ended,
}

/// What to do after a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Look at the next one.
    On,
    /// Let others have their turn, and go on from [`Walk::from`].
    Pause,
    /// The page is full, or this key is none of those that begin with the prefix.
    Done,
}

/// What came of a store's turn.
#[cfg(any(feature = "state-memory", feature = "state-sqlite"))]
pub(super) enum Turn {
    Paused(Walk),
    Page(StoredPage),
}

impl Walk {
    /// A walk that has not begun.
    pub(super) fn new(listing: &Listing) -> Self {
        Self {
            from: listing
                .position()
                .map_or_else(|| listing.prefix().into(), |key| behind(key.as_bytes())),
            listing: listing.clone(),
            keys: Vec::new(),
            full: false,
            looked_at: 0,
            denied: 0,
        }
    }

    /// The least key to look at.
    pub(super) fn from(&self) -> &[u8] {
        &self.from
    }

    /// Has it go on behind this key, where what a store has found ends with it.
    #[cfg(feature = "state-postgresql")]
    pub(super) fn go_on_behind(&mut self, key: &[u8]) {
        self.from = behind(key);
    }

    /// Looks at the next key, in the order of their bytes. One that is no text, which Go may write, no app can name.
    pub(super) fn look(&mut self, key: &[u8], item: Item) -> Step {
        if !key.starts_with(self.listing.prefix().as_bytes()) {
            return Step::Done;
        }
        let text = std::str::from_utf8(key).ok();
        match text.filter(|text| self.listing.has(text)) {
            Some(_) if item == Item::Ended => {}
            Some(_) if self.keys.len() == self.listing.limit() => {
                self.full = true;
                return Step::Done;
            }
            Some(text) => {
                self.keys.push(text.to_owned());
                self.denied = 0;
            }
            None => self.denied += 1,
        }
        self.looked_at += 1;
        self.pace(key, text)
    }

    fn pace(&mut self, key: &[u8], text: Option<&str>) -> Step {
        let leap = text.filter(|_| self.denied >= DENIED);
        let leap = leap.and_then(|text| self.listing.past(text));
        if leap.is_none() && self.looked_at < STRETCH {
            return Step::On;
        }
        self.looked_at = 0;
        self.denied = 0;
        self.from = leap.map_or_else(|| behind(key), String::into_bytes);
        Step::Pause
    }

    /// The page of a walk that is done.
    pub(super) fn page(self) -> StoredPage {
        StoredPage {
            next: self.keys.last().filter(|_| self.full).cloned(),
            keys: self.keys,
        }
    }
}

/// The least key behind this one.
fn behind(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dapr_blocks::state::{KeyPrefix, Limits, PageLimit};

    fn listing() -> Listing {
        let owner = KeyPrefix::AppId.resolve("app", "s", None);
        let listing = owner.listing("", &Limits::default()).unwrap();
        listing.page(PageLimit::new(10).unwrap(), None).unwrap()
    }

    /// What a listing finds among these keys, and how many it looked at between its pauses.
    fn walked(mut stored: Vec<Vec<u8>>) -> (Vec<String>, Vec<usize>) {
        stored.sort();
        let mut walk = Walk::new(&listing());
        let mut stretches = Vec::new();
        loop {
            let rest = stored.partition_point(|key| key.as_slice() < walk.from())..;
            let mut looked_at = 0;
            let step = stored[rest].iter().map(|key| walk.look(key, Item::Live));
            let step = step.inspect(|_| looked_at += 1).find(|step| *step != Step::On);
            stretches.push(looked_at);
            if step != Some(Step::Pause) {
                return (walk.page().keys, stretches);
            }
        }
    }

    /// These keys, and three that the app can name: before them, among them and behind.
    fn among(others: impl Iterator<Item = Vec<u8>>) -> Vec<usize> {
        let own = ["app||1", "app||t500", "app||z"];
        let (found, stretches) = walked(others.chain(own.map(|key| key.as_bytes().to_vec())).collect());
        assert_eq!(found, own);
        stretches
    }

    #[test]
    fn any_number_of_keys_that_are_denied_for_the_same_are_leapt_over() {
        let actors = |index: usize| format!("app||type||{index}||k").into_bytes();
        let nul = |index: usize| format!("app||u\0{index}").into_bytes();
        let long = |index: usize| format!("app||{}{index}", "v".repeat(Limits::default().key)).into_bytes();
        let many = (0..50_000).flat_map(|index| [actors(index), nul(index), long(index)]);
        let stretches = among(many);
        assert!(stretches.iter().sum::<usize>() < 4 * DENIED, "{stretches:?}");
    }

    #[test]
    fn among_keys_that_are_denied_each_for_itself_a_walk_pauses() {
        let types = |index: usize| format!("app||t{index}||id||k").into_bytes();
        let no_text = |index: usize| [b"app||u\xff".as_slice(), index.to_string().as_bytes()].concat();
        let stretches = among((0..25_000).map(types).chain((0..25_000).map(no_text)));
        assert!(stretches.iter().all(|looked_at| *looked_at <= STRETCH), "{stretches:?}");
        assert!(stretches.contains(&STRETCH), "{stretches:?}");
    }

    #[test]
    fn a_page_is_full_and_says_where_it_ended_whatever_stood_between() {
        let keys = |index: usize| [format!("app||k{index:02}"), format!("app||k{index:02}||id||k")];
        let stored: Vec<_> = (0..11).flat_map(keys).collect();
        let mut walk = Walk::new(&listing());
        let steps: Vec<_> = stored.iter().map(|key| walk.look(key.as_bytes(), Item::Live)).collect();
        assert_eq!(steps.iter().position(|step| *step == Step::Done), Some(20));
        let page = walk.page();
        assert_eq!((page.keys.len(), page.next.as_deref()), (10, Some("app||k09")));
    }

    #[test]
    fn an_item_that_has_ended_is_passed_and_counts() {
        let mut walk = Walk::new(&listing());
        let steps = (0..STRETCH).map(|index| walk.look(format!("app||{index}").as_bytes(), Item::Ended));
        assert_eq!(steps.last(), Some(Step::Pause));
        assert_eq!(walk.page(), StoredPage::default());
    }
}
