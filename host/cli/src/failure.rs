//! Errors and warnings as the user reads them, and exit codes.
//!
//! ```text
//! error: what was wrong with what
//!
//!   a snippet of a file, a table
//!
//!   because: the cause
//!   because: the cause of that
//!   help: what to do
//! ```
//!
//! All of it goes to standard error. A warning has the same form. As JSON the parts are fields: `message`, `detail`, `because`
//! and `help`.

use crate::tell::{Level, harmless, one_line, tell};
use anstyle::{AnsiColor, Style};
use dapr_blocks::own_text;
use serde::Serialize;
use std::error::Error;
use std::fmt;
use std::process::ExitCode;

/// The result of a command.
pub(crate) type Outcome<T> = Result<T, Failure>;

/// Why a command failed, or what is to be warned of.
#[derive(Debug, Serialize)]
pub(crate) struct Failure {
    #[serde(skip)]
    kind: Kind,
    #[serde(skip)]
    message: String,
    /// Shown below the message as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(rename = "because")]
    causes: Vec<String>,
    help: Vec<String>,
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
        Self {
            kind: Kind::Usage,
            message: message.to_string(),
            detail: None,
            causes: Vec::new(),
            help: Vec::new(),
        }
    }

    /// Something failed while running.
    pub(crate) fn run(message: impl fmt::Display) -> Self {
        Self {
            kind: Kind::Run,
            ..Self::usage(message)
        }
    }

    /// With an error and the errors below it, each cut: a trap has names of functions, which may be as long as a file.
    pub(crate) fn because(mut self, error: &(dyn Error + 'static)) -> Self {
        let mut cause = Some(error);
        while let Some(error) = cause {
            let text = own_text(error);
            // Some errors print their cause themselves, others the error that they are the cause of.
            if !self
                .causes
                .last()
                .is_some_and(|above| above.contains(&text) || text.ends_with(above))
            {
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

    /// With what to do about it. Each call adds a piece of advice.
    pub(crate) fn help(mut self, help: impl fmt::Display) -> Self {
        self.help.push(help.to_string());
        self
    }

    /// With something to look at below the message.
    pub(crate) fn detail(self, detail: impl fmt::Display) -> Self {
        Self {
            detail: Some(detail.to_string()),
            ..self
        }
    }

    /// Whether it is the user's to mend, so that trying again is no use.
    pub(crate) fn is_mistake(&self) -> bool {
        matches!(self.kind, Kind::Usage)
    }

    /// The causes in a line, or the message where there is none.
    pub(crate) fn reason(&self) -> String {
        match self.causes.is_empty() {
            true => self.message.clone(),
            false => self.causes.join(": "),
        }
    }

    /// The message with its causes, in a line.
    pub(crate) fn sentence(&self) -> String {
        let parts = std::iter::once(&self.message).chain(&self.causes);
        parts.map(String::as_str).collect::<Vec<_>>().join(": ")
    }

    /// What to do about it, in a line.
    pub(crate) fn advice(&self) -> String {
        self.help.join("; ")
    }

    /// Tells the user, in colour on a terminal.
    pub(crate) fn report(&self) -> ExitCode {
        self.print(Level::Error, "error", AnsiColor::Red);
        match self.kind {
            Kind::Usage => ExitCode::from(2),
            Kind::Run => ExitCode::FAILURE,
        }
    }

    /// Tells the user of something that stops nothing.
    pub(crate) fn warn(&self) {
        self.print(Level::Warn, "warning", AnsiColor::Yellow);
    }

    fn print(&self, level: Level, word: &str, color: AnsiColor) {
        let style = Style::new().bold().fg_color(Some(color.into()));
        let shown = format!("{style}{word}{style:#}: {}", harmless(&self.to_string()));
        tell(level, &self.message, self, &shown);
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A name in it may have several lines, each of which would look like the host's own.
        f.write_str(&one_line(&self.message))?;
        if let Some(detail) = &self.detail {
            f.write_str("\n")?;
            for line in detail.trim_end().lines() {
                write!(
                    f,
                    "\n{:indent$}{line}",
                    "",
                    indent = if line.is_empty() { 0 } else { 2 }
                )?;
            }
            if !(self.causes.is_empty() && self.help.is_empty()) {
                f.write_str("\n")?;
            }
        }
        let causes = self.causes.iter().map(|cause| ("because: ", cause));
        let help = self.help.iter().map(|help| ("help: ", help));
        for (word, text) in causes.chain(help) {
            write!(f, "\n  {word}{}", hanging(text.trim_end(), 2 + word.len()))?;
        }
        Ok(())
    }
}

/// A text whose further lines begin below its first.
fn hanging(text: &str, indent: usize) -> String {
    text.replace('\n', &format!("\n{:indent$}", ""))
}

/// One with `s` unless there is exactly one.
pub(crate) fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ if what.ends_with('y') => format!("{count} {}ies", what.trim_end_matches('y')),
        _ => format!("{count} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An error and those below it.
    #[derive(Debug)]
    struct Chained {
        text: &'static str,
        below: Option<Box<Chained>>,
    }

    impl fmt::Display for Chained {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.text)
        }
    }

    impl Error for Chained {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.below.as_deref().map(|error| error as _)
        }
    }

    fn chain(texts: &[&'static str]) -> Option<Box<Chained>> {
        let (text, below) = texts.split_first()?;
        Some(Box::new(Chained {
            text,
            below: chain(below),
        }))
    }

    fn shown(failure: Failure, texts: &[&'static str]) -> String {
        failure.because(&*chain(texts).unwrap()).to_string()
    }

    #[test]
    fn a_message_comes_before_what_to_look_at_and_its_causes_before_the_help() {
        let failure = Failure::usage("it is wrong")
            .detail("a\n\nb")
            .help("mend it:\nso")
            .help("or leave it");
        assert_eq!(
            shown(failure, &["one", "two\nlines"]),
            "it is wrong\n\n  a\n\n  b\n\n  because: one\n  because: two\n           lines\n  help: mend it:\n        so\n  \
             help: or leave it"
        );
    }

    #[test]
    fn nothing_but_a_message_is_one_line() {
        assert_eq!(Failure::run("it failed").to_string(), "it failed");
        assert_eq!(
            Failure::run("it failed").detail("look\n").to_string(),
            "it failed\n\n  look"
        );
    }

    #[test]
    fn a_name_of_several_lines_forges_no_line() {
        let name = "x\nerror: all is lost";
        let failure = Failure::usage(format!("no `{name}`")).help(format!("name {name}"));
        assert_eq!(
            shown(failure, &[name]),
            "no `x\\nerror: all is lost`\n  because: x\n           error: all is lost\n  help: name x\n        error: all is lost"
        );
    }

    #[test]
    fn a_cause_that_is_in_the_one_above_or_repeats_it_is_not_shown_again() {
        assert_eq!(
            shown(Failure::run("m"), &["cannot read: gone", "gone"]),
            "m\n  because: cannot read: gone"
        );
        assert_eq!(
            shown(Failure::run("m"), &["locked", "Error code 5: locked"]),
            "m\n  because: locked"
        );
    }

    #[test]
    fn a_plural_is_spelled_as_one() {
        assert_eq!(counted(1, "capability"), "1 capability");
        assert_eq!(counted(2, "capability"), "2 capabilities");
        assert_eq!(counted(0, "file"), "0 files");
    }
}
