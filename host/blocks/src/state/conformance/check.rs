//! What a claim is made of: checks that end it with a text, and the place that failed.

use crate::chain;
use crate::state::{BulkError, StateError};
use std::error::Error;
use std::fmt;
use std::panic::Location;

/// How a claim ends.
pub(super) type Verdict = Result<(), Failure>;

/// What was found where a claim does not hold, and which line of this suite found it.
#[derive(Clone)]
pub struct Failure {
    text: String,
    at: &'static Location<'static>,
}

impl Failure {
    #[track_caller]
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            at: Location::caller(),
        }
    }

    /// The same, found for the line of another.
    pub(super) fn of(self, at: &'static Location<'static>) -> Self {
        Self { at, ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}:{})", self.text, self.at.file(), self.at.line())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for Failure {}

// `?` passes the caller's place through, so an unexpected error names the line of the claim.
impl From<StateError> for Failure {
    #[track_caller]
    fn from(error: StateError) -> Self {
        Self::new(format!("unexpected {}", described(&error)))
    }
}

impl From<BulkError> for Failure {
    #[track_caller]
    fn from(error: BulkError) -> Self {
        match error {
            BulkError::Call(error) => error.into(),
            BulkError::Items(items) => {
                let items = items
                    .iter()
                    .map(|item| format!("item {}: {}", item.index, described(&item.error)));
                Self::new(format!(
                    "unexpected errors of items: {}",
                    items.collect::<Vec<_>>().join("; ")
                ))
            }
        }
    }
}

impl From<tokio::task::JoinError> for Failure {
    #[track_caller]
    fn from(error: tokio::task::JoinError) -> Self {
        Self::new(format!("the claim itself broke: {error}"))
    }
}

/// Something is as it must be.
#[track_caller]
pub(super) fn same<T: PartialEq + fmt::Debug>(what: &str, found: T, expected: T) -> Verdict {
    if found == expected {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{what}: found {}, expected {}",
        clipped(&found),
        clipped(&expected)
    )))
}

/// Something is true.
#[track_caller]
pub(super) fn holds(what: &str, condition: bool) -> Verdict {
    if condition { Ok(()) } else { Err(Failure::new(what)) }
}

/// Something was refused with an error of this case.
#[track_caller]
pub(super) fn refused<T: fmt::Debug>(what: &str, result: Result<T, StateError>, case: &str) -> Verdict {
    match result {
        Err(error) if error.case() == case => Ok(()),
        Err(error) => Err(Failure::new(format!(
            "{what}: expected `{case}`, found {}",
            described(&error)
        ))),
        Ok(value) => Err(Failure::new(format!(
            "{what}: expected `{case}`, but it succeeded with {}",
            clipped(&value)
        ))),
    }
}

/// A condition did not hold.
#[track_caller]
pub(super) fn mismatched<T: fmt::Debug>(what: &str, result: Result<T, StateError>) -> Verdict {
    refused(what, result, "etag-mismatch")
}

/// A bulk call failed for exactly these items, each with an error of this case.
#[track_caller]
pub(super) fn items_refused(what: &str, result: Result<(), BulkError>, indexes: &[usize], case: &str) -> Verdict {
    let found = match result {
        Ok(()) => Vec::new(),
        Err(BulkError::Call(error)) => return Err(error.into()),
        Err(BulkError::Items(items)) => items,
    };
    let cases = found
        .iter()
        .map(|item| (item.index, item.error.case()))
        .collect::<Vec<_>>();
    same(what, cases, indexes.iter().map(|index| (*index, case)).collect())
}

/// The error with its causes: the reader of a report runs the store and may see them.
fn described(error: &StateError) -> String {
    format!("`{}`: {}", error.case(), with_causes(error))
}

/// An error and those below it, in a line, whatever lines a store's own words have: they must not look like the report's.
pub(super) fn with_causes(error: &(dyn Error + 'static)) -> String {
    let shown = |char: char| match char.is_control() {
        true => char.escape_debug().to_string(),
        false => char.to_string(),
    };
    chain(error).chars().map(shown).collect()
}

/// Debug text, cut: a value may have megabytes.
fn clipped(value: &impl fmt::Debug) -> String {
    const MAX_CHARS: usize = 300;
    let text = format!("{value:?}");
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}… ({} characters)", &text[..end], text.chars().count()),
        None => text,
    }
}
