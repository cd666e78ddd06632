//! Reports: what a command was asked for, on standard output, as text or as JSON.

use crate::args::ReportFormat;
use crate::failure::{Failure, Outcome};
use crate::masked::masked;
use crate::tell::{harmless, harmless_json};
use serde::Serialize;
use std::io::{self, Write};

/// Prints a report in the form that was asked for, of which this is the text.
pub(crate) fn print(format: ReportFormat, report: &impl Serialize, text: impl FnOnce() -> String) -> Outcome<()> {
    match format {
        ReportFormat::Text => print_text(&text()),
        ReportFormat::Json => {
            let json = serde_json::to_string_pretty(report).map_err(|error| cannot_write(&error.into()))?;
            write(&format!("{}\n", harmless_json(&json)))
        }
    }
}

/// Prints text.
pub(crate) fn print_text(text: &str) -> Outcome<()> {
    write(&harmless(text))
}

fn write(text: &str) -> Outcome<()> {
    match io::stdout().write_all(masked(text).as_bytes()) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| cannot_write(&error)),
    }
}

fn cannot_write(error: &io::Error) -> Failure {
    Failure::run("cannot write to standard output").because(error)
}
