//! What is wrong with a configuration, and where.
//!
//! `{}` gives one line, `{:#}` the line with the place in the file below it:
//!
//! ```text
//! components.toml:3:1: unknown key `tpe` in [state.statestore]
//!   |
//! 3 | tpe = "sqlite"
//!   | ^^^ did you mean `type`?
//! ```
//!
//! Lines and columns count from 1, and columns count characters, as editors do.

use super::snippet::{self, Position};
use super::source::Source;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A place in a configuration file. `Display` is `FILE:LINE:COLUMN`.
#[derive(Clone)]
pub struct Location {
    source: Arc<Source>,
    span: Range<usize>,
}

impl Location {
    pub(super) fn new(source: &Arc<Source>, span: Range<usize>) -> Self {
        Self {
            source: Arc::clone(source),
            span,
        }
    }

    /// An error about this place. The message is lower case, without a full stop, and names what was found.
    pub fn error(&self, message: impl Into<String>) -> ConfigError {
        ConfigError {
            location: self.clone(),
            message: message.into(),
            help: None,
            is_line_hidden: false,
        }
    }

    /// The file, as its [`Source`] names it.
    pub fn file(&self) -> &str {
        self.source.name()
    }

    /// The line, counted from 1.
    pub fn line(&self) -> usize {
        self.position().line
    }

    /// The column in characters, counted from 1.
    pub fn column(&self) -> usize {
        self.position().column
    }

    fn position(&self) -> Position<'_> {
        Position::of(self.source.text(), self.span.start)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { line, column, .. } = self.position();
        write!(f, "{}:{line}:{column}", snippet::printable(self.file()))
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One thing that is wrong in a configuration file.
#[derive(Clone)]
pub struct ConfigError {
    location: Location,
    message: String,
    help: Option<String>,
    /// Whether the line may hold a password, and is not shown below the message.
    is_line_hidden: bool,
}

impl ConfigError {
    /// Adds what to do about it: a phrase that can stand behind the caret.
    #[must_use]
    pub fn with_help(self, help: impl Into<String>) -> Self {
        Self {
            help: Some(help.into()),
            ..self
        }
    }

    /// The same without the line of the file, where it may hold a password.
    #[must_use]
    pub fn without_line(self) -> Self {
        Self {
            is_line_hidden: true,
            ..self
        }
    }

    /// What was found.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// Where it was found.
    pub fn location(&self) -> &Location {
        &self.location
    }

    pub(super) fn same_as(&self, other: &Self) -> bool {
        self.location.span == other.location.span && self.message == other.message
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.location, self.message)?;
        if !f.alternate() {
            return Ok(());
        }
        if self.is_line_hidden {
            return self.help().map_or(Ok(()), |help| write!(f, "\n  = {help}"));
        }
        writeln!(f)?;
        snippet::write(f, self.location.source.text(), &self.location.span, self.help())
    }
}

impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:#}")
    }
}

impl std::error::Error for ConfigError {}

/// Everything that is wrong in a configuration file, in the order of the file: one error or more.
///
/// `{}` gives a line for each, `{:#}` each with the place in the file, separated by empty lines.
#[derive(Clone)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// The errors, or none if there are none.
    pub(super) fn of(errors: impl IntoIterator<Item = ConfigError>) -> Option<Self> {
        let mut all: Vec<ConfigError> = Vec::new();
        for error in errors {
            // An error is both returned from where it was found and kept by its table, so it may arrive twice.
            if !all.iter().any(|known| known.same_as(&error)) {
                all.push(error);
            }
        }
        all.sort_by_key(|error| (error.location.span.start, error.location.span.end));
        (!all.is_empty()).then_some(Self(all))
    }

    /// Both, in the order of the file.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::of(self.0.into_iter().chain(other.0)).expect("two lists that are not empty make one that is not")
    }

    /// The errors, in the order of the file.
    pub fn iter(&self) -> std::slice::Iter<'_, ConfigError> {
        self.0.iter()
    }
}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self(vec![error])
    }
}

impl IntoIterator for ConfigErrors {
    type Item = ConfigError;
    type IntoIter = std::vec::IntoIter<ConfigError>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a ConfigErrors {
    type Item = &'a ConfigError;
    type IntoIter = std::slice::Iter<'a, ConfigError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.iter().enumerate() {
            match (index, f.alternate()) {
                (0, _) => {}
                (_, false) => f.write_str("\n")?,
                (_, true) => f.write_str("\n\n")?,
            }
            fmt::Display::fmt(error, f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:#}")
    }
}

impl std::error::Error for ConfigErrors {}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(span: Range<usize>) -> Location {
        Location::new(&Arc::new(Source::new("components.toml", "", "a = 1\nb = 2\n")), span)
    }

    #[test]
    fn display_is_one_line_and_alternate_shows_the_place() {
        let error = location(6..7).error("unknown key `b`").with_help("did you mean `a`?");
        assert_eq!(error.to_string(), "components.toml:2:1: unknown key `b`");
        assert_eq!(
            format!("{error:#}"),
            "components.toml:2:1: unknown key `b`\n  |\n2 | b = 2\n  | ^ did you mean `a`?"
        );
    }

    #[test]
    fn a_line_that_may_hold_a_password_is_not_shown() {
        let error = location(6..7).error("it is wrong").without_line();
        assert_eq!(format!("{error:#}"), "components.toml:2:1: it is wrong");
        let error = error.with_help("write it anew");
        assert_eq!(
            format!("{error:#}"),
            "components.toml:2:1: it is wrong\n  = write it anew"
        );
    }

    #[test]
    fn errors_stand_in_the_order_of_the_file_and_once_each() {
        let (first, second) = (location(0..1).error("one"), location(6..7).error("two"));
        let errors = ConfigErrors::from(second.clone()).and(first.into()).and(second.into());
        assert_eq!(errors.to_string(), "components.toml:1:1: one\ncomponents.toml:2:1: two");
    }
}
