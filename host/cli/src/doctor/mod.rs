//! `dapr-wasm doctor`: what this machine has and lacks, for running apps and for making them.
//!
//! It looks and changes nothing. That something is missing is no failure: nobody needs all languages. What `run` itself could
//! not do without is one.

mod host;
mod languages;

use crate::args::ReportFormat;
use crate::failure::{Failure, Outcome};
use crate::tell::harmless;
use serde::Serialize;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// As it should be.
    Ok,
    /// It works, and costs something.
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
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
}

impl Finding {
    fn ok(name: &'static str, says: impl fmt::Display) -> Self {
        Self {
            name,
            state: State::Ok,
            says: says.to_string(),
            help: None,
        }
    }

    fn not(name: &'static str, state: State, says: impl fmt::Display, help: impl fmt::Display) -> Self {
        Self {
            name,
            state,
            says: says.to_string(),
            help: Some(help.to_string()),
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
    let cannot_write = |error: &io::Error| Failure::run("cannot write the report").because(error);
    let text = match format {
        ReportFormat::Text => harmless(&report.to_string()).into_owned(),
        ReportFormat::Json => {
            serde_json::to_string_pretty(&report).map_err(|error| cannot_write(&error.into()))? + "\n"
        }
    };
    match io::stdout().write_all(text.as_bytes()) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        written => written.map_err(|error| cannot_write(&error))?,
    }
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
            } in findings
            {
                writeln!(f, "  {state:<8} {name:<13} {says}")?;
                if let Some(help) = help {
                    writeln!(f, "{:24} help: {help}", "")?;
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
