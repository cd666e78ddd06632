//! What comes out of an instance, whichever its form.

use super::pool::{Fitness, Refused};
use dapr_blocks::state::{Entry, Features, Health, Limits, StateError};

/// What a call gives: what the provider answered, or the trap that ended the instance.
pub(super) type Answer<T> = wasmtime::Result<T>;

/// What a provider says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Declaration {
    pub(super) features: Features,
    pub(super) limits: Limits,
    pub(super) instances: Instances,
}

/// How many instances may serve one store at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Instances {
    One,
    Several,
}

/// That a provider answered what it must not.
pub(super) fn untrue(what: impl AsRef<str>) -> StateError {
    StateError::internal(format!("the store answered {}", what.as_ref()))
}

/// A provider's text as the host passes it on: cut, since it may be as long as the provider's memory.
pub(super) fn shown(text: &str) -> String {
    const MAX_BYTES: usize = 1 << 10;
    match text.len() > MAX_BYTES {
        true => format!("{}…", &text[..text.floor_char_boundary(MAX_BYTES)]),
        false => text.to_owned(),
    }
}

/// An entry, as far as the provider's features go.
pub(super) fn within_features(features: Features, entry: Option<Entry>) -> Result<Option<Entry>, StateError> {
    let Some(mut entry) = entry else {
        return Ok(None);
    };
    match (features.etags, &entry.etag) {
        (false, _) => entry.etag = None,
        (true, None) => return Err(untrue("an item without an etag, although it declares etags")),
        (true, Some(_)) => {}
    }
    if !features.content_types {
        entry.content_type = None;
    }
    Ok(Some(entry))
}

/// A read's error, as a read may have it: nothing was written, whatever the provider says.
pub(super) fn of_read(error: StateError) -> StateError {
    match error {
        StateError::OutcomeUnknown { reason, source } => StateError::Unavailable { reason, source },
        StateError::EtagMismatch { .. } => untrue("that a condition of a read does not hold"),
        error => error,
    }
}

/// What an app hears of a call that was not begun.
pub(super) fn refused(refused: &Refused) -> StateError {
    let reason = match refused {
        Refused::Full => return StateError::Throttled,
        // The log has the cause, once.
        Refused::Down => "its component keeps failing and starts again later",
        Refused::Closed => "the host is stopping",
    };
    StateError::Unavailable {
        reason: reason.to_owned(),
        source: None,
    }
}

/// What operators hear of the instances.
pub(super) fn health(fitness: Fitness) -> Health {
    match fitness {
        Fitness::Well => Health::Well,
        // The causes may be the server's own words, and are for the log.
        Fitness::Failing { failures } => Health::Failing(format!(
            "its component failed {failures} times in a row; the log has the causes"
        )),
    }
}
