//! Texts that are more often near a rule's edge than random bytes are.

use arbitrary::{Arbitrary, Result, Unstructured};
use std::fmt;
use std::ops::Deref;

/// What texts are made of: what some rule of names, keys or cursors looks for, and letters of one to four bytes whose case,
/// width or direction is special.
const PIECES: [&str; 20] = [
    "a", "b", "A", "|", "||", ".", "/", ":", "@", "0", "\0", "\n", "\u{1b}", "ß", "İ", "Σ", "Ⱥ", "\u{202e}", "👾",
    "none",
];

/// Longer than any limit on a name or a key, and small beside what an input may have.
const MOST_REPETITIONS: u16 = 1100;

/// Where a text ends. A name in a component may have 100 000 bytes, and is made of three texts at most.
const ENOUGH: usize = 16 << 10;

/// A text of a few pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(String);

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl<'a> Arbitrary<'a> for Text {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let mut text = String::new();
        while !u.is_empty() && text.len() < ENOUGH {
            match u.int_in_range(0..=9)? {
                0..=2 => break,
                3 => text.push_str(u.arbitrary()?),
                4 => {
                    let piece: &&str = u.choose(&PIECES)?;
                    text.push_str(&piece.repeat(usize::from(u.int_in_range(0..=MOST_REPETITIONS)?)));
                }
                _ => text.push_str(u.choose(&PIECES)?),
            }
        }
        Ok(Self(text))
    }
}
