//! Texts that are searched for in what the host says, all at once, and each however it may be written.
//!
//! What is shorter than [`SHORTEST`] is not searched for: `5432` in a log is a port far more often than a secret. Nor is what
//! others have made something else of, as base64 does.

use dapr_blocks::secrets::Secret;

/// Bytes of the shortest text that is searched for.
const SHORTEST: usize = 6;

/// How often it may have been quoted: by the log, and by whoever is quoted there.
const QUOTED: usize = 2;

/// Texts that are searched for. To look for thousands takes about as long as for a few: most places of a text have no two bytes
/// that one of them begins with.
pub(crate) struct Masks {
    /// In order, so that those which begin alike stand together.
    texts: Vec<Secret>,
    /// Whether one begins with two bytes, for all pairs of bytes.
    begins: Vec<bool>,
}

impl Masks {
    pub(crate) const fn new() -> Self {
        Self {
            texts: Vec::new(),
            begins: Vec::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Searches for a secret, too.
    pub(crate) fn add(&mut self, secret: &Secret) {
        for form in forms(secret) {
            let Err(place) = self.place(form.expose()) else {
                continue;
            };
            self.begins.resize(1 << 16, false);
            let begins = begin(form.expose().as_bytes()).and_then(|begin| self.begins.get_mut(begin));
            begins.into_iter().for_each(|begins| *begins = true);
            self.texts.insert(place, form);
        }
    }

    /// The bytes of the longest text that stands at the beginning of these.
    pub(crate) fn at(&self, bytes: &[u8]) -> Option<usize> {
        if !*self.begins.get(begin(bytes)?)? {
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

/// The first two bytes as a number.
fn begin(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [first, second, ..] => Some(usize::from(*first) << 8 | usize::from(*second)),
        _ => None,
    }
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
