//! `dapr-wasm doctor`: what this machine has and lacks, for running apps and for making them.
//!
//! It looks, and changes no more than a start does, which makes the folder of compiled code. That something is missing is no
//! failure: nobody needs all languages. What `run` itself could not do without is one.

mod host;
mod languages;

use crate::args::ReportFormat;
use crate::failure::{Failure, Outcome};
use crate::report;
use crate::tell::one_line;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// As it should be.
    Ok,
    /// Apps run, and something is lost.
    Warning,
    /// It is not there, and not needed by all.
    Missing,
    /// Apps cannot run.
    Error,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Missing => "missing",
            Self::Error => "error",
        })
    }
}

/// Something that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    name: &'static str,
    state: State,
    says: String,
    /// Of the tool that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// Of the folder or program that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<PathBuf>,
    /// What is in the folder, or what there may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
}

impl Finding {
    fn new(name: &'static str, state: State, says: impl fmt::Display) -> Self {
        Self {
            name,
            state,
            says: says.to_string(),
            version: None,
            path: None,
            bytes: None,
            help: None,
        }
    }

    fn ok(name: &'static str, says: impl fmt::Display) -> Self {
        Self::new(name, State::Ok, says)
    }

    fn not(name: &'static str, state: State, says: impl fmt::Display, help: impl fmt::Display) -> Self {
        Self::new(name, state, says).help(help)
    }

    /// What a command would fail with, or warn of.
    fn failed(name: &'static str, state: State, failure: &Failure) -> Self {
        Self::not(name, state, failure.sentence(), failure.advice())
    }

    fn help(self, help: impl fmt::Display) -> Self {
        Self {
            help: Some(help.to_string()),
            ..self
        }
    }

    fn version(self, version: &str) -> Self {
        Self {
            version: Some(version.to_owned()),
            ..self
        }
    }

    fn path(self, path: impl Into<PathBuf>) -> Self {
        Self {
            path: Some(path.into()),
            ..self
        }
    }

    fn bytes(self, bytes: u64) -> Self {
        Self {
            bytes: Some(bytes),
            ..self
        }
    }
}

/// All that was looked at.
#[derive(Debug, Serialize)]
struct Report {
    version: &'static str,
    platform: String,
    host: Vec<Finding>,
    languages: Vec<Finding>,
}

/// Looks, and prints what it saw.
pub(crate) fn doctor(format: ReportFormat) -> Outcome<ExitCode> {
    let report = Report {
        version: env!("CARGO_PKG_VERSION"),
        platform: format!("{}, {}", std::env::consts::OS, std::env::consts::ARCH),
        host: host::findings(),
        languages: languages::findings(),
    };
    report::print(format, &report, || report.to_string())?;
    let fails = report.host.iter().any(|finding| finding.state == State::Error);
    Ok(if fails { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "dapr-wasm {} on {}", self.version, self.platform)?;
        for (title, findings) in [("host", &self.host), ("languages", &self.languages)] {
            writeln!(f, "\n{title}")?;
            for Finding {
                name,
                state,
                says,
                help,
                ..
            } in findings
            {
                writeln!(f, "  {state:<8} {name:<13} {}", one_line(says))?;
                if let Some(help) = help {
                    writeln!(f, "{:24} help: {}", "", one_line(help))?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_stands_below_what_it_is_for() {
        let report = Report {
            version: "0.1.0",
            platform: "linux, x86_64".to_owned(),
            host: vec![Finding::ok("memory", "8GiB")],
            languages: vec![Finding::not("Go", State::Missing, "`go` is not there", "install it")],
        };
        assert_eq!(
            report.to_string(),
            "dapr-wasm 0.1.0 on linux, x86_64\n\
             \n\
             host\n  \
               ok       memory        8GiB\n\
             \n\
             languages\n  \
               missing  Go            `go` is not there\n                         \
                                      help: install it\n"
        );
    }
}
