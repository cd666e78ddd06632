//! Names that become parts of keys: app ids, namespaces, the names of Dapr components, and key prefixes of the user's own.
//!
//! All are joined with an app's key by `||` to the key that a store sees (`orders||cart`). A name that contains `||` could
//! so name another app's items; control characters would go into logs and into stores' own commands; 253 bytes is what a
//! DNS name and a Kubernetes object may have, which Dapr's names are where it runs in a cluster.

use super::value::FromText;
use std::fmt;
use std::str::FromStr;

/// The most bytes a name may have.
const MAX_BYTES: usize = 253;

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing is written.
    #[error("a name cannot be empty")]
    Empty,
    /// It contains what separates the parts of a key.
    #[error("a name cannot contain `||`, which separates the parts of a key")]
    Separator,
    /// It ends with half of that: `a|` and a key `b` would make the same key as `a` and `|b`.
    #[error("a name cannot end with `|`, which begins the `||` between the parts of a key")]
    TrailingBar,
    /// It contains a line break, a NUL or the like.
    #[error("a name cannot contain the control character {}", .0.escape_debug())]
    Control(char),
    /// It is longer than a DNS name.
    #[error("a name has at most {MAX_BYTES} bytes, this one has {0}")]
    TooLong(usize),
}

impl NameError {
    /// Holds a text to the rules of names.
    pub(crate) fn check(text: &str) -> Result<(), Self> {
        if text.is_empty() {
            return Err(Self::Empty);
        }
        if text.len() > MAX_BYTES {
            return Err(Self::TooLong(text.len()));
        }
        if text.contains("||") {
            return Err(Self::Separator);
        }
        if text.ends_with('|') {
            return Err(Self::TrailingBar);
        }
        match text.chars().find(|c| c.is_control()) {
            Some(control) => Err(Self::Control(control)),
            None => Ok(()),
        }
    }
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident: $what:literal, $example:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                NameError::check(text).map(|()| Self(text.to_owned()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromText for $name {
            const WHAT: &'static str = $what;
            const EXAMPLE: &'static str = $example;
            type Problem = NameError;

            fn from_text(text: &str) -> Result<Self, NameError> {
                text.parse()
            }
        }
    )*};
}

names! {
    /// The id of an app, by which scopes and keys tell apps apart.
    AppId: "an app id", "\"orders\"";
    /// The namespace that a host runs in, which Dapr reads from the environment variable `NAMESPACE`.
    Namespace: "a namespace", "\"production\"";
    /// The name of a Dapr component: `statestore` of `[state.statestore]`, by which an app asks for it.
    ComponentName: "a component's name", "\"statestore\"";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_any_text_that_cannot_break_a_key() {
        for text in ["orders", "a|b", "Ünïcode", "my store", &"a".repeat(MAX_BYTES)] {
            assert_eq!(text.parse::<AppId>().unwrap().to_string(), text);
        }
        for (text, error) in [
            ("", NameError::Empty),
            ("a||b", NameError::Separator),
            ("a|", NameError::TrailingBar),
            ("a\nb", NameError::Control('\n')),
            (&"a".repeat(MAX_BYTES + 1), NameError::TooLong(MAX_BYTES + 1)),
        ] {
            assert_eq!(text.parse::<ComponentName>(), Err(error), "{text:?}");
        }
    }
}
