//! Whether a value is JSON: then it stands in a database as daprd writes JSON, for those who look into it.

use serde::de::IgnoredAny;

/// Whether these bytes are one JSON text.
pub(crate) fn is_json(value: &[u8]) -> bool {
    std::str::from_utf8(value).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}
