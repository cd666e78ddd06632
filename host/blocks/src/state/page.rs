//! Listing keys a page at a time.

use super::key::SEPARATOR;
use super::{Prefix, StateError};
use std::fmt::Write;
use std::num::NonZeroU32;

/// Keys a page: 1 to 1000, 100 by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimit(NonZeroU32);

impl PageLimit {
    /// A page that fits a call's memory even with the longest keys.
    pub const MAX: u32 = 1000;

    /// A page size that an app asked for.
    ///
    /// # Errors
    ///
    /// [`StateError::Invalid`] unless it is 1 to [`PageLimit::MAX`].
    pub fn new(limit: u32) -> Result<Self, StateError> {
        NonZeroU32::new(limit)
            .filter(|limit| limit.get() <= Self::MAX)
            .map(Self)
            .ok_or_else(|| StateError::Invalid(format!("the limit of a page is 1 to {}, not {limit}", Self::MAX)))
    }

    /// The number of keys.
    pub fn get(self) -> usize {
        self.0.get() as usize
    }
}

impl Default for PageLimit {
    fn default() -> Self {
        const DEFAULT: NonZeroU32 = NonZeroU32::new(100).expect("100 is not zero");
        Self(DEFAULT)
    }
}

/// Where the next page of a listing begins, as an app has it: opaque, and good for the prefix that it was given out for.
///
/// It holds the store's own position behind a check sum of both, in hexadecimal, so that nobody takes it for a key and it
/// passes through a URL. The sum finds cursors of other prefixes and what is no cursor. It is no signature: who makes a
/// cursor by hand gets no keys but those with the prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
    /// Twice the longest key with its prefix, and room for the check sum.
    pub const MAX_BYTES: usize = 8 << 10;

    /// Hexadecimal digits of the check sum.
    const CHECK: usize = 16;

    /// A cursor from its text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, owned.
    pub fn into_string(self) -> String {
        self.0
    }

    /// None if the position is too long to be taken back.
    fn seal(prefix: &str, position: &str) -> Option<Self> {
        let mut text = format!("{:016x}", check_sum(prefix, position));
        for byte in position.bytes() {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        (text.len() <= Self::MAX_BYTES).then_some(Self(text))
    }

    fn open(&self, prefix: &str) -> Result<String, StateError> {
        let position = || {
            let digits = self.0.get(Self::CHECK..)?;
            let bytes = digits.as_bytes().chunks(2).map(|pair| {
                let pair = std::str::from_utf8(pair).ok()?;
                u8::from_str_radix(pair, 16).ok()
            });
            String::from_utf8(bytes.collect::<Option<_>>()?).ok()
        };
        // Looked at before it is decoded, and made anew, so that there is one spelling.
        Some(self)
            .filter(|cursor| cursor.0.len() <= Self::MAX_BYTES)
            .and_then(|_| position())
            .filter(|position| Self::seal(prefix, position).as_ref() == Some(self))
            .ok_or_else(|| StateError::Invalid("the cursor was not given out for this prefix".to_owned()))
    }
}

/// FNV-1a: the same in every version of every host, unlike the standard library's.
fn check_sum(prefix: &str, position: &str) -> u64 {
    // A byte that no text has keeps `a`, `bc` from being `ab`, `c`.
    let bytes = prefix.bytes().chain([0xff]).chain(position.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// What a store is to list: a page of an app's keys that begin with a prefix.
#[derive(Clone, Debug)]
pub struct Listing {
    owner: Prefix,
    prefix: String,
    max_key: usize,
    limit: PageLimit,
    position: Option<String>,
}

impl Listing {
    pub(super) fn new(owner: Prefix, prefix: String, max_key: usize) -> Self {
        Self {
            owner,
            prefix,
            max_key,
            limit: PageLimit::default(),
            position: None,
        }
    }

    /// The page of this size that a cursor leads to; none leads to the first.
    ///
    /// # Errors
    ///
    /// [`StateError::Invalid`] if the cursor was not given out for this prefix.
    pub fn page(self, limit: PageLimit, cursor: Option<&Cursor>) -> Result<Self, StateError> {
        let position = cursor.map(|cursor| cursor.open(&self.prefix)).transpose()?;
        Ok(self.at(limit, position))
    }

    pub(super) fn at(self, limit: PageLimit, position: Option<String>) -> Self {
        Self {
            limit,
            position,
            ..self
        }
    }

    /// What the stored keys begin with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The most keys that the page may have.
    pub fn limit(&self) -> usize {
        self.limit.get()
    }

    /// What the store gave as [`StoredPage::next`] of the page before; none for the first page. It comes from outside, and
    /// may have been made by hand.
    pub fn position(&self) -> Option<&str> {
        self.position.as_deref()
    }

    /// Whether a stored key is one of those: it begins with the prefix, and the app can name it.
    pub fn has(&self, stored: &str) -> bool {
        self.name(stored).is_some()
    }

    /// Where a store that lists in the order of the keys' bytes may go on behind a key that [`Listing::has`] denies: all up
    /// to there are denied, too, and may be many. None: behind this key alone.
    pub fn past(&self, denied: &str) -> Option<String> {
        self.owner.past(denied, self.max_key)
    }

    fn name<'a>(&self, stored: &'a str) -> Option<&'a str> {
        let named = stored.starts_with(&self.prefix);
        self.owner.strip(stored, self.max_key).filter(|_| named)
    }

    /// Whether a position is made of a key that the app cannot name, since the app can read it.
    fn tells_of_others(&self, position: &str) -> bool {
        position.contains(SEPARATOR) && self.owner.strip(position, usize::MAX).is_none()
    }

    /// The store's answer, as the app sees it.
    pub(super) fn answer(&self, page: StoredPage) -> Result<KeyPage, StateError> {
        let (found, limit) = (page.keys.len(), self.limit());
        if found > limit {
            let fault = format!("the store listed {found} keys on a page of {limit}");
            return Err(StateError::internal(fault));
        }
        if page.next.as_deref().is_some_and(|next| self.tells_of_others(next)) {
            return Err(StateError::internal(
                "the store's position in a listing is made of another app's key",
            ));
        }
        let keys = page.keys.iter().filter_map(|key| self.name(key));
        let too_long = || StateError::internal("the store's position in a listing is too long for a cursor");
        let cursor = page
            .next
            .map(|next| Cursor::seal(&self.prefix, &next).ok_or_else(too_long));
        Ok(KeyPage {
            keys: keys.map(str::to_owned).collect(),
            cursor: cursor.transpose()?,
        })
    }
}

/// One page of a listing, as a store answers it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredPage {
    /// Stored keys in no particular order. Those that [`Listing::has`] denies are taken out.
    pub keys: Vec<String>,
    /// Where the next page begins; none after the last one. A store that lists in order gives the last key.
    ///
    /// The app can read it, so it must not be made of a key that [`Listing::has`] denies.
    pub next: Option<String>,
}

/// One page of a listing, as an app sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyPage {
    /// Keys in no particular order.
    pub keys: Vec<String>,
    /// Where the next page begins; none after the last one.
    pub cursor: Option<Cursor>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{KeyPrefix, Limits};

    fn listing(prefix: &str) -> Listing {
        let owner = KeyPrefix::AppId.resolve("app", "statestore", None);
        owner.listing(prefix, &Limits::default()).unwrap()
    }

    fn cursor(prefix: &str, position: &str) -> Cursor {
        let page = StoredPage {
            keys: Vec::new(),
            next: Some(position.to_owned()),
        };
        listing(prefix).answer(page).unwrap().cursor.unwrap()
    }

    fn position(prefix: &str, cursor: &Cursor) -> Result<Option<String>, &'static str> {
        match listing(prefix).page(PageLimit::default(), Some(cursor)) {
            Ok(listing) => Ok(listing.position().map(str::to_owned)),
            Err(error) => Err(error.case()),
        }
    }

    #[test]
    fn a_page_holds_1_to_1000_keys() {
        assert_eq!(PageLimit::new(0).unwrap_err().case(), "invalid");
        assert_eq!(PageLimit::new(1000).unwrap().get(), 1000);
        assert_eq!(PageLimit::new(1001).unwrap_err().case(), "invalid");
        assert_eq!(PageLimit::default().get(), 100);
    }

    #[test]
    fn a_position_comes_back_as_the_store_gave_it() {
        for given in ["app||käse/1", "17", "", "\0"] {
            assert_eq!(position("", &cursor("", given)), Ok(Some(given.to_owned())));
        }
    }

    #[test]
    fn a_cursor_of_another_prefix_is_invalid() {
        let given = cursor("a/", "app||a/1");
        assert!(position("a/", &given).is_ok());
        for other in ["", "a", "a/1", "b/"] {
            assert_eq!(position(other, &given), Err("invalid"), "{other:?}");
        }
    }

    #[test]
    fn a_cursor_of_another_app_is_invalid() {
        let other = KeyPrefix::AppId.resolve("other", "statestore", None);
        let listing = other.listing("", &Limits::default()).unwrap();
        let cursor = cursor("", "app||a");
        let error = listing.page(PageLimit::default(), Some(&cursor)).unwrap_err();
        assert_eq!(error.case(), "invalid");
    }

    #[test]
    fn a_cursor_that_was_not_given_out_is_invalid() {
        let given = cursor("", "app||a").into_string();
        let (cut, upper) = (given[..given.len() - 2].to_owned(), given.to_uppercase());
        let key = "app||a"
            .bytes()
            .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        let same_sum = format!("{}{key}", "0".repeat(16));
        for text in [
            "",
            "x",
            "not a cursor",
            "👾",
            "\0",
            "00000000000000ß",
            &key,
            &same_sum,
            &cut,
            &upper,
        ] {
            assert_eq!(position("", &Cursor::new(text)), Err("invalid"), "{text:?}");
        }
    }

    #[test]
    fn a_cursor_that_is_too_long_is_invalid_and_not_given_out() {
        let long = "k".repeat(Cursor::MAX_BYTES);
        assert_eq!(position("", &Cursor::new(long.as_str())), Err("invalid"));
        let page = StoredPage {
            keys: Vec::new(),
            next: Some(long),
        };
        assert_eq!(listing("").answer(page).unwrap_err().case(), "internal");
        let names = "n".repeat(253);
        let longest = KeyPrefix::Namespace.resolve(&names, "", Some(&names.parse().unwrap()));
        let key = longest
            .key(&"k".repeat(Limits::default().key), &Limits::default())
            .unwrap();
        assert!(Cursor::seal("", key.as_str()).is_some());
    }

    #[test]
    fn a_page_has_keys_with_the_prefix_that_the_app_can_name() {
        let long = format!("app||a{}", "k".repeat(Limits::default().key));
        let stored = [
            "app||a",
            "app||a/1",
            "app||b",
            "app||a||id||k",
            "other||a",
            "app||a\0",
            &long,
        ];
        let page = StoredPage {
            keys: stored.map(str::to_owned).into(),
            next: None,
        };
        let expected = KeyPage {
            keys: ["a", "a/1"].map(str::to_owned).into(),
            cursor: None,
        };
        assert_eq!(listing("a").answer(page).unwrap(), expected);
    }

    #[test]
    fn a_position_that_is_another_apps_key_is_the_stores_fault() {
        let next = |next: &str| {
            let page = StoredPage {
                keys: Vec::new(),
                next: Some(next.to_owned()),
            };
            listing("").answer(page).map_err(|error| error.case())
        };
        for own in ["app||a", "17", ""] {
            assert!(next(own).is_ok(), "{own}");
        }
        for other in ["other||a", "app||a||id||k", "||"] {
            assert_eq!(next(other), Err("internal"), "{other}");
        }
    }

    #[test]
    fn a_page_of_more_keys_than_were_asked_for_is_the_stores_fault() {
        let listing = listing("").page(PageLimit::new(1).unwrap(), None).unwrap();
        let page = StoredPage {
            keys: ["app||a", "app||b"].map(str::to_owned).into(),
            next: None,
        };
        assert_eq!(listing.answer(page).unwrap_err().case(), "internal");
    }
}
