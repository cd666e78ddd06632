//! Listing keys a page at a time.

use super::StateError;
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

/// Where the next page of a listing begins, as a store wrote it. Only that store reads it.
///
/// An app hands it back, so a store must take it for what it is: text from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
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

    /// The cursor of a store that lists in order: the page begins after this key.
    ///
    /// Hexadecimal, so that nobody takes it for a key and it passes through a URL.
    pub fn after(key: &str) -> Self {
        use std::fmt::Write;
        key.bytes()
            .fold(Self(String::with_capacity(key.len() * 2)), |mut cursor, byte| {
                // Writing to a String cannot fail.
                let _ = write!(cursor.0, "{byte:02x}");
                cursor
            })
    }

    /// The key that [`Cursor::after`] was made from.
    ///
    /// # Errors
    ///
    /// [`StateError::Invalid`] if the text is no such cursor, or of another prefix than `prefix`.
    pub fn key_within(&self, prefix: &str) -> Result<String, StateError> {
        let invalid = || StateError::Invalid("the cursor was not given out for this prefix".to_owned());
        let digits = self.0.as_bytes().chunks(2).map(|pair| {
            let pair = std::str::from_utf8(pair)
                .ok()
                .filter(|pair| pair.len() == 2 && !pair.starts_with('+'))?;
            u8::from_str_radix(pair, 16).ok()
        });
        let bytes = digits.collect::<Option<Vec<u8>>>().ok_or_else(invalid)?;
        let key = String::from_utf8(bytes).map_err(|_| invalid())?;
        if key.starts_with(prefix) {
            Ok(key)
        } else {
            Err(invalid())
        }
    }
}

/// One page of a listing.
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

    #[test]
    fn a_page_holds_1_to_1000_keys() {
        assert_eq!(PageLimit::new(0).unwrap_err().case(), "invalid");
        assert_eq!(PageLimit::new(1000).unwrap().get(), 1000);
        assert_eq!(PageLimit::new(1001).unwrap_err().case(), "invalid");
        assert_eq!(PageLimit::default().get(), 100);
    }

    #[test]
    fn a_cursor_comes_back_as_the_key_it_was_made_from() {
        let cursor = Cursor::after("app||käse/1");
        assert_eq!(cursor.key_within("app||").unwrap(), "app||käse/1");
    }

    #[test]
    fn a_cursor_of_another_prefix_is_refused() {
        assert_eq!(
            Cursor::after("app||a").key_within("other||").unwrap_err().case(),
            "invalid"
        );
    }

    #[test]
    fn text_that_is_no_cursor_is_refused() {
        for text in ["x", "6", "zz", "+6", "ff", "é"] {
            assert_eq!(
                Cursor::new(text).key_within("").unwrap_err().case(),
                "invalid",
                "{text}"
            );
        }
    }
}
