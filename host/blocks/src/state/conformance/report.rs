//! What came of a run.

use super::check::Failure;
use crate::state::Feature;
use std::error::Error;
use std::fmt;

/// What came of a run, in the order of the claims.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Report {
    /// The claims that hold.
    pub passed: Vec<&'static str>,
    /// The claims that do not.
    pub failed: Vec<Failed>,
    /// The claims about what the store declares to lack.
    pub left_out: Vec<LeftOut>,
}

/// A claim that does not hold.
#[derive(Clone, Debug)]
pub struct Failed {
    /// The claim's name, a sentence.
    pub claim: &'static str,
    /// What was found instead.
    pub failure: Failure,
}

/// A claim that says nothing about this store.
#[derive(Clone, Debug)]
pub struct LeftOut {
    /// The claim's name, a sentence.
    pub claim: &'static str,
    /// What the store lacks for it.
    pub feature: Feature,
}

impl Report {
    /// The report if every claim holds.
    ///
    /// # Errors
    ///
    /// [`Broken`] with the whole report if one does not.
    pub fn into_result(self) -> Result<Self, Broken> {
        if self.failed.is_empty() {
            Ok(self)
        } else {
            Err(Broken(self))
        }
    }
}

impl Report {
    /// This report and another about the same store.
    pub fn and(mut self, other: Self) -> Self {
        self.passed.extend(other.passed);
        self.failed.extend(other.failed);
        self.left_out.extend(other.left_out);
        self
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} left out",
            self.passed.len(),
            self.failed.len(),
            self.left_out.len()
        )?;
        for Failed { claim, failure } in &self.failed {
            write!(
                f,
                "\nfailed: {}\n    {}",
                sentence(claim),
                one_line(&failure.to_string())
            )?;
        }
        for feature in Feature::ALL {
            let claims = self
                .left_out
                .iter()
                .filter(|left_out| left_out.feature == feature)
                .count();
            if claims > 0 {
                write!(f, "\nleft out: {claims}, since the store has no {feature}")?;
            }
        }
        Ok(())
    }
}

/// A report with claims that do not hold. `Debug` prints it for people, since that is what a failing test shows.
pub struct Broken(pub Report);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the store does not conform: {}", self.0)
    }
}

impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for Broken {}

/// A claim as a person reads it.
pub fn sentence(claim: &str) -> String {
    claim.replace('_', " ")
}

/// A text that may be a store's, whose line breaks would begin lines of the report.
fn one_line(text: &str) -> String {
    let is_break = |char: char| char.is_control() || matches!(char, '\u{2028}' | '\u{2029}');
    let shown = |char: char| match is_break(char) {
        true => char.escape_debug().to_string(),
        false => char.to_string(),
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stores_words_forge_no_line() {
        let report = Report {
            failed: vec![Failed {
                claim: "it_holds",
                failure: Failure::new("x\n99 passed, 0 failed\u{2028}\r\u{1b}[31m"),
            }],
            ..Report::default()
        };
        let text = report.to_string();
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(
            text.contains("\n    x\\n99 passed, 0 failed\\u{2028}\\r\\u{1b}[31m ("),
            "{text}"
        );
    }
}
