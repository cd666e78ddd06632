//! Etags in HTTP headers: `If-Match`, `If-None-Match` and `ETag`.
//!
//! A store's etag is any text, an HTTP etag is not, so that quotes, percent signs and what is not ASCII travel
//! percent-encoded. The usual etags, numbers and UUIDs, look the same either way.

use crate::{bindings::dapr::state::types::Condition, failure::Failure, headers::only, percent};
use http::{
    HeaderMap,
    header::{IF_MATCH, IF_NONE_MATCH},
};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

const NOT_IN_AN_ETAG: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');

/// The `ETag` header for a store's etag.
pub fn quoted(etag: &str) -> String {
    format!("\"{}\"", utf8_percent_encode(etag, NOT_IN_AN_ETAG))
}

/// A store's etag from between the quotes of `ETag`.
pub fn unquoted(text: &str) -> Result<String, Failure> {
    percent::decoded(text).map_err(Failure::invalid)
}

/// What must be true for a PUT.
pub fn condition(headers: &HeaderMap) -> Result<Condition, Failure> {
    match (required(headers)?, only(headers, &IF_NONE_MATCH)?) {
        (None, None) => Ok(Condition::Any),
        (None, Some("*")) => Ok(Condition::Absent),
        (None, Some(_)) => Err(Failure::invalid(
            "If-None-Match takes `*` only: a store can ask for `absent`",
        )),
        (Some(etag), None) => Ok(Condition::Matches(etag)),
        (Some(_), Some(_)) => Err(Failure::invalid("If-Match and If-None-Match exclude each other")),
    }
}

/// The etag that an item must have for a DELETE.
pub fn precondition(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    match only(headers, &IF_NONE_MATCH)? {
        Some(_) => Err(Failure::invalid("If-None-Match has no meaning for a DELETE")),
        None => required(headers),
    }
}

fn required(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    let Some(text) = only(headers, &IF_MATCH)? else {
        return Ok(None);
    };
    if text == "*" {
        return Err(Failure::invalid(
            "If-Match takes an etag: a store cannot ask for `exists`, which `*` would be",
        ));
    }
    let etag = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .filter(|etag| !etag.contains('"'));
    match etag {
        Some(etag) => unquoted(etag).map(Some),
        None => Err(Failure::invalid(format!(
            "If-Match takes one strong etag in quotes, not `{text}`"
        ))),
    }
}
