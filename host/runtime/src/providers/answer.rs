//! What comes out of an instance, whichever its form.

use dapr_blocks::state::{Features, Limits, StateError};

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
