//! The environment variables that `{ env = "NAME" }` reads.
//!
//! A configuration is given its variables and does not look at the process itself, so that a test states its own.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;

/// Environment variables by name. `Debug` shows names only: values are often passwords.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
}

/// Why a variable has no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LookupError {
    Unset,
    NotUnicode,
}

impl Environment {
    /// The variables of this process, as they are now.
    pub fn of_process() -> Self {
        std::env::vars_os().collect()
    }

    pub(super) fn lookup(&self, name: &str) -> Result<&str, LookupError> {
        let value = self.variables.get(OsStr::new(name)).ok_or(LookupError::Unset)?;
        value.to_str().ok_or(LookupError::NotUnicode)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().filter_map(|name| name.to_str())
    }
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self {
            variables: variables
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_is_set() {
        let environment: Environment = [("EMPTY", "")].into_iter().collect();
        assert_eq!(environment.lookup("EMPTY"), Ok(""));
        assert_eq!(environment.lookup("OTHER"), Err(LookupError::Unset));
    }

    #[test]
    fn debug_shows_no_value() {
        let environment: Environment = [("PASSWORD", "hunter2")].into_iter().collect();
        assert_eq!(format!("{environment:?}"), r#"{"PASSWORD"}"#);
    }
}
