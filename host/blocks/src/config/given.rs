//! A value, and the variable or secret that it came from: for values that are shown again.
//!
//! An error about a value knows where the value stands. What is shown later (in `check`, at the start, in an error that
//! only a vendor finds) has to remember it, or it would print what a variable or a secret holds.

use super::error::ConfigErrors;
use super::place::Place;
use super::value::{FromToml, Value};
use std::fmt;

/// A value as it was given. `Display` shows `{ env = "NAME" }` in place of what a variable holds, and likewise of a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given<T> {
    /// The value.
    pub value: T,
    place: Option<Place>,
}

impl<T> Given<T> {
    /// Where it stands, if that is not the file.
    pub fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }
}

impl<T: FromToml> FromToml for Given<T> {
    const WHAT: &'static str = T::WHAT;

    fn example() -> String {
        T::example()
    }

    fn from_toml(value: Value<'_>) -> Result<Self, ConfigErrors> {
        let place = value.place();
        T::from_toml(value).map(|value| Self { value, place })
    }
}

impl<T: fmt::Display> fmt::Display for Given<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => place.fmt(f),
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
        assert_eq!((given.to_string(), given.place()), ("text".to_owned(), None));
    }
}
