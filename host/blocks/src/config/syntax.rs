//! TOML that does not parse, in our words and with our carets.
//!
//! The `toml` crate goes on after an error, and much of what it then finds is only the echo of the first one. So a line has
//! one error at most, and after an error that may reach over lines (an array that is not closed) nothing more is said.

use super::error::{ConfigError, ConfigErrors, Location};
use super::snippet::Position;
use super::source::Source;
use std::ops::Range;
use std::sync::Arc;
use toml::de::Error;

/// What the `toml` crate calls the two mistakes after which it reads on safely. Should it call them otherwise one day,
/// less is reported at once, and nothing wrong.
const DUPLICATE: &str = "duplicate key";
const UNQUOTED: &str = "string values must be quoted";

pub(super) fn errors(source: &Arc<Source>, found: Vec<Error>) -> Option<ConfigErrors> {
    let mut found: Vec<(Range<usize>, Error)> = found
        .into_iter()
        .map(|error| (error.span().unwrap_or_default(), error))
        .collect();
    found.sort_by_key(|(span, _)| (span.start, span.end));

    let mut errors: Vec<ConfigError> = Vec::new();
    for (span, error) in found {
        let (error, reach) = convert(source, span, error.message());
        if errors
            .last()
            .is_some_and(|last| last.location().line() == error.location().line())
        {
            continue;
        }
        errors.push(error);
        if matches!(reach, Reach::Further) {
            break;
        }
    }
    ConfigErrors::of(errors)
}

/// How far the parser may have been led astray.
enum Reach {
    Value,
    Further,
}

fn convert(source: &Arc<Source>, span: Range<usize>, message: &str) -> (ConfigError, Reach) {
    let part = source.text().get(span.clone()).unwrap_or_default();
    let location = Location::new(source, span.clone());
    let line = Position::of(source.text(), span.start).content;
    if message == DUPLICATE {
        // The keys below a header that stands twice are taken for the first one's, and may look like duplicates, too.
        let reach = if line.trim_start().starts_with('[') {
            Reach::Further
        } else {
            Reach::Value
        };
        return (
            location.error(format!("duplicate key `{}`", part.escape_debug())),
            reach,
        );
    }
    if part.eq_ignore_ascii_case("true") || part.eq_ignore_ascii_case("false") {
        let error = location
            .error("booleans are lower case")
            .with_help(format!("write {}", part.to_lowercase()));
        return (error, Reach::Value);
    }
    if message.starts_with(UNQUOTED) {
        return unquoted(source, &span, part);
    }
    if is_yaml_colon(line, part) {
        let error = location
            .error("key and value are separated by `:`")
            .with_help("TOML wants `=` between them");
        return (error, Reach::Further);
    }
    (explained(location, message), Reach::Further)
}

/// The `toml` crate's message, in plainer words where there are any.
fn explained(location: Location, message: &str) -> ConfigError {
    match message {
        "invalid basic string, expected `\"`" => return location.error("the string is not closed, expected `\"`"),
        "invalid literal string, expected `'`" => return location.error("the string is not closed, expected `'`"),
        _ => {}
    }
    // "unexpected leading zero, expected nothing": the second half says nothing.
    let message = message.strip_suffix(", expected nothing").unwrap_or(message);
    let error = location.error(message.replace('\n', " "));
    match message.starts_with("missing comma between array elements") {
        true => error.with_help("or the array before this is not closed with `]`"),
        false => error,
    }
}

fn unquoted(source: &Arc<Source>, span: &Range<usize>, part: &str) -> (ConfigError, Reach) {
    let location = Location::new(source, span.clone());
    let word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':' | '%');
    let error = match part {
        "" => location.error("a value is missing"),
        _ if part.chars().all(word) => location
            .error("a string needs quotes")
            .with_help(format!("write \"{part}\"")),
        _ => location.error("this is neither a quoted string nor any other value"),
    };
    (error, Reach::Value)
}

/// `type: sqlite`, as in YAML, which the parser takes for a key with a wrong letter.
fn is_yaml_colon(line: &str, part: &str) -> bool {
    let key = line.split(':').next().unwrap_or(line);
    part == ":" && !key.contains('=') && !key.trim_start().starts_with('[')
}

#[cfg(test)]
mod tests {
    use super::super::document;
    use super::*;

    fn messages(text: &str) -> Vec<String> {
        let errors = document::parse(&Arc::new(Source::new("f", "", text))).unwrap_err();
        errors
            .iter()
            .map(|error| {
                format!(
                    "{} {}",
                    error.location(),
                    [error.message(), error.help().unwrap_or("")].join(" | ")
                )
            })
            .collect()
    }

    #[test]
    fn independent_mistakes_are_all_reported() {
        assert_eq!(
            messages("a = x\nb = 1\nb = 2\nc = True"),
            [
                "f:1:5 a string needs quotes | write \"x\"",
                "f:3:1 duplicate key `b` | ",
                "f:4:5 booleans are lower case | write true"
            ]
        );
    }

    #[test]
    fn the_echo_of_a_mistake_is_not_reported() {
        assert_eq!(
            messages("a = [1, 2\nb = 3\n"),
            [
                "f:2:1 missing comma between array elements, expected `,` | or the array before this is not closed with `]`"
            ]
        );
        assert_eq!(messages("[a]\nx = 1 y = 2\n").len(), 1);
    }

    #[test]
    fn yaml_is_recognised() {
        assert_eq!(
            messages("type: x"),
            ["f:1:5 key and value are separated by `:` | TOML wants `=` between them"]
        );
    }

    #[test]
    fn a_value_that_is_missing_is_called_that() {
        assert_eq!(messages("a = \nb = 1"), ["f:1:5 a value is missing | "]);
    }
}
