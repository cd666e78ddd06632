//! Why there is no number to answer, and how HTTP says so.

use crate::{addition::TRIES, bindings::dapr::state::types::Error, state_error};

#[derive(Debug)]
pub enum Failure {
    /// The path is malformed.
    Path(String),
    Method,
    /// Others were faster each time.
    Busy,
    /// The number has no successor.
    Full,
    NotANumber,
    Store(Error),
}

impl Failure {
    /// The status and the text.
    pub fn spoken(self) -> (u16, String) {
        match self {
            Self::Path(text) => (400, text),
            Self::Method => (405, "a counter takes GET and POST".to_owned()),
            Self::Busy => (409, format!("others were faster {TRIES} times: try again")),
            Self::Full => (409, "the counter is at its maximum".to_owned()),
            Self::NotANumber => (500, "what is stored under this name is not a number".to_owned()),
            Self::Store(error) => {
                let (status, _, text) = state_error::spoken(error);
                (status, text)
            }
        }
    }

    /// The methods that there are, which a 405 must name.
    pub fn allow(&self) -> Option<&'static str> {
        matches!(self, Self::Method).then_some("GET, HEAD, POST")
    }
}
