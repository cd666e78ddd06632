//! What a request's URI says: the key in its path, and the values of the parameters in its query.

use crate::{
    failure::Failure,
    percent,
    query::{self, Query},
};
use http::Uri;
use std::ops::RangeInclusive;

/// The key: the decoded path without its first slash. Empty for `/`.
pub fn key(uri: &Uri) -> Result<String, Failure> {
    let path = uri.path();
    percent::decoded(path.strip_prefix('/').unwrap_or(path)).map_err(Failure::invalid)
}

pub fn parameters(uri: &Uri) -> Result<Query<'_>, Failure> {
    Query::parse(uri.query().unwrap_or_default()).map_err(Failure::invalid)
}

/// The text of a parameter.
pub fn text(query: &mut Query<'_>, name: &str) -> Result<Option<String>, Failure> {
    let value = query.take(name).map(query::decoded).transpose();
    value.map_err(Failure::invalid)
}

/// The number that a parameter is. The range is that of `dapr:state`, so that every refusal names the same one.
pub fn number(query: &mut Query<'_>, name: &str, range: RangeInclusive<u32>) -> Result<Option<u32>, Failure> {
    let Some(text) = text(query, name)? else {
        return Ok(None);
    };
    match text.parse() {
        Ok(number) if range.contains(&number) => Ok(Some(number)),
        _ => Err(Failure::invalid(format!(
            "`{name}` is a whole number from {} to {}, not `{text}`",
            range.start(),
            range.end()
        ))),
    }
}
