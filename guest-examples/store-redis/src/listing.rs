//! Which keys are listed, and which of them are a page.
//!
//! Apps share the store, and what keeps them apart is what their keys begin with: `APP||`. A key with a further `||` in it is
//! another's, such as an actor's; no app can name it, so none may learn of it.
//!
//! Redis has no order, and its SCAN promises only that a key that is there all the time comes at least once in a whole round.
//! So a page is a whole round, of which the first keys are kept that come after the page before.

use crate::bindings::exports::dapr::state::provider::{Error, Listing, Page};
use std::collections::BTreeSet;

/// A page that is being collected.
pub struct Collected<'a> {
    listing: &'a Listing,
    /// The first keys in order, one more than the page has: whether there is a next one.
    keys: BTreeSet<String>,
}

impl<'a> Collected<'a> {
    /// Nothing yet.
    pub fn new(listing: &'a Listing) -> Result<Self, Error> {
        // It is the last key of the page before. That may be gone by now.
        if listing.position.as_deref().is_some_and(|key| !listing.has(key)) {
            return Err(Error::Invalid("no page of this listing ends there".to_owned()));
        }
        Ok(Self {
            listing,
            keys: BTreeSet::new(),
        })
    }

    /// Takes a key that SCAN gave, if it is of the page.
    pub fn add(&mut self, key: &[u8]) {
        let Ok(key) = str::from_utf8(key) else { return };
        let is_next = self.listing.position.as_deref().is_none_or(|last| key > last);
        if is_next && self.listing.has(key) {
            self.keys.insert(key.to_owned());
            if self.keys.len() > self.listing.limit as usize + 1 {
                self.keys.pop_last();
            }
        }
    }

    /// The page.
    pub fn page(mut self) -> Page {
        let has_next = self.keys.len() > self.listing.limit as usize;
        if has_next {
            self.keys.pop_last();
        }
        Page {
            next: self.keys.last().filter(|_| has_next).cloned(),
            keys: self.keys.into_iter().collect(),
        }
    }
}

impl Listing {
    /// What SCAN matches: the prefix and anything behind it.
    pub fn pattern(&self) -> String {
        let mut pattern = String::new();
        for char in self.prefix.chars() {
            if matches!(char, '*' | '?' | '[' | ']' | '\\') {
                pattern.push('\\');
            }
            pattern.push(char);
        }
        pattern + "*"
    }

    /// Whether a key is the app's own and begins with the prefix.
    fn has(&self, key: &str) -> bool {
        // Not all of the prefix is left out: of `app||a|`, the last `|` and the one behind it may be a `||`.
        let apps_part = self.prefix.find(SEPARATOR).map_or(0, |at| at + SEPARATOR.len());
        key.starts_with(&self.prefix) && !key[apps_part..].contains(SEPARATOR) && !key.contains('\0')
    }
}

/// What stands between an app's id and its key.
const SEPARATOR: &str = "||";

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(prefix: &str, limit: u32, position: Option<&str>) -> Listing {
        Listing {
            prefix: prefix.to_owned(),
            limit,
            position: position.map(str::to_owned),
        }
    }

    fn page(listing: &Listing, keys: &[&str]) -> Page {
        let mut collected = Collected::new(listing).expect("the position can be");
        keys.iter().for_each(|key| collected.add(key.as_bytes()));
        collected.page()
    }

    #[test]
    fn a_page_is_the_first_keys_after_the_one_before() {
        let found = ["app||d", "app||b", "app||a", "app||b", "app||c"];
        let first = page(&listing("app||", 2, None), &found);
        assert_eq!(
            (first.keys, first.next.as_deref()),
            (vec!["app||a".to_owned(), "app||b".to_owned()], Some("app||b"))
        );
        let last = page(&listing("app||", 2, Some("app||b")), &found);
        assert_eq!(
            (last.keys, last.next),
            (vec!["app||c".to_owned(), "app||d".to_owned()], None)
        );
    }

    #[test]
    fn keys_of_others_are_not_listed() {
        for (prefix, key) in [
            ("app||", "app||type||id"),
            ("app||", "app||a\0"),
            ("app||", "app2||a"),
            ("app||a|", "app||a||id"),
            ("", "app||a"),
        ] {
            assert!(
                page(&listing(prefix, 10, None), &[key]).keys.is_empty(),
                "{prefix} {key}"
            );
        }
    }

    #[test]
    fn a_position_that_cannot_be_is_invalid() {
        for position in ["", "app||b", "other||a", "app||a||b"] {
            let listing = listing("app||a", 10, Some(position));
            assert!(matches!(Collected::new(&listing), Err(Error::Invalid(_))), "{position}");
        }
    }

    #[test]
    fn what_redis_would_take_for_a_pattern_is_escaped() {
        assert_eq!(listing("app||a*[b]?\\", 1, None).pattern(), "app||a\\*\\[b\\]\\?\\\\*");
    }
}
