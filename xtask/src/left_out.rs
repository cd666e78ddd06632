//! Languages that are left out of a run, since this machine does not have their tools: looked for before anything is built, and
//! named in the last line.
//!
//! Under CI none may be left out.

use crate::languages::Language;
use anyhow::{Result, bail};
use std::fmt;

/// Those that are left out, each with what it needs. `Display` is what a run says that was not without errors.
#[derive(Debug)]
pub(crate) struct LeftOut(Vec<(Language, String)>);

impl LeftOut {
    /// None: nothing is looked for.
    pub(crate) fn nothing() -> Self {
        Self(Vec::new())
    }

    /// Looks for the tools of all.
    ///
    /// # Errors
    ///
    /// If some are not there, and this is CI.
    pub(crate) fn look() -> Result<Self> {
        let lacking = Language::ALL.map(|language| Some((language, language.lacks()?)));
        let left_out = Self(lacking.into_iter().flatten().collect());
        match left_out.0.is_empty() || std::env::var_os("CI").is_none() {
            true => Ok(left_out),
            false => bail!(
                "CI is set, and has to have all languages; it is without: {}",
                left_out.named()
            ),
        }
    }

    /// Whether this one is left out.
    pub(crate) fn has(&self, language: Language) -> bool {
        self.0.iter().any(|(left_out, _)| *left_out == language)
    }

    fn named(&self) -> String {
        let named = self
            .0
            .iter()
            .map(|(language, lacking)| format!("{} ({lacking})", language.name()));
        named.collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.is_empty() {
            true => f.write_str("all tests passed"),
            false => write!(f, "passed, without: {}", self.named()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_names_what_was_left_out() {
        assert_eq!(LeftOut::nothing().to_string(), "all tests passed");
        let left_out = LeftOut(vec![
            (Language::Go, "it needs Go: go is not there".to_owned()),
            (Language::Python, "it needs Python: python3 is not there".to_owned()),
        ]);
        assert_eq!(
            left_out.to_string(),
            "passed, without: Go (it needs Go: go is not there), Python (it needs Python: python3 is not there)"
        );
        assert!(left_out.has(Language::Go) && !left_out.has(Language::C));
    }
}
