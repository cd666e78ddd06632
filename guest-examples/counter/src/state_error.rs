//! An error of `dapr:state` as HTTP has it. The same file in each example that needs it.

use crate::bindings::dapr::state::types::Error;

/// The status, the case as WIT spells it, and the text.
pub fn spoken(error: Error) -> (u16, &'static str, String) {
    match error {
        Error::Invalid(text) => (400, "invalid", text),
        Error::Denied(text) => (403, "denied", text),
        Error::NoSuchStore(text) => (404, "no-such-store", text),
        Error::EtagMismatch(text) => (412, "etag-mismatch", text),
        Error::TooLarge(text) => (413, "too-large", text),
        Error::Throttled(text) => (429, "throttled", text),
        Error::Internal(text) => (500, "internal", text),
        Error::Unsupported(text) => (501, "unsupported", text),
        Error::NotConfigured(text) => (501, "not-configured", text),
        Error::Unavailable(text) => (503, "unavailable", text),
        Error::OutcomeUnknown(text) => (504, "outcome-unknown", text),
    }
}
