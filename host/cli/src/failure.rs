//! Errors as the user reads them, and exit codes.
//!
//! ```text
//! error: what was wrong with what
//!   because: the cause, and the cause of that
//!   help: what to do
//! ```

use anstream::eprintln;
use anstyle::{AnsiColor, Style};
use std::error::Error;
use std::fmt;
use std::process::ExitCode;

/// The result of a command.
pub(crate) type Outcome<T> = Result<T, Failure>;

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    message: String,
    /// Shown below the message as it is: a snippet of a file, a table.
    detail: Option<String>,
    causes: Vec<String>,
    help: Option<String>,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// The command line, the configuration or the app is wrong: exit code 2.
    Usage,
    /// Something failed while running: exit code 1.
    Run,
}

impl Failure {
    /// The command line, the configuration or the app is wrong.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self { kind: Kind::Usage, message: message.to_string(), detail: None, causes: Vec::new(), help: None }
    }

    /// Something failed while running.
    pub(crate) fn run(message: impl fmt::Display) -> Self {
        Self { kind: Kind::Run, ..Self::usage(message) }
    }

    /// With an error and the errors below it.
    pub(crate) fn because(mut self, error: &(dyn Error + 'static)) -> Self {
        let mut cause = Some(error);
        while let Some(error) = cause {
            let text = error.to_string();
            // Some errors print their cause themselves.
            if self.causes.last().is_none_or(|last| !last.ends_with(&text)) {
                self.causes.push(text);
            }
            cause = error.source();
        }
        self
    }

    /// With the errors below one whose own text is the message.
    pub(crate) fn caused(self, error: &(dyn Error + 'static)) -> Self {
        match error.source() {
            Some(source) => self.because(source),
            None => self,
        }
    }

    pub(crate) fn help(self, help: impl fmt::Display) -> Self {
        Self { help: Some(help.to_string()), ..self }
    }

    pub(crate) fn detail(self, detail: impl fmt::Display) -> Self {
        Self { detail: Some(detail.to_string()), ..self }
    }

    /// Tells the user, in colour on a terminal.
    pub(crate) fn report(&self) -> ExitCode {
        let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        eprintln!("{red}error{red:#}: {}", self.message);
        if let Some(detail) = &self.detail {
            eprintln!("\n{}", indented(detail));
        }
        for cause in &self.causes {
            eprintln!("  because: {}", cause.replace('\n', "\n    "));
        }
        if let Some(help) = &self.help {
            eprintln!("  help: {}", help.replace('\n', "\n        "));
        }
        match self.kind {
            Kind::Usage => ExitCode::from(2),
            Kind::Run => ExitCode::FAILURE,
        }
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") }).collect()
}

/// One with `s` unless there is exactly one.
pub(crate) fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ if what.ends_with('y') => format!("{count} {}ies", what.trim_end_matches('y')),
        _ => format!("{count} {what}s"),
    }
}
