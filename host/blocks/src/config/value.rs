//! Reading one value: [`FromToml`] for what TOML has types for, [`FromText`] for what is written as a string.
//!
//! A string may stand in the file, in an environment variable or in a secret: `"30s"` and `{ env = "NAME" }` are the same to
//! whoever reads it. A message quotes what stands in the file, and never what stands elsewhere: that may be a password.

use super::credentials::without_credentials;
use super::document::{Data, Entry, Node};
use super::elsewhere::Elsewhere;
use super::error::{ConfigError, ConfigErrors, Location};
use super::hidden::Hidden;
use super::place::Place;
use super::reference::{self, Reference};
use super::snippet::drives_a_terminal;
use super::source::Source;
use crate::secrets::Secret;
use std::fmt::Display;
use std::ops::Range;
use std::sync::Arc;

/// A type that a value of a configuration file can have. To add one, implement [`FromText`].
pub trait FromToml: Sized {
    /// What such a value is called, with its article: `a duration`.
    const WHAT: &'static str;

    /// One such value as TOML, for messages: `"30s"`.
    fn example() -> String;

    /// Reads the value.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and where.
    fn from_toml(value: Value<'_>) -> Result<Self, ConfigErrors>;
}

/// A type that is written as a string.
pub trait FromText: Sized {
    /// What such a value is called, with its article: `a duration`.
    const WHAT: &'static str;

    /// One such value as TOML, for messages: `"30s"`.
    const EXAMPLE: &'static str;

    /// Why a text is no such value: half a sentence, to be read behind "`deadline` cannot be "soon": ".
    type Problem: Display;

    /// Whether it is shown again, at the start, by `check` or in errors, without its [`Given`](super::Given): then it cannot
    /// come from a secret.
    const IS_SHOWN: bool = false;

    /// Whether nobody is to see it where it is a reference, also where others quote it.
    const IS_SECRET: bool = false;

    /// Reads the text.
    ///
    /// # Errors
    ///
    /// Why it cannot be read.
    fn from_text(text: &str) -> Result<Self, Self::Problem>;
}

impl<T: FromText> FromToml for T {
    const WHAT: &'static str = <T as FromText>::WHAT;

    fn example() -> String {
        T::EXAMPLE.to_owned()
    }

    fn from_toml(value: Value<'_>) -> Result<Self, ConfigErrors> {
        match value.text()? {
            Some(text) => {
                if T::IS_SHOWN {
                    value.refuse_secret(&text)?;
                }
                if T::IS_SECRET {
                    value.hide(&text);
                }
                T::from_text(text.as_str()).map_err(|problem| value.unfit::<T>(&text, &problem).into())
            }
            // `30` is no duration in quotes either, and then quotes are no help.
            None if value.literal().is_some_and(|literal| T::from_text(literal).is_ok()) => {
                Err(value.unquoted::<T>().into())
            }
            None => Err(value.mismatch::<T>().into()),
        }
    }
}

/// What all values of a file share.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) source: Arc<Source>,
    pub(super) elsewhere: Elsewhere,
    /// What of it nobody is to see.
    pub(super) hidden: Arc<Hidden>,
}

impl Context {
    pub(super) fn at(&self, span: &Range<usize>) -> Location {
        Location::new(&self.source, span.clone())
    }

    /// The part of the file, if it is short enough to repeat.
    pub(super) fn literal(&self, span: &Range<usize>) -> Option<&str> {
        let text = self.source.text().get(span.clone())?;
        (text.len() <= MAX_QUOTE && !text.contains(drives_a_terminal)).then_some(text)
    }
}

/// A value that is being read.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    context: &'a Context,
    /// What messages call it: `` `deadline` ``, ``an item of `scopes` ``.
    label: &'a str,
    node: &'a Node,
}

/// The text of a value, and where it stands, if that is not the file.
pub(super) struct Text<'a> {
    text: &'a str,
    place: Option<Place>,
}

impl Text<'_> {
    /// Whether it comes from elsewhere, and so must not be repeated, not even by its nearest name.
    pub(super) fn is_foreign(&self) -> bool {
        self.place.is_some()
    }

    pub(super) fn as_str(&self) -> &str {
        self.text
    }
}

/// How many characters of a value a message repeats.
const MAX_QUOTE: usize = 60;

impl<'a> Value<'a> {
    pub(super) fn new(context: &'a Context, label: &'a str, node: &'a Node) -> Self {
        Self { context, label, node }
    }

    /// A part of this value, under its own name.
    pub(super) fn part(&self, label: &'a str, node: &'a Node) -> Value<'a> {
        Value {
            context: self.context,
            label,
            node,
        }
    }

    pub(super) fn data(&self) -> &'a Data {
        &self.node.data
    }

    pub(super) fn label(&self) -> &'a str {
        self.label
    }

    pub(super) fn source(&self) -> &'a Source {
        &self.context.source
    }

    pub(super) fn location(&self) -> Location {
        self.at(&self.node.span)
    }

    pub(super) fn at(&self, span: &Range<usize>) -> Location {
        self.context.at(span)
    }

    /// The text, if this is a string or a reference to one.
    pub(super) fn text(&self) -> Result<Option<Text<'a>>, ConfigErrors> {
        match &self.node.data {
            Data::String(text) => Ok(Some(Text { text, place: None })),
            Data::Table(entries) => self.referred(entries),
            _ => Ok(None),
        }
    }

    /// What this refers to, if it does.
    pub(super) fn place(&self) -> Option<Place> {
        self.text().ok().flatten()?.place
    }

    /// Takes note that nobody is to see the text, if it stands elsewhere.
    pub(super) fn hide(&self, text: &Text<'_>) {
        if text.is_foreign() {
            self.context.hidden.add(Secret::new(text.as_str().to_owned()));
        }
    }

    fn referred(&self, entries: &'a [Entry]) -> Result<Option<Text<'a>>, ConfigErrors> {
        let reference = reference::resolve(self.context, self.label, entries)?;
        Ok(reference.map(|Reference { place, text }| Text {
            text,
            place: Some(place),
        }))
    }

    // ---- errors ----

    /// The value is of another TOML type.
    pub(super) fn mismatch<T: FromToml>(&self) -> ConfigError {
        let Self { label, node, .. } = self;
        let error = self
            .location()
            .error(format!("{label} must be {}, not {}", T::WHAT, node.data.what()));
        error.with_help(format!("write it like {}", T::example()))
    }

    /// The same, where quotes may be all that is missing.
    pub(super) fn unquoted<T: FromToml>(&self) -> ConfigError {
        let error = self.mismatch::<T>();
        match (&self.node.data, self.literal()) {
            (Data::Integer(_) | Data::Float(_) | Data::Boolean(_) | Data::Datetime, Some(literal)) => {
                error.with_help(format!("write it in quotes: \"{literal}\""))
            }
            _ => error,
        }
    }

    /// The value is a text, but not the text of a `T`.
    pub(super) fn unfit<T: FromToml>(&self, text: &Text<'_>, problem: &dyn Display) -> ConfigError {
        self.unfit_as(T::WHAT, text, problem)
            .with_help(format!("write it like {}", T::example()))
    }

    /// The value is a text, but not `what`.
    pub(super) fn unfit_as(&self, what: &str, text: &Text<'_>, problem: &dyn Display) -> ConfigError {
        let Self { label, .. } = self;
        let Some(place) = &text.place else {
            return self
                .location()
                .error(format!("{label} cannot be {}: {problem}", quoted(text.text)));
        };
        let value = place.value();
        let problem = if text.text.is_empty() {
            "it is empty".to_owned()
        } else {
            format!("it is not {what}")
        };
        self.location().error(format!("{label} cannot be {value}: {problem}"))
    }

    /// Holds what is shown again to not being a secret.
    pub(super) fn refuse_secret(&self, text: &Text<'_>) -> Result<(), ConfigError> {
        let Some(place @ Place::Secret { .. }) = &text.place else {
            return Ok(());
        };
        let (label, value) = (self.label, place.value());
        let error = self.location().error(format!(
            "{label} cannot be {value}: it is shown at the start and in errors"
        ));
        Err(error.with_help("write it here, or as { env = \"NAME\" }"))
    }

    /// The value is a number or the like, spelled in the file, that is out of bounds.
    pub(super) fn out_of_bounds(&self, problem: &dyn Display) -> ConfigError {
        let label = self.label;
        let message = match (&self.node.data, self.literal()) {
            (Data::Table(_), _) | (_, None) => format!("{label} is out of bounds: {problem}"),
            (_, Some(literal)) => format!("{label} cannot be {}: {problem}", without_credentials(literal)),
        };
        self.location().error(message)
    }

    /// The part of the file that this value is, if it is short enough to repeat.
    pub(super) fn literal(&self) -> Option<&'a str> {
        self.context.literal(&self.node.span)
    }
}

/// A text in quotes, cut where it is long, without characters that drive a terminal, and without the password of an address.
pub(super) fn quoted(text: &str) -> String {
    let text = without_credentials(text);
    let mut shown: String = text.chars().take(MAX_QUOTE).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("\"{}\"", shown.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_short_and_harmless() {
        assert_eq!(quoted("a\u{1b}\"b"), r#""a\u{1b}\"b""#);
        assert_eq!(
            quoted(&"é".repeat(MAX_QUOTE + 1)),
            format!("\"{}…\"", "é".repeat(MAX_QUOTE))
        );
        // Also where it is cut before the `@`.
        let long = format!("redis://:{}@db", "hunter2".repeat(MAX_QUOTE));
        assert_eq!(quoted(&long), r#""redis://***@db""#);
    }
}
