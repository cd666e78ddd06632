//! What is written to a store and read from it.
//!
//! What came from an app has been checked by the time it has one of these types; a store need not look again.
//! The items are generic in the key: an app's items have the app's names (`String`), a store's have stored ones ([`Key`]).

use super::{Key, StateError};
use std::num::NonZeroU32;

/// The version of an item, opaque and never empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Etag(String);

impl AsRef<str> for Etag {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Etag {
    /// Far more than any vendor's etag takes.
    pub const MAX_BYTES: usize = 8 << 10;

    /// An etag that an app hands back. One of more than [`Etag::MAX_BYTES`] matches no item, and is kept in part: in
    /// enough of it to be too long still.
    ///
    /// # Errors
    ///
    /// [`StateError::Invalid`] if it is empty. Dapr takes that for no etag, which turns a lost etag into an unconditional
    /// write.
    pub fn new(text: impl Into<String>) -> Result<Self, StateError> {
        let mut text = text.into();
        if text.is_empty() {
            return Err(StateError::Invalid("the etag is empty".to_owned()));
        }
        if text.len() > Self::MAX_BYTES {
            text.truncate(text.ceil_char_boundary(Self::MAX_BYTES + 1));
            text.shrink_to_fit();
        }
        Ok(Self(text))
    }

    /// An etag that a store read; none if it is empty or longer than [`Etag::MAX_BYTES`].
    pub fn from_store(text: impl Into<String>) -> Option<Self> {
        Self::new(text).ok().filter(|etag| etag.0.len() <= Self::MAX_BYTES)
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

impl AsRef<str> for ContentType {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

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
    /// Far more than any vendor has names for.
    pub const MAX_ENTRIES: usize = 64;

    /// Bytes of all names and values: room for what a header could hold, and little beside a value.
    pub const MAX_BYTES: usize = 64 << 10;

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
    /// [`StateError::Invalid`] if a name has a field of its own or is given twice, whatever its case: Dapr finds names
    /// without looking at case. [`StateError::TooLarge`] beyond [`Metadata::MAX_ENTRIES`] or [`Metadata::MAX_BYTES`].
    pub fn new(pairs: Vec<(String, String)>) -> Result<Self, StateError> {
        let metadata = Self(pairs);
        metadata.check_size()?;
        metadata.check_names()?;
        Ok(metadata)
    }

    fn check_size(&self) -> Result<(), StateError> {
        let too_large = |what: &str, found, max| {
            Err(StateError::TooLarge(format!(
                "the metadata has {found} {what}, more than the {max} allowed"
            )))
        };
        match (self.0.len(), self.size()) {
            (entries, _) if entries > Self::MAX_ENTRIES => too_large("entries", entries, Self::MAX_ENTRIES),
            (_, bytes) if bytes > Self::MAX_BYTES => too_large("bytes", bytes, Self::MAX_BYTES),
            _ => Ok(()),
        }
    }

    fn check_names(&self) -> Result<(), StateError> {
        for (index, (name, _)) in self.0.iter().enumerate() {
            if let Some((_, field)) = Self::RESERVED
                .iter()
                .find(|(reserved, _)| reserved.eq_ignore_ascii_case(name))
            {
                return Err(StateError::Invalid(format!(
                    "the metadata `{name}` is the option `{field}` here"
                )));
            }
            let mut before = self.0.iter().take(index);
            if before.any(|(other, _)| other.eq_ignore_ascii_case(name)) {
                let name = name.escape_debug();
                return Err(StateError::Invalid(format!("the metadata `{name}` is given twice")));
            }
        }
        Ok(())
    }

    fn size(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.len()).sum()
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

impl Entry {
    /// Its bytes: value, etag, content type and metadata.
    pub(super) fn size(&self) -> usize {
        let Self {
            value,
            etag,
            content_type,
            expires_at: _,
            metadata,
        } = self;
        value.len() + length(etag) + length(content_type) + metadata.size()
    }
}

/// The bytes of a text that may be absent.
fn length(text: &Option<impl AsRef<str>>) -> usize {
    text.as_ref().map_or(0, |text| text.as_ref().len())
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

    /// Its bytes: key, value, etag, content type and metadata.
    pub(super) fn size(&self) -> usize
    where
        K: AsRef<str>,
    {
        let Self {
            key,
            value,
            condition,
            ttl: _,
            content_type,
            consistency: _,
            metadata,
        } = self;
        let etag = match condition {
            Condition::Matches(etag) => etag.as_str().len(),
            Condition::Any | Condition::Absent => 0,
        };
        key.as_ref().len() + value.len() + etag + length(content_type) + metadata.size()
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

    /// Its bytes: key, etag and metadata.
    pub(super) fn size(&self) -> usize
    where
        K: AsRef<str>,
    {
        self.key.as_ref().len() + length(&self.etag) + self.metadata.size()
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

    pub(super) fn size(&self) -> usize
    where
        K: AsRef<str>,
    {
        match self {
            Self::Set(item) => item.size(),
            Self::Delete(item) => item.size(),
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
    fn an_etag_that_is_too_long_stays_too_long_and_takes_little_room() {
        let longest = "é".repeat(Etag::MAX_BYTES / 2);
        assert_eq!(Etag::new(longest.as_str()).unwrap().as_str(), longest);
        assert_eq!(Etag::from_store(longest.as_str()).unwrap().as_str(), longest);
        for text in [format!("{longest}e"), "é".repeat(1 << 20)] {
            let etag = Etag::new(text.as_str()).unwrap();
            assert!((Etag::MAX_BYTES + 1..=Etag::MAX_BYTES + 4).contains(&etag.as_str().len()));
            assert!(etag.0.capacity() < 2 * Etag::MAX_BYTES);
            assert_eq!(Etag::from_store(text), None);
        }
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

    fn refused(pairs: &[(&str, &str)]) -> (&'static str, String) {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let error = Metadata::new(pairs.collect()).unwrap_err();
        (error.case(), error.to_string())
    }

    #[test]
    fn metadata_cannot_repeat_an_option() {
        assert_eq!(
            refused(&[("TTLInSeconds", "1")]),
            (
                "invalid",
                "the metadata `TTLInSeconds` is the option `ttl` here".to_owned()
            )
        );
    }

    #[test]
    fn metadata_says_a_thing_once_whatever_the_case() {
        assert_eq!(
            refused(&[("partitionKey", "a"), ("other", "b"), ("PartitionKey", "c")]),
            ("invalid", "the metadata `PartitionKey` is given twice".to_owned())
        );
    }

    #[test]
    fn metadata_has_a_most() {
        let numbered = |count: usize| (0..count).map(|index| (index.to_string(), String::new())).collect();
        let one = |bytes: usize| vec![("n".to_owned(), "v".repeat(bytes - 1))];
        assert!(Metadata::new(numbered(Metadata::MAX_ENTRIES)).is_ok());
        assert!(Metadata::new(one(Metadata::MAX_BYTES)).is_ok());
        for pairs in [numbered(Metadata::MAX_ENTRIES + 1), one(Metadata::MAX_BYTES + 1)] {
            assert_eq!(Metadata::new(pairs).unwrap_err().case(), "too-large");
        }
    }

    #[test]
    fn an_items_size_is_all_that_it_carries() {
        let metadata = Metadata::new(vec![("ab".to_owned(), "c".to_owned())]).unwrap();
        let item = SetItem {
            condition: Condition::Matches(Etag::new("etag").unwrap()),
            content_type: Some(ContentType::new("a/b").unwrap()),
            metadata: metadata.clone(),
            ..SetItem::new("key12".to_owned(), [0; 7])
        };
        assert_eq!(item.size(), 5 + 7 + 4 + 3 + 3);
        let delete = DeleteItem {
            etag: Etag::from_store("etag"),
            metadata,
            ..DeleteItem::new("key12".to_owned())
        };
        assert_eq!(Operation::Delete(delete).size(), 5 + 4 + 3);
    }
}
