//! Pages that no store should answer.

use crate::bindings::exports::dapr::state::provider::{Error, Listing, Page};
use crate::call::{self, LONG};
use crate::items;

/// A page of keys, or what the prefix says.
pub fn page(listing: &Listing) -> Result<Page, Error> {
    call::begin(&listing.prefix)?;
    let Listing {
        prefix,
        limit,
        position,
    } = listing;
    let foreign = || "another-app||secret".to_owned();
    let (keys, next) = match call::command(prefix) {
        name if name.ends_with("many") => ((0..=*limit).map(|number| format!("{prefix}-{number}")).collect(), None),
        name if name.ends_with("flood") => (vec![String::new(); 3_000_000], None),
        name if name.ends_with("foreign") => (vec![foreign()], None),
        name if name.ends_with("beyond") => (Vec::new(), Some(foreign())),
        name if name.ends_with("endless") => (Vec::new(), Some(format!("{prefix}-again"))),
        name if name.ends_with("next-long") => (Vec::new(), Some("n".repeat(LONG))),
        _ => return Ok(honest(prefix, *limit as usize, position.as_deref())),
    };
    Ok(Page { keys, next })
}

fn honest(prefix: &str, limit: usize, position: Option<&str>) -> Page {
    let is_own = |key: &str| key.strip_prefix(prefix).is_some_and(|rest| !rest.contains("||"));
    let behind = |key: &str| position.is_none_or(|position| key > position);
    let found = items::keys().into_iter().filter(|key| is_own(key) && behind(key));
    let mut keys: Vec<_> = found.take(limit + 1).collect();
    let more = keys.len() > limit;
    keys.truncate(limit);
    let next = keys.last().filter(|_| more).cloned();
    Page { keys, next }
}
