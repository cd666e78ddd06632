//! Which keys are listed.
//!
//! Apps share the store, and what keeps them apart is what their keys begin with: `APP||`. A key with a further `||` in it is
//! another's, such as an actor's; no app can name it, so none may learn of it.

use crate::bindings::exports::dapr::state::provider::{Error, Listing};
use std::ops::Bound;

impl Listing {
    /// Where the page begins.
    pub fn start(&self) -> Result<Bound<&str>, Error> {
        match &self.position {
            None => Ok(Bound::Included(&self.prefix)),
            // It is the last key of the page before. That may be gone by now.
            Some(key) if self.has(key) => Ok(Bound::Excluded(key)),
            Some(_) => Err(Error::Invalid("no page of this listing ends there".to_owned())),
        }
    }

    /// Whether a key is the app's own and begins with the prefix.
    pub fn has(&self, key: &str) -> bool {
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

    fn listing(prefix: &str, position: Option<&str>) -> Listing {
        Listing {
            prefix: prefix.to_owned(),
            limit: 10,
            position: position.map(str::to_owned),
        }
    }

    #[test]
    fn keys_of_others_are_not_listed() {
        for (prefix, key) in [
            ("app||", "app||type||id"),
            ("app||", "app||a\0"),
            ("app||", "app2||a"),
            ("app||a|", "app||a||id"),
            ("app|||", "app||||id"),
            ("", "app||a"),
            ("app|", "app||a"),
        ] {
            assert!(!listing(prefix, None).has(key), "{prefix} {key}");
        }
        for (prefix, key) in [
            ("app||", "app||a|b|"),
            ("app||", "app|||a"),
            ("", "a|b"),
            ("app||a", "app||a"),
        ] {
            assert!(listing(prefix, None).has(key), "{prefix} {key}");
        }
    }

    #[test]
    fn a_page_begins_behind_the_one_before() {
        let first = listing("app||a", None);
        assert_eq!(first.start().ok(), Some(Bound::Included("app||a")));
        let second = listing("app||a", Some("app||ab"));
        assert_eq!(second.start().ok(), Some(Bound::Excluded("app||ab")));
    }

    #[test]
    fn a_position_that_cannot_be_is_invalid() {
        for position in ["", "app||b", "other||a", "app||a||b"] {
            let listing = listing("app||a", Some(position));
            assert!(matches!(listing.start(), Err(Error::Invalid(_))), "{position}");
        }
    }
}
