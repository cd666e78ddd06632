//! A text that must not be shown.

use std::fmt;
use zeroize::Zeroizing;

/// A secret: what a key of it holds.
///
/// It has no `Display`, so that it cannot be printed by a slip, and its `Debug` shows nothing of it. When it is dropped, its
/// bytes are overwritten. That does not reach the copies that others make of what [`Secret::expose`] shows them.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over: where it was, nothing is left behind.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for whoever needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_the_text_nor_its_length() {
        for text in ["", "hunter2"] {
            let secret = Secret::new(text.to_owned());
            assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "Secret Some(Secret)");
            assert_eq!(secret.expose(), text);
        }
    }
}
