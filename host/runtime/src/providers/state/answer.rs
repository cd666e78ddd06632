//! What a state store in WebAssembly says of itself, and what it must not say.

use crate::providers::answer::{self, Declared, Heard, Instances};
use crate::providers::pool::Refused;
use dapr_blocks::Pulse;
use dapr_blocks::state::{BulkError, Entry, Features, GetOptions, KeyPrefix, Limits, StateError, StateStore};

/// What a provider says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::providers) struct Declaration {
    pub(super) features: Features,
    pub(super) limits: Limits,
    pub(super) instances: Instances,
}

impl Declared for Declaration {
    fn instances(&self) -> Instances {
        self.instances
    }
}

fn is_of_the_server(error: &StateError) -> bool {
    matches!(
        error,
        StateError::Unavailable { .. } | StateError::OutcomeUnknown { .. }
    )
}

impl<T> Heard for Result<T, StateError> {
    fn is_away(&self) -> bool {
        self.as_ref().err().is_some_and(is_of_the_server)
    }
}

impl Heard for Result<(), BulkError> {
    fn is_away(&self) -> bool {
        match self {
            Ok(()) => false,
            Err(BulkError::Call(error)) => is_of_the_server(error),
            Err(BulkError::Items(items)) => items.iter().all(|item| is_of_the_server(&item.error)),
        }
    }
}

/// That a provider answered what it must not.
pub(super) fn untrue(what: impl AsRef<str>) -> StateError {
    StateError::internal(answer::untrue(what))
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
    match answer::refused(refused) {
        None => StateError::Throttled,
        Some(reason) => StateError::Unavailable {
            reason: reason.to_owned(),
            source: None,
        },
    }
}

/// A key that no app has an item under.
const NOBODYS: &str = "dapr-wasm health";

/// Asks a store for an item while its server is away, as the app whose view it is.
pub(super) async fn keep_finding(pulse: &Pulse, store: &impl StateStore) {
    let key = KeyPrefix::None.resolve("", "", None).key(NOBODYS, &Limits::default());
    let key = &key.expect("it is a key");
    let ask = || async move {
        // What comes of it, the pulse has noted.
        let _ = store.get(key, &GetOptions::default()).await;
    };
    pulse.keep_finding(ask).await;
}
