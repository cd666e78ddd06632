//! A value, and the environment variable that it came from: for values that are shown again.
//!
//! An error about a value knows where the value stands. What is shown later (in `check`, at the start, in an error that
//! only a vendor finds) has to remember it, or it would print what a variable holds.

use super::error::ConfigErrors;
use super::value::{FromToml, Value};
use std::fmt;

/// A value as it was given. `Display` shows `{ env = "NAME" }` in place of what a variable holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given<T> {
    /// The value.
    pub value: T,
    variable: Option<String>,
}

impl<T> Given<T> {
    /// The environment variable that it came from, if it did.
    pub fn variable(&self) -> Option<&str> {
        self.variable.as_deref()
    }
}

impl<T: FromToml> FromToml for Given<T> {
    const WHAT: &'static str = T::WHAT;

    fn example() -> String {
        T::example()
    }

    fn from_toml(value: Value<'_>) -> Result<Self, ConfigErrors> {
        let variable = value.variable();
        T::from_toml(value).map(|value| Self { value, variable })
    }
}

impl<T: fmt::Display> fmt::Display for Given<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.variable {
            Some(variable) => write!(f, "{{ env = \"{}\" }}", variable.escape_debug()),
            None => self.value.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read, read_with};
    use super::*;

    #[test]
    fn what_a_variable_holds_is_read_and_not_shown() {
        let given: Given<String> = read_with(r#"{ env = "PASSWORD" }"#, &[("PASSWORD", "hunter2")]);
        assert_eq!(given.value, "hunter2");
        assert_eq!(given.to_string(), r#"{ env = "PASSWORD" }"#);
    }

    #[test]
    fn what_stands_in_the_file_is_shown() {
        let given: Given<String> = read(r#""text""#);
        assert_eq!((given.to_string(), given.variable()), ("text".to_owned(), None));
    }
}
