//! How an item lies in Redis, and what the scripts are told of it and answer.
//!
//! A hash under its key, daprd's:
//!
//! | field | has |
//! |---|---|
//! | `data` | the value |
//! | `version` | the etag: a whole number |
//! | `first-write` | daprd's own: it wants an etag of every later write. Kept, and never written |
//! | `content-type` | `VERSION TYPE`: what daprd has no place for. It leaves the field alone, and the version ties it to one write |
//!
//! When an item ends, Redis knows of the key.

use dapr_blocks::state::{
    Condition, ContentType, DeleteItem, Entry, Etag, Key, Metadata, Operation, SetItem, StateError, Ttl,
};
use redis::Value;

/// One thing to do to a key.
pub(super) enum Change<'a> {
    Set(&'a SetItem),
    Delete(&'a DeleteItem),
}

impl<'a> From<&'a Operation> for Change<'a> {
    fn from(operation: &'a Operation) -> Self {
        match operation {
            Operation::Set(item) => Self::Set(item),
            Operation::Delete(item) => Self::Delete(item),
        }
    }
}

impl<'a> Change<'a> {
    pub(super) fn key(&self) -> &'a Key {
        match self {
            Self::Set(item) => &item.key,
            Self::Delete(item) => &item.key,
        }
    }

    /// Bytes that go to the server for it, but for its few words of fixed length.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Set(item) => item.key.as_str().len() + item.value.len(),
            Self::Delete(item) => item.key.as_str().len(),
        }
    }

    /// The five words that the script gets for it.
    pub(super) fn words(&self, default_ttl: Option<Ttl>) -> Words<'a> {
        match self {
            Self::Set(item) => Words {
                condition: match &item.condition {
                    Condition::Any => "any".to_owned(),
                    Condition::Absent => "absent".to_owned(),
                    Condition::Matches(etag) => matches(etag),
                },
                action: "set",
                ttl: item.ttl.or(default_ttl).map_or(0, Ttl::seconds),
                content_type: item.content_type.as_ref().map_or("", ContentType::as_str),
                value: &item.value,
            },
            Self::Delete(item) => Words {
                condition: item.etag.as_ref().map_or_else(|| "any".to_owned(), matches),
                action: "delete",
                ttl: 0,
                content_type: "",
                value: &[],
            },
        }
    }
}

/// What the script is told of a change.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Words<'a> {
    pub(super) condition: String,
    pub(super) action: &'static str,
    pub(super) ttl: u32,
    pub(super) content_type: &'a str,
    pub(super) value: &'a [u8],
}

fn matches(etag: &Etag) -> String {
    format!("={}", etag.as_str())
}

/// What a script answered that it cannot answer.
pub(super) fn strange(what: &str) -> StateError {
    StateError::internal(format!("Redis answered {what}"))
}

/// The items that the reading script found.
pub(super) fn entries(reply: Value, keys: usize) -> Result<Vec<Option<Entry>>, StateError> {
    let Value::Array(items) = reply else {
        return Err(strange("a read with something else than items"));
    };
    if items.len() != keys {
        return Err(strange("another number of items than it was asked for"));
    }
    items.into_iter().map(entry).collect()
}

fn entry(item: Value) -> Result<Option<Entry>, StateError> {
    let fields = match item {
        Value::Nil => return Ok(None),
        Value::Array(fields) => fields,
        _ => return Err(strange("a read with something else than an item")),
    };
    let fields: Result<[Value; 4], _> = fields.try_into();
    let Ok([Value::BulkString(value), version, about, ends]) = fields else {
        return Err(strange("a read with other fields"));
    };
    let etag = text(version)?.and_then(Etag::from_store);
    let etag = etag.ok_or_else(|| strange("a version that can be no etag"))?;
    let content_type = text(about)?.and_then(|about| content_type(&about, &etag));
    Ok(Some(Entry {
        value,
        content_type,
        expires_at: text(ends)?.and_then(|ends| ends.parse().ok()),
        etag: Some(etag),
        metadata: Metadata::default(),
    }))
}

/// The content type, if it is of this version of the item.
fn content_type(about: &str, version: &Etag) -> Option<ContentType> {
    let content_type = about.strip_prefix(version.as_str())?.strip_prefix(' ')?;
    ContentType::new(content_type).ok()
}

fn text(value: Value) -> Result<Option<String>, StateError> {
    match value {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) => String::from_utf8(bytes)
            .map(Some)
            .map_err(|_| strange("bytes where a text is")),
        _ => Err(strange("something else where a text is")),
    }
}

/// The positions of the changes whose condition does not hold, as the writing script answered.
pub(super) fn mismatches(reply: Value, changes: usize) -> Result<Vec<usize>, StateError> {
    let Value::Array(numbers) = reply else {
        return Err(strange("a write with something else than numbers"));
    };
    let position = |number: Value| match number {
        Value::Int(number) => usize::try_from(number - 1).ok().filter(|position| *position < changes),
        _ => None,
    };
    let positions: Option<Vec<_>> = numbers.into_iter().map(position).collect();
    positions.ok_or_else(|| strange("a write with the number of no change"))
}

/// What SCAN answered: the number of the next step, and keys.
pub(super) fn scanned(reply: Value) -> Result<(u64, Vec<Vec<u8>>), StateError> {
    let parts = match reply {
        Value::Array(parts) => <[Value; 2]>::try_from(parts).ok(),
        _ => None,
    };
    let Some([next, Value::Array(keys)]) = parts else {
        return Err(strange("a SCAN with something else"));
    };
    let next = text(next)?.and_then(|next| next.parse().ok());
    let next = next.ok_or_else(|| strange("a SCAN without the number of a step"))?;
    let keys = keys.into_iter().filter_map(|key| match key {
        Value::BulkString(key) => Some(key),
        _ => None,
    });
    Ok((next, keys.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dapr_blocks::state::{KeyPrefix, Limits};

    fn some(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn found(about: Value, ends: Value) -> Entry {
        let item = Value::Array(vec![some("milk"), some("7"), about, ends]);
        entries(Value::Array(vec![item]), 1).unwrap().remove(0).unwrap()
    }

    #[test]
    fn an_item_is_its_value_and_version() {
        let entry = found(Value::Nil, Value::Nil);
        assert_eq!(
            (entry.value.as_slice(), entry.etag.unwrap().as_str()),
            (b"milk".as_slice(), "7")
        );
        assert_eq!((entry.content_type, entry.expires_at), (None, None));
        assert_eq!(found(Value::Nil, some("1700000000")).expires_at, Some(1_700_000_000));
    }

    #[test]
    fn a_content_type_is_of_one_version() {
        let of = |about: &str| found(some(about), Value::Nil).content_type;
        assert_eq!(of("7 text/plain; a=b").unwrap().as_str(), "text/plain; a=b");
        for about in ["6 a/b", "77 a/b", "7", "7 ", "", "a/b"] {
            assert_eq!(of(about), None, "{about}");
        }
    }

    #[test]
    fn what_is_no_answer_of_a_script_is_internal() {
        let short = Value::Array(vec![Value::Array(vec![some("milk")])]);
        for reply in [
            Value::Nil,
            Value::Array(vec![]),
            short,
            Value::Array(vec![Value::Int(1)]),
        ] {
            assert_eq!(entries(reply, 1).unwrap_err().case(), "internal");
        }
        for reply in [
            Value::Nil,
            Value::Array(vec![Value::Int(3)]),
            Value::Array(vec![Value::Int(0)]),
        ] {
            assert_eq!(mismatches(reply, 2).unwrap_err().case(), "internal");
        }
        assert_eq!(mismatches(Value::Array(vec![Value::Int(2)]), 2).unwrap(), [1]);
        assert_eq!(scanned(some("0")).unwrap_err().case(), "internal");
    }

    fn key() -> Key {
        let prefix = KeyPrefix::None.resolve("", "", None);
        prefix.key("a", &Limits::default()).unwrap()
    }

    #[test]
    fn a_change_is_five_words() {
        let default = Ttl::new(60).ok();
        let item = SetItem {
            condition: Condition::Matches(Etag::new("any").unwrap()),
            ttl: Ttl::new(5).ok(),
            content_type: ContentType::new("a/b").ok(),
            ..SetItem::new(key(), "milk")
        };
        let expected = Words {
            condition: "=any".to_owned(),
            action: "set",
            ttl: 5,
            content_type: "a/b",
            value: b"milk",
        };
        assert_eq!(Change::Set(&item).words(default), expected);
        let plain = SetItem::new(key(), "milk");
        assert_eq!(Change::Set(&plain).words(default).ttl, 60);
        assert_eq!(Change::Set(&plain).words(None).ttl, 0);
        let delete = DeleteItem::new(key());
        let words = Change::Delete(&delete).words(default);
        assert_eq!(
            (words.condition.as_str(), words.action, words.ttl),
            ("any", "delete", 0)
        );
    }
}
