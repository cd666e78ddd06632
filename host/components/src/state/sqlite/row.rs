//! How a value stands in a row, as daprd writes and reads it.
//!
//! | value | `value` | `is_binary` |
//! |---|---|---|
//! | JSON, set as `application/json` | the text itself, byte for byte | 0 |
//! | anything else | base64 | 1 |
//!
//! daprd writes `is_binary = 0` for JSON alone, so such a row is `application/json` without saying so elsewhere. Any other
//! content type stands in a table beside the items.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dapr_blocks::state::{ContentType, StateError};
use serde::de::IgnoredAny;

/// What `is_binary = 0` says about a value.
const JSON: &str = "application/json";

/// A value as it is stored.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StoredValue {
    pub(super) text: String,
    pub(super) is_binary: bool,
    /// What goes into the table of content types, if anything must.
    pub(super) content_type: Option<ContentType>,
}

/// A value that its row does not have in a form that daprd writes.
#[derive(Debug, thiserror::Error)]
#[error("the value of the row with the key `{}` is damaged: it is marked as base64 and is not", key.escape_debug())]
struct Damaged {
    key: String,
    #[source]
    source: base64::DecodeError,
}

impl StoredValue {
    pub(super) fn encode(value: Vec<u8>, content_type: Option<ContentType>) -> Self {
        if !content_type.as_ref().is_some_and(ContentType::is_json) {
            return Self {
                text: STANDARD.encode(&value),
                is_binary: true,
                content_type,
            };
        }
        match json(value) {
            Ok(text) => {
                let content_type = content_type.filter(|content_type| content_type.as_str() != JSON);
                Self {
                    text,
                    is_binary: false,
                    content_type,
                }
            }
            Err(value) => Self {
                text: STANDARD.encode(&value),
                is_binary: true,
                content_type,
            },
        }
    }
}

/// The value as text if it is JSON, and as it was if it is not.
fn json(value: Vec<u8>) -> Result<String, Vec<u8>> {
    let text = String::from_utf8(value).map_err(|error| error.into_bytes())?;
    if serde_json::from_str::<IgnoredAny>(&text).is_ok() {
        Ok(text)
    } else {
        Err(text.into_bytes())
    }
}

/// The value of a row, and its content type. `content_type` is what the table beside the items has for this row.
pub(super) fn decode(
    key: &str,
    stored: &[u8],
    is_binary: bool,
    content_type: Option<String>,
) -> Result<(Vec<u8>, Option<ContentType>), StateError> {
    let implied = if is_binary { None } else { Some(JSON.to_owned()) };
    // What cannot be a content type was not written by this store, and is no reason to keep the value from the app.
    let content_type = content_type.or(implied).and_then(|text| ContentType::new(text).ok());
    if !is_binary {
        return Ok((stored.to_vec(), content_type));
    }
    let value = STANDARD.decode(stored);
    let value = value.map_err(|source| {
        StateError::internal(Damaged {
            key: key.to_owned(),
            source,
        })
    })?;
    Ok((value, content_type))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(value: &[u8], content_type: Option<&str>) -> StoredValue {
        StoredValue::encode(value.to_vec(), content_type.map(|text| ContentType::new(text).unwrap()))
    }

    #[test]
    fn bytes_are_base64_as_daprd_writes_them() {
        let stored = encode(b"hello\xff", None);
        assert_eq!(
            stored,
            StoredValue {
                text: "aGVsbG//".to_owned(),
                is_binary: true,
                content_type: None
            }
        );
        assert_eq!(encode(b"{}", None).text, "e30=");
    }

    #[test]
    fn json_is_its_own_text() {
        let stored = encode(b" {\"a\": 1}\n", Some("application/json"));
        assert_eq!(
            stored,
            StoredValue {
                text: " {\"a\": 1}\n".to_owned(),
                is_binary: false,
                content_type: None
            }
        );
    }

    #[test]
    fn json_of_another_spelling_of_its_type_keeps_the_spelling() {
        let stored = encode(b"1", Some("application/json; charset=utf-8"));
        assert!(!stored.is_binary);
        assert_eq!(stored.content_type.unwrap().as_str(), "application/json; charset=utf-8");
    }

    #[test]
    fn what_is_called_json_and_is_not_is_base64() {
        for value in [b"".as_slice(), b"{", b"\"\xff\"", b"1 2", b"\xef\xbb\xbf1"] {
            let stored = encode(value, Some("application/json"));
            assert!(stored.is_binary, "{value:?}");
            assert_eq!(stored.content_type.unwrap().as_str(), "application/json");
        }
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        for (value, content_type) in [
            (b"\0\xff".as_slice(), None),
            (b"{}", Some("application/json")),
            (b"{", Some("application/json")),
            (b"", Some("a/b")),
        ] {
            let stored = encode(value, content_type);
            let beside = stored.content_type.map(ContentType::into_string);
            let (decoded, found) = decode("k", stored.text.as_bytes(), stored.is_binary, beside).unwrap();
            assert_eq!(
                (decoded.as_slice(), found.as_ref().map(ContentType::as_str)),
                (value, content_type)
            );
        }
    }

    #[test]
    fn a_damaged_row_is_the_stores_fault_and_the_log_says_which() {
        let error = decode("app||k", b"not base64", true, None).unwrap_err();
        assert_eq!(error.case(), "internal");
        assert!(
            std::error::Error::source(&error)
                .unwrap()
                .to_string()
                .contains("`app||k`")
        );
    }
}
