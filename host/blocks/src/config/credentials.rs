//! The user and the password in an address: `redis://ann:secret@db`.
//!
//! What stands in the file is repeated when something is wrong with it, on a terminal and in logs that many read. Addresses of
//! servers are written with passwords in them, also where none belongs, so these are left out.

use std::borrow::Cow;
use std::ops::Range;

/// What is shown in place of them.
pub(super) const HIDDEN: &str = "***";

/// Where they stand in a text that looks like such an address, or has one in it.
///
/// Behind `//` it is all up to the last `@`, since a password may have whatever its writer forgot to escape. Without `//` it is
/// a word with `:` before the `@`.
pub(super) fn credentials(text: &str) -> Option<Range<usize>> {
    let (before, _) = text.rsplit_once('@')?;
    let end = before.len();
    let start = match before.split_once("//") {
        Some((scheme, _)) => scheme.len() + 2,
        None => {
            let ends_a_word = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '=' | '[' | '{' | ',');
            let word = before.rsplit(ends_a_word).next().unwrap_or(before);
            end - word.contains(':').then_some(word)?.len()
        }
    };
    (start < end).then_some(start..end)
}

/// The text without them.
pub(super) fn without_credentials(text: &str) -> Cow<'_, str> {
    match credentials(text).and_then(|range| Some((text.get(..range.start)?, text.get(range.end..)?))) {
        Some((before, after)) => Cow::Owned(format!("{before}{HIDDEN}{after}")),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_left_out_however_it_is_written() {
        for (text, expected) in [
            ("redis://:hunter2@db:6379", "redis://***@db:6379"),
            ("redis://ann:hun/t?e#r@2@db/0", "redis://***@db/0"),
            ("ann:hunter2@db", "***@db"),
            ("host = \"ann:hunter2@db\"", "host = \"***@db\""),
            ("hosts = ['a:1', 'ann:hunter2@db']", "hosts = ['a:1', '***@db']"),
        ] {
            assert_eq!(without_credentials(text), expected);
        }
    }

    #[test]
    fn all_else_is_left_as_it_is() {
        for text in ["", "@", "//@db", "redis://db:6379", "ann@db", "a:1 ann@db", "db:6379"] {
            assert_eq!(without_credentials(text), text);
        }
    }
}
