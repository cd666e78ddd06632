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
            write!(f, "\nfailed: {}\n    {failure}", sentence(claim))?;
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

fn sentence(claim: &str) -> String {
    claim.replace('_', " ")
}
