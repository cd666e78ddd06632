//! The user and the password in an address: `redis://ann:secret@db`.
//!
//! What stands in the file is repeated when something is wrong with it, on a terminal and in logs that many read. Addresses of
//! servers are written with passwords in them, also where none belongs, so these are left out.

use std::borrow::Cow;
use std::ops::Range;

/// What is shown in place of them.
pub(super) const HIDDEN: &str = "***";

/// Where they stand in a text that looks like such an address, or has some in it.
///
/// Behind the first `//` it is all up to the last `@`, since a password may have whatever its writer forgot to escape. Before it
/// they are the words with `:` before an `@`.
pub(super) fn credentials(text: &str) -> Vec<Range<usize>> {
    let last = text.rfind('@').unwrap_or_default();
    let address = text.find("//").filter(|scheme| *scheme < last);
    let words = text.get(..address.unwrap_or(text.len())).unwrap_or_default();
    let ends_a_word = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '=' | '[' | '{' | ',');
    let word = |(end, _)| {
        let before = words.get(..end)?;
        let word = before.rsplit(ends_a_word).next().unwrap_or(before);
        word.contains(':').then(|| end - word.len()..end)
    };
    let mut found: Vec<Range<usize>> = words.match_indices('@').filter_map(word).collect();
    // Of several in one word the last one has all.
    found.dedup_by(|later, earlier| {
        let is_same = later.start == earlier.start;
        if is_same {
            earlier.end = later.end;
        }
        is_same
    });
    found.extend(address.map(|scheme| scheme + 2..last).filter(|range| !range.is_empty()));
    found
}

/// The text without them.
pub(super) fn without_credentials(text: &str) -> Cow<'_, str> {
    let found = credentials(text);
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let (mut shown, mut from) = (String::new(), 0);
    for range in found {
        shown.push_str(text.get(from..range.start).unwrap_or_default());
        shown.push_str(HIDDEN);
        from = range.end;
    }
    shown.push_str(text.get(from..).unwrap_or_default());
    Cow::Owned(shown)
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
            ("['ann:hunter2@db1', 'bob:hunter2@db2']", "['***@db1', '***@db2']"),
            (
                "a = \"ann:hunter2@db\" # see http://x@y",
                "a = \"***@db\" # see http://***@y",
            ),
            ("redis://ann:hunter2@db,redis://bob:hunter2@db", "redis://***@db"),
            ("ann:hunter@2@db", "***@db"),
            ("redis://ann:hun'ter 2@db", "redis://***@db"),
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
