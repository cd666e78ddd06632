//! A version of Go, as `go env GOVERSION` says it.

use std::fmt;

/// `go1.26.8`, and what goes with it: the minor release that an overlay is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoVersion {
    text: String,
    major: u32,
    minor: u32,
}

impl GoVersion {
    /// Reads `go1.26.8`, `go1.27rc1` or `go1.26.8 X:nodwarf5`; none if it is nothing of that kind (`devel`).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.split_whitespace().next()?;
        let (major, rest) = text.strip_prefix("go")?.split_once('.')?;
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (minor, behind) = rest.split_at(digits);
        if !(behind.is_empty() || behind.starts_with('.') || behind.starts_with("rc") || behind.starts_with("beta")) {
            return None;
        }
        Some(Self {
            major: major.parse().ok()?,
            minor: minor.parse().ok()?,
            text: text.to_owned(),
        })
    }

    /// `1.26`: what has an overlay of its own.
    #[must_use]
    pub fn release(&self) -> (u32, u32) {
        (self.major, self.minor)
    }
}

impl fmt::Display for GoVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_a_release() {
        for (text, release) in [
            ("go1.26.8", (1, 26)),
            ("go1.27", (1, 27)),
            ("go1.27rc1", (1, 27)),
            ("go1.26.8 X:nodwarf5", (1, 26)),
            ("go2.0.1", (2, 0)),
        ] {
            assert_eq!(GoVersion::parse(text).unwrap().release(), release, "{text}");
        }
    }

    #[test]
    fn what_is_no_release_is_no_version() {
        for text in ["", "1.26.8", "go", "go1", "go1.x", "devel go1.28-abcdef", "go1.26x"] {
            assert_eq!(GoVersion::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_version_is_shown_as_go_says_it() {
        assert_eq!(GoVersion::parse("go1.26.8 X:y").unwrap().to_string(), "go1.26.8");
    }
}
