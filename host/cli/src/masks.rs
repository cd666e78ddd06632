//! Texts that are searched for in what the host says, all at once, and each however it may be written.
//!
//! What is shorter than [`SHORTEST`] is not searched for: `5432` in a log is a port far more often than a secret. Nor is what
//! others have made something else of, as base64 does.

use dapr_blocks::secrets::Secret;

/// Bytes of the shortest text that is searched for.
const SHORTEST: usize = 6;

/// How often it may have been quoted: by the log, and by whoever is quoted there.
const QUOTED: usize = 2;

/// Texts that are searched for: a line of a log in one microsecond where they are a few, and in ten where they are thousands. At
/// most places a look into a table is all.
pub(crate) struct Masks {
    /// In order, so that those which begin alike stand together.
    texts: Vec<Secret>,
    /// Whether there is one of a [`begin`], for all of these.
    begins: Vec<bool>,
    /// Of all texts.
    bytes: usize,
}

impl Masks {
    pub(crate) const fn new() -> Self {
        Self {
            texts: Vec::new(),
            begins: Vec::new(),
            bytes: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Whether there are so many texts, or so many bytes of them.
    pub(crate) fn exceeds(&self, texts: usize, bytes: usize) -> bool {
        self.texts.len() >= texts || self.bytes >= bytes
    }

    /// Whether a secret is searched for already, or too short.
    pub(crate) fn has(&self, secret: &Secret) -> bool {
        // Of a secret with lines, the whole is there only with them.
        let text = secret.expose().trim();
        text.len() < SHORTEST || self.place(text).is_ok()
    }

    /// Searches for a secret, too.
    pub(crate) fn add(&mut self, secret: &Secret) {
        for form in forms(secret) {
            let Err(place) = self.place(form.expose()) else {
                continue;
            };
            self.begins.resize(BEGINS, false);
            let begins = begin(form.expose().as_bytes()).and_then(|begin| self.begins.get_mut(begin));
            begins.into_iter().for_each(|begins| *begins = true);
            self.bytes += form.expose().len();
            self.texts.insert(place, form);
        }
    }

    /// The bytes of the longest text that stands at the beginning of these.
    pub(crate) fn at(&self, bytes: &[u8]) -> Option<usize> {
        if self.is_empty() || !*self.begins.get(begin(bytes)?)? {
            return None;
        }
        let begin = bytes.get(..SHORTEST)?;
        let from = self.texts.partition_point(|text| text.expose().as_bytes() < begin);
        let texts = self.texts.iter().skip(from).map(|text| text.expose().as_bytes());
        let alike = texts.take_while(|text| text.starts_with(begin));
        alike.filter(|text| bytes.starts_with(text)).map(<[u8]>::len).max()
    }

    fn place(&self, text: &str) -> Result<usize, usize> {
        self.texts.binary_search_by(|other| other.expose().cmp(text))
    }
}

/// How many [`begin`]s there are.
const BEGINS: usize = 1 << 16;

/// A number for the first bytes, which others may share.
fn begin(bytes: &[u8]) -> Option<usize> {
    let first: &[u8; SHORTEST] = bytes.first_chunk()?;
    let number = first.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    // Fibonacci hashing: the upper bits depend on all bytes.
    let hash = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    usize::try_from(hash >> 48).ok()
}

/// How a secret may be written: itself and each of its lines, as it is, quoted, and quoted by who quotes that.
fn forms(secret: &Secret) -> Vec<Secret> {
    let text = secret.expose().trim();
    let pieces = text.lines().map(str::trim).chain([text]);
    let mut forms: Vec<_> = pieces.filter(|piece| piece.len() >= SHORTEST).map(own).collect();
    let mut quoted_already = 0;
    for _ in 0..QUOTED {
        let next: Vec<_> = forms.iter().skip(quoted_already).flat_map(quoted).collect();
        quoted_already = forms.len();
        forms.extend(next);
    }
    forms
}

fn own(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

/// A text as it stands between quotes, in Rust's words and in JSON.
fn quoted(text: &Secret) -> [Secret; 2] {
    let text = text.expose();
    let json = Secret::new(serde_json::to_string(text).unwrap_or_default());
    let inside = json.expose().strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    [
        Secret::new(text.escape_debug().to_string()),
        own(inside.unwrap_or(text)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masks(values: &[&str]) -> Masks {
        let mut masks = Masks::new();
        values.iter().for_each(|value| masks.add(&own(value)));
        masks
    }

    #[test]
    fn the_longest_that_stands_there_is_found() {
        let masks = masks(&["hunter2", "hunter2-and-more", "hunter3"]);
        for (text, expected) in [
            ("hunter2-and-more.", Some(16)),
            ("hunter2-and", Some(7)),
            ("hunter3", Some(7)),
            ("hunter4", None),
            ("hunter", None),
            ("h", None),
            ("", None),
        ] {
            assert_eq!(masks.at(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn what_is_there_is_not_added_again_and_what_is_short_never() {
        let mut masks = masks(&["hunter2", "12345", "line one\nline two"]);
        let (texts, bytes) = (masks.texts.len(), masks.bytes);
        for text in ["hunter2", " hunter2\n", "line one\nline two", "12345"] {
            assert!(masks.has(&own(text)), "{text}");
            masks.add(&own(text));
        }
        assert_eq!((masks.texts.len(), masks.bytes), (texts, bytes));
        assert!(!masks.has(&own("line one\nline three")));
        assert_eq!(masks.at(b"12345"), None);
    }

    #[test]
    fn among_thousands_each_is_found() {
        let values: Vec<_> = (0..5000).map(|number| format!("{}-secret", number * 7919)).collect();
        let values: Vec<_> = values.iter().map(String::as_str).collect();
        let masks = masks(&values);
        assert!(
            values
                .iter()
                .all(|value| masks.at(value.as_bytes()) == Some(value.len()))
        );
    }
}
