//! How an item lies in Redis: a hash under its key, which daprd's `state.redis` reads and writes, too.
//!
//! | field | has |
//! |---|---|
//! | `data` | the value |
//! | `version` | the etag: a whole number, one more with each write |
//! | `dapr-wasm` | `VERSION END CONTENT-TYPE`: what daprd has no place for |
//!
//! daprd leaves the last one alone when it writes. It then has another version than the item, and is not of it any more.

use crate::bindings::exports::dapr::state::provider::{Condition, DeleteItem, Entry, Error, Operation, SetItem};

/// What writes items.
pub const SCRIPT: &str = include_str!("write.lua");

/// The command that reads an item.
pub fn read(key: &str) -> [&[u8]; 5] {
    [b"HMGET", key.as_bytes(), b"data", b"version", b"dapr-wasm"]
}

/// The item that its answer has. None if there is none.
pub fn entry(fields: [Option<Vec<u8>>; 3]) -> Result<Option<Entry>, Error> {
    let [data, version, about] = fields;
    let (data, version) = match (data, version) {
        (Some(data), Some(version)) => (data, text(version)?),
        (None, None) => return Ok(None),
        _ => return Err(Error::Internal("a hash in Redis lacks `data` or `version`".to_owned())),
    };
    let about = about.map(text).transpose()?;
    let (end, content_type) = about
        .as_deref()
        .and_then(|about| parse(about, &version))
        .unwrap_or_default();
    Ok(Some(Entry {
        value: data,
        etag: Some(version),
        content_type,
        expires_at: end,
        metadata: Vec::new(),
    }))
}

/// The end and the content type, if they are of this version of the item.
fn parse(about: &str, version: &str) -> Option<(Option<u64>, Option<String>)> {
    let (end, content_type) = about.strip_prefix(version)?.strip_prefix(' ')?.split_once(' ')?;
    let end = end.parse().ok().filter(|end| *end > 0);
    Some((end, Some(content_type.to_owned()).filter(|text| !text.is_empty())))
}

fn text(bytes: Vec<u8>) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|_| Error::Internal("a hash in Redis has bytes where a text is".to_owned()))
}

/// The key of an operation.
pub fn key(operation: &Operation) -> &str {
    match operation {
        Operation::Set(item) => &item.key,
        Operation::Delete(item) => &item.key,
    }
}

/// The five words that the script gets for an operation.
pub fn words(operation: &Operation) -> [Vec<u8>; 5] {
    let matches = |etag: &str| format!("={etag}").into_bytes();
    match operation {
        Operation::Set(SetItem {
            value,
            condition,
            ttl,
            content_type,
            ..
        }) => [
            match condition {
                Condition::Any => b"any".to_vec(),
                Condition::Absent => b"absent".to_vec(),
                Condition::Matches(etag) => matches(etag),
            },
            b"set".to_vec(),
            ttl.unwrap_or_default().to_string().into_bytes(),
            content_type.clone().unwrap_or_default().into_bytes(),
            value.clone(),
        ],
        Operation::Delete(DeleteItem { etag, .. }) => [
            etag.as_deref().map_or(b"any".to_vec(), matches),
            b"delete".to_vec(),
            b"0".to_vec(),
            Vec::new(),
            Vec::new(),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(data: &str, version: &str, about: Option<&str>) -> Entry {
        let fields = [Some(data), Some(version), about].map(|field| field.map(|field| field.as_bytes().to_vec()));
        entry(fields).expect("it is an item").expect("it is there")
    }

    #[test]
    fn an_item_is_a_hash_with_its_value_and_version() {
        let entry = found("milk", "7", None);
        assert_eq!((entry.value, entry.etag.as_deref()), (b"milk".to_vec(), Some("7")));
        assert_eq!((entry.content_type, entry.expires_at), (None, None));
    }

    #[test]
    fn what_daprd_has_no_place_for_is_beside_it() {
        for (about, end, content_type) in [
            ("7 0 text/plain; charset=utf-8", None, Some("text/plain; charset=utf-8")),
            ("7 1700000000 ", Some(1_700_000_000), None),
            ("7 1700000000 a/b", Some(1_700_000_000), Some("a/b")),
        ] {
            let entry = found("milk", "7", Some(about));
            assert_eq!(
                (entry.expires_at, entry.content_type.as_deref()),
                (end, content_type),
                "{about}"
            );
        }
    }

    #[test]
    fn what_is_of_another_version_is_not_of_the_item() {
        for about in ["6 1700000000 a/b", "77 1700000000 a/b", "", "7", "7 1700000000"] {
            let entry = found("milk", "7", Some(about));
            assert_eq!((entry.expires_at, entry.content_type), (None, None), "{about}");
        }
    }

    #[test]
    fn nothing_is_no_item_and_half_of_one_is_an_error() {
        assert!(matches!(entry([None, None, None]), Ok(None)));
        assert!(matches!(entry([Some(vec![]), None, None]), Err(Error::Internal(_))));
        assert!(matches!(
            entry([Some(vec![]), Some(vec![0xff]), None]),
            Err(Error::Internal(_))
        ));
    }

    fn set(condition: Condition, ttl: Option<u32>, content_type: Option<&str>) -> Operation {
        Operation::Set(SetItem {
            key: "a".to_owned(),
            value: b"milk".to_vec(),
            condition,
            ttl,
            content_type: content_type.map(str::to_owned),
            consistency: None,
            metadata: Vec::new(),
        })
    }

    fn delete(etag: Option<&str>) -> Operation {
        Operation::Delete(DeleteItem {
            key: "a".to_owned(),
            etag: etag.map(str::to_owned),
            consistency: None,
            metadata: Vec::new(),
        })
    }

    #[test]
    fn an_operation_is_five_words() {
        for (operation, expected) in [
            (set(Condition::Any, None, None), ["any", "set", "0", "", "milk"]),
            (
                set(Condition::Absent, Some(5), Some("a/b")),
                ["absent", "set", "5", "a/b", "milk"],
            ),
            (
                set(Condition::Matches("any".to_owned()), None, None),
                ["=any", "set", "0", "", "milk"],
            ),
            (delete(None), ["any", "delete", "0", "", ""]),
            (delete(Some("7")), ["=7", "delete", "0", "", ""]),
        ] {
            assert_eq!(
                words(&operation),
                expected.map(|word| word.as_bytes().to_vec()),
                "{expected:?}"
            );
        }
    }
}
