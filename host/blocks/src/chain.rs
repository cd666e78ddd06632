//! An error and those below it, for a log.
//!
//! Each text is cut. A trap names the functions that it came from, and their names are whoever made the guest's: twenty of
//! 100 KB each would be 2 MB of log for each call.

use std::error::Error;
use std::fmt::{self, Write};

/// Bytes of one error's text: a trap in a guest of Rust's, whose names are long, has some three thousand.
const MAX_BYTES: usize = 4 << 10;

/// An error and those below it, in a line, each cut. `Display` of an error says its own level only.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = own_text(error);
    let mut below = error.source();
    while let Some(error) = below {
        text.push_str(": ");
        text.push_str(&own_text(error));
        below = error.source();
    }
    text
}

/// What an error says of its own level, cut.
pub fn own_text(error: &(dyn Error + 'static)) -> String {
    let mut cut = Cut(String::new());
    match write!(cut, "{error}") {
        Ok(()) => cut.0,
        Err(fmt::Error) => cut.0 + "…",
    }
}

/// A text that takes no more than it may have: what is beyond is not even made.
struct Cut(String);

impl Write for Cut {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        let fits = piece.floor_char_boundary(MAX_BYTES - self.0.len());
        let (fits, beyond) = piece.split_at(fits);
        self.0.push_str(fits);
        match beyond.is_empty() {
            true => Ok(()),
            false => Err(fmt::Error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Level {
        text: String,
        source: Option<Box<Level>>,
    }

    fn levels(texts: &[&str]) -> Level {
        let (text, below) = texts.split_first().unwrap();
        Level {
            text: (*text).to_owned(),
            source: (!below.is_empty()).then(|| Box::new(levels(below))),
        }
    }

    #[test]
    fn the_errors_stand_in_a_line() {
        assert_eq!(chain(&levels(&["it trapped"])), "it trapped");
        assert_eq!(chain(&levels(&["a", "b", "c"])), "a: b: c");
    }

    #[test]
    fn each_is_cut_so_that_the_last_one_is_there() {
        let long = "ä".repeat(100_000);
        let text = chain(&levels(&[&long, "unreachable"]));
        assert!(text.len() < MAX_BYTES + 20, "{} bytes", text.len());
        assert!(text.ends_with("ä…: unreachable"), "{text}");
    }
}
