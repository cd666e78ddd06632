//! The arguments of `cargo xtask bench`.

use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::time::Duration;

/// What to measure, and how long.
pub(crate) struct Options {
    pub(super) effort: Effort,
    /// The `wasmtime` to compare with.
    pub(super) wasmtime: Option<PathBuf>,
    /// The `daprd` to compare with.
    pub(super) daprd: Option<PathBuf>,
    /// The sections to measure; all if there are none. The others stay as they are in the document.
    pub(super) only: Vec<String>,
    /// As they were given, for the document.
    pub(super) arguments: String,
}

/// How long to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effort {
    /// Enough to see that it works and to find a factor of two. Nothing is written.
    Quick,
    /// Enough for the document.
    Full,
}

impl Options {
    /// Reads the arguments after `bench`.
    pub(crate) fn parse(arguments: &[&str]) -> Result<Self> {
        let mut options = Self {
            effort: Effort::Full,
            wasmtime: None,
            daprd: None,
            only: Vec::new(),
            arguments: arguments.join(" "),
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match *argument {
                "--quick" => options.effort = Effort::Quick,
                "--wasmtime" => options.wasmtime = Some(program("--wasmtime", arguments.next())?),
                "--daprd" => options.daprd = Some(program("--daprd", arguments.next())?),
                "--only" => {
                    let name = arguments.next().context("--only needs the name of a section")?;
                    options.only.push((*name).to_owned());
                }
                other => bail!("unknown argument of bench: {other}"),
            }
        }
        Ok(options)
    }
}

/// The program that an argument names.
fn program(argument: &str, path: Option<&&str>) -> Result<PathBuf> {
    let path = path.with_context(|| format!("{argument} needs the path of a program"))?;
    let path = std::path::absolute(path)?;
    if !path.is_file() {
        bail!("{argument}: there is no file `{}`", path.display());
    }
    Ok(path)
}

impl Effort {
    /// How often each subject has its turn: odd, so that the median is a measured one.
    pub(super) fn rounds(self) -> usize {
        match self {
            Self::Quick => 1,
            Self::Full => 7,
        }
    }

    /// How long one turn of a server under load is.
    pub(super) fn turn(self) -> Duration {
        Duration::from_secs(match self {
            Self::Quick => 1,
            Self::Full => 5,
        })
    }

    /// How often a start is measured.
    pub(super) fn starts(self) -> usize {
        match self {
            Self::Quick => 3,
            Self::Full => 11,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wasmtime_that_is_not_there_is_refused_before_anything_runs() {
        let error = Options::parse(&["--quick", "--wasmtime", "/nowhere"])
            .err()
            .map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("--wasmtime: there is no file `/nowhere`"));
    }

    #[test]
    fn an_unknown_argument_is_refused() {
        assert!(Options::parse(&["--fast"]).is_err());
        assert!(Options::parse(&["--wasmtime"]).is_err());
        assert!(Options::parse(&["--only"]).is_err());
    }
}
