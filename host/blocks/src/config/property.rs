//! A setting as a component describes it: what it is called, and what its values are.
//!
//! Names are compared without looking at case, and values are held to what Dapr can read, because that is how Dapr's own
//! components read theirs. What a value means, only the component knows.

use super::duration::parse_duration;
use std::fmt;

/// A setting of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// Its name: `redisHost`.
    pub name: String,
    /// Other names that it has.
    pub aliases: Vec<String>,
    /// What its values are.
    pub kind: PropertyKind,
    /// What it is where the configuration does not say.
    pub default: Option<String>,
    /// Whether it should not be used any more.
    pub deprecated: bool,
}

impl Property {
    /// Whether this is a name of it.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.names().any(|own| own.eq_ignore_ascii_case(name))
    }

    /// Its name and its aliases.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.name).chain(&self.aliases).map(String::as_str)
    }
}

/// What the values of a setting are. `Display` is the word that a component says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PropertyKind {
    /// Any text; also what a component calls by a word that is not known here.
    Text,
    /// Yes or no.
    Boolean,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// A duration as Go has it, or a number of seconds.
    Duration,
}

impl PropertyKind {
    /// The kind that a component calls so.
    pub fn of(word: &str) -> Self {
        match word {
            "bool" => Self::Boolean,
            "int" => Self::Integer,
            "number" => Self::Number,
            "duration" => Self::Duration,
            _ => Self::Text,
        }
    }

    /// Whether a text is such a value. An empty one is: it is what is not set.
    ///
    /// # Errors
    ///
    /// Half a sentence, to be read behind "`poolSize` cannot be "many": ".
    pub(super) fn check(self, text: &str) -> Result<(), &'static str> {
        let (fits, problem) = match self {
            Self::Text => return Ok(()),
            Self::Boolean => (is_boolean(text), "it is neither true nor false"),
            Self::Integer => (is_integer(text), "it is not an integer"),
            Self::Number => (text.parse::<f64>().is_ok(), "it is not a number"),
            Self::Duration => (is_duration(text), "it is neither a duration nor a number of seconds"),
        };
        match fits || text.is_empty() {
            true => Ok(()),
            false => Err(problem),
        }
    }

    /// What such a value is called, with its article.
    pub(super) fn what(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Boolean => "a boolean",
            Self::Integer => "an integer",
            Self::Number => "a number",
            Self::Duration => "a duration",
        }
    }

    /// One such value as TOML.
    pub(super) fn example(self) -> &'static str {
        match self {
            Self::Text => "\"text\"",
            Self::Boolean => "true",
            Self::Integer => "10",
            Self::Number => "0.5",
            Self::Duration => "\"30s\"",
        }
    }
}

impl fmt::Display for PropertyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Text => "string",
            Self::Boolean => "bool",
            Self::Integer => "int",
            Self::Number => "number",
            Self::Duration => "duration",
        })
    }
}

/// Dapr takes the first six for true and anything else for false: a slip would go unnoticed.
fn is_boolean(text: &str) -> bool {
    let text = text.trim();
    ["true", "yes", "on", "y", "t", "1", "false", "no", "off", "n", "f", "0"]
        .iter()
        .any(|word| word.eq_ignore_ascii_case(text))
}

/// As Go's `ParseInt` without a base: `10`, `-1`, `0x1f`.
fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let radix = |prefix: [&str; 2]| prefix.iter().find_map(|prefix| digits.strip_prefix(prefix));
    let digits_of = |digits: &str, radix| {
        digits.starts_with(|c: char| c.is_digit(radix)) && i128::from_str_radix(digits, radix).is_ok()
    };
    if let Some(digits) = radix(["0x", "0X"]) {
        return digits_of(digits, 16);
    }
    if let Some(digits) = radix(["0o", "0O"]) {
        return digits_of(digits, 8);
    }
    if let Some(digits) = radix(["0b", "0B"]) {
        return digits_of(digits, 2);
    }
    digits_of(digits, 10)
}

fn is_duration(text: &str) -> bool {
    let positive = text.strip_prefix('-').unwrap_or(text);
    parse_duration(positive).is_ok() || text.parse::<i64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(kind: PropertyKind, text: &str) -> bool {
        kind.check(text).is_ok()
    }

    #[test]
    fn values_are_what_dapr_can_read() {
        for (kind, texts) in [
            (PropertyKind::Text, &["", "anything"][..]),
            (PropertyKind::Boolean, &["", "true", "False", "yes", "0", " on "]),
            (PropertyKind::Integer, &["", "0", "-1", "+7", "0x1F", "010"]),
            (PropertyKind::Number, &["", "0.5", "1e3", "-1", "inf"]),
            (PropertyKind::Duration, &["", "30s", "-1", "1h30m", "-1ms", "30", "0"]),
        ] {
            for text in texts {
                assert!(fits(kind, text), "{kind} {text:?}");
            }
        }
    }

    #[test]
    fn a_slip_is_no_value() {
        for (kind, texts) in [
            (PropertyKind::Boolean, &["flase", "2", "truee"][..]),
            (PropertyKind::Integer, &["1.5", "ten", "true", " 1", "0x", "+-1"]),
            (PropertyKind::Number, &["half", "true", "0x1f"]),
            (PropertyKind::Duration, &["soon", "1.5", "1d", "PT30S", "true", "--1s"]),
        ] {
            for text in texts {
                assert!(!fits(kind, text), "{kind} {text:?}");
            }
        }
    }

    #[test]
    fn a_kind_is_the_word_that_says_it_and_an_unknown_word_is_a_text() {
        for word in ["string", "bool", "int", "number", "duration"] {
            assert_eq!(PropertyKind::of(word).to_string(), word);
        }
        assert_eq!(PropertyKind::of("quantity"), PropertyKind::Text);
    }
}
