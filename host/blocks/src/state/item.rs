//! What is written to a store and read from it.
//!
//! What came from an app has been checked by the time it has one of these types; a store need not look again.
//! The items are generic in the key: an app's items have the app's names (`String`), a store's have stored ones ([`Key`]).

use super::{Key, StateError};
use std::num::NonZeroU32;

/// The version of an item, opaque and never empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Etag(String);

impl Etag {
    /// An etag that an app hands back.
    ///
    /// # Errors
    ///
    /// [`StateError::Invalid`] if it is empty. Dapr takes that for no etag, which turns a lost etag into an unconditional
    /// write.
    pub fn new(text: impl Into<String>) -> Result<Self, StateError> {
        let text = text.into();
        if text.is_empty() {
            Err(StateError::Invalid("the etag is empty".to_owned()))
        } else {
            Ok(Self(text))
        }
    }

    /// An etag that a store read; none if the store keeps an empty one.
    pub fn from_store(text: impl Into<String>) -> Option<Self> {
        Self::new(text).ok()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, owned.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// How long an item lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ttl(NonZeroU32);

impl Ttl {
    /// Dapr's limit (dapr-contrib: `state/utils`).
    pub const MAX_SECONDS: u32 = i32::MAX as u32;

    /// A TTL in seconds.
    ///
    /// # Errors
    ///
    /// [`StateError::Invalid`] unless it is 1 to [`Ttl::MAX_SECONDS`]. Dapr's 0 and -1 are written as no TTL.
    pub fn new(seconds: u32) -> Result<Self, StateError> {
        NonZeroU32::new(seconds)
            .filter(|seconds| seconds.get() <= Self::MAX_SECONDS)
            .map(Self)
            .ok_or_else(|| StateError::Invalid(format!("a TTL is 1 to {} seconds, not {seconds}", Self::MAX_SECONDS)))
    }

    /// The TTL in seconds.
    pub fn seconds(self) -> u32 {
        self.0.get()
    }
}

/// The media type of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentType(String);

impl ContentType {
    /// Long enough for any registered type with parameters.
    pub const MAX_BYTES: usize = 255;

    /// A content type that an app gives.
    ///
    /// # Errors
    ///
    /// [`StateError::Invalid`] unless it is 1 to 255 bytes of printable ASCII: it ends up in a header.
    pub fn new(text: impl Into<String>) -> Result<Self, StateError> {
        let text = text.into();
        let printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if text.is_empty() || text.len() > Self::MAX_BYTES || !printable {
            let max = Self::MAX_BYTES;
            return Err(StateError::Invalid(format!(
                "a content type is 1 to {max} printable ASCII characters"
            )));
        }
        Ok(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, owned.
    pub fn into_string(self) -> String {
        self.0
    }

    /// Whether Dapr treats the value as JSON: `application/json`, with or without parameters.
    pub fn is_json(&self) -> bool {
        let essence = self.0.split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case("application/json")
    }
}

/// Names and values that only the store understands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata(Vec<(String, String)>);

impl Metadata {
    /// Dapr's names for what has a field of its own here, so that there is one way to say it.
    const RESERVED: [(&str, &str); 3] = [
        ("ttlInSeconds", "ttl"),
        ("contentType", "content-type"),
        ("ttlExpireTime", "expires-at"),
    ];

    /// Metadata that an app gives.
    ///
    /// # Errors
    ///
    /// [`StateError::Invalid`] if a name has a field of its own, whatever its case.
    pub fn new(pairs: Vec<(String, String)>) -> Result<Self, StateError> {
        for (name, _) in &pairs {
            if let Some((_, field)) = Self::RESERVED
                .iter()
                .find(|(reserved, _)| reserved.eq_ignore_ascii_case(name))
            {
                return Err(StateError::Invalid(format!(
                    "the metadata `{name}` is the option `{field}` here"
                )));
            }
        }
        Ok(Self(pairs))
    }

    /// The names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The names and values, owned.
    pub fn into_pairs(self) -> Vec<(String, String)> {
        self.0
    }
}

/// How much a read or write must agree with others: a hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// A read may be stale; one replica acknowledges a write.
    Eventual,
    /// A read sees every acknowledged write.
    Strong,
}

/// What must be true of an item for a write to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// Nothing: Dapr's `last-write` without etag.
    #[default]
    Any,
    /// The item does not exist: Dapr's `first-write` without etag.
    Absent,
    /// The item exists and has this etag: Dapr's `first-write` with it.
    Matches(Etag),
}

/// What was stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The bytes, exactly as they were set.
    pub value: Vec<u8>,
    /// The version; none where the store has no etags.
    pub etag: Option<Etag>,
    /// The media type, if one was set.
    pub content_type: Option<ContentType>,
    /// When the item ends, in seconds since the Unix epoch.
    pub expires_at: Option<u64>,
    /// What else the store says.
    pub metadata: Metadata,
}

/// How to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GetOptions {
    /// None: the store's own.
    pub consistency: Option<Consistency>,
    /// For the store.
    pub metadata: Metadata,
}

/// An item to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetItem<K = Key> {
    /// Its name.
    pub key: K,
    /// The bytes to store.
    pub value: Vec<u8>,
    /// What must be true of the item.
    pub condition: Condition,
    /// None: it does not end, and a TTL set earlier is cleared.
    pub ttl: Option<Ttl>,
    /// The media type, handed back on reading.
    pub content_type: Option<ContentType>,
    /// None: the store's own.
    pub consistency: Option<Consistency>,
    /// For the store.
    pub metadata: Metadata,
}

impl<K> SetItem<K> {
    /// An unconditional write for good.
    pub fn new(key: K, value: impl Into<Vec<u8>>) -> Self {
        Self {
            key,
            value: value.into(),
            condition: Condition::Any,
            ttl: None,
            content_type: None,
            consistency: None,
            metadata: Metadata::default(),
        }
    }

    pub(super) fn try_map_key<L, E>(self, map: impl FnOnce(&K) -> Result<L, E>) -> Result<SetItem<L>, E> {
        let Self {
            key,
            value,
            condition,
            ttl,
            content_type,
            consistency,
            metadata,
        } = self;
        Ok(SetItem {
            key: map(&key)?,
            value,
            condition,
            ttl,
            content_type,
            consistency,
            metadata,
        })
    }
}

/// An item to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteItem<K = Key> {
    /// Its name.
    pub key: K,
    /// Remove only if the item exists and has this etag; none: whatever is there.
    pub etag: Option<Etag>,
    /// None: the store's own.
    pub consistency: Option<Consistency>,
    /// For the store.
    pub metadata: Metadata,
}

impl<K> DeleteItem<K> {
    /// An unconditional delete.
    pub fn new(key: K) -> Self {
        Self {
            key,
            etag: None,
            consistency: None,
            metadata: Metadata::default(),
        }
    }

    pub(super) fn try_map_key<L, E>(self, map: impl FnOnce(&K) -> Result<L, E>) -> Result<DeleteItem<L>, E> {
        let Self {
            key,
            etag,
            consistency,
            metadata,
        } = self;
        Ok(DeleteItem {
            key: map(&key)?,
            etag,
            consistency,
            metadata,
        })
    }
}

/// One step of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation<K = Key> {
    /// Write an item.
    Set(SetItem<K>),
    /// Remove an item.
    Delete(DeleteItem<K>),
}

impl<K> Operation<K> {
    /// The name of the item.
    pub fn key(&self) -> &K {
        match self {
            Self::Set(item) => &item.key,
            Self::Delete(item) => &item.key,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_etag_is_refused_and_not_taken_for_none() {
        assert_eq!(Etag::new("").unwrap_err().case(), "invalid");
        assert_eq!(Etag::from_store(""), None);
    }

    #[test]
    fn a_ttl_is_1_to_2147483647_seconds() {
        assert_eq!(Ttl::new(0).unwrap_err().case(), "invalid");
        assert_eq!(Ttl::new(2_147_483_647).unwrap().seconds(), 2_147_483_647);
        assert_eq!(Ttl::new(2_147_483_648).unwrap_err().case(), "invalid");
    }

    #[test]
    fn a_content_type_cannot_break_a_header() {
        for text in ["", "a\r\nb", "ä", &"a".repeat(256)] {
            assert_eq!(ContentType::new(text).unwrap_err().case(), "invalid", "{text:?}");
        }
    }

    #[test]
    fn json_is_recognised_with_parameters_and_in_any_case() {
        for text in ["application/json", "Application/JSON; charset=utf-8"] {
            assert!(ContentType::new(text).unwrap().is_json(), "{text}");
        }
        assert!(!ContentType::new("application/json-seq").unwrap().is_json());
    }

    #[test]
    fn metadata_cannot_repeat_an_option() {
        let error = Metadata::new(vec![("TTLInSeconds".to_owned(), "1".to_owned())]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the metadata `TTLInSeconds` is the option `ttl` here"
        );
    }
}
