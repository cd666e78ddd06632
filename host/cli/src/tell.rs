//! What the host tells its user on standard error: text, or objects of JSON, one a line.
//!
//! ```json
//! {"timestamp":"2026-11-23T21:55:37.193749Z","level":"INFO","message":"serving http://127.0.0.1:3000"}
//! ```
//!
//! The objects are like those of the log, among which they stand, so that one reader takes both. They come with
//! `--log-format json` alone: where the log is JSON only because there is no terminal, a person may still look at the start.

use crate::args::LogFormat;
use crate::masked::masked;
use serde::Serialize;
use std::borrow::Cow;
use std::fmt;
use std::io::Write;
use std::sync::OnceLock;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

/// Text, until something else is asked for. There is one for the process, as there is one standard error.
static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// Tells all that follows in this format.
pub(crate) fn in_format(format: LogFormat) {
    // Who asks a second time gets what was asked for first.
    let _ = FORMAT.set(format);
}

/// Whether all is told as JSON.
pub(crate) fn is_json() -> bool {
    matches!(FORMAT.get(), Some(LogFormat::Json))
}

/// How much it matters, in the words of the log.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Level {
    Error,
    Warn,
    Info,
}

#[derive(Serialize)]
struct Line<'a, D> {
    timestamp: String,
    level: Level,
    message: &'a str,
    #[serde(flatten)]
    details: &'a D,
}

/// Tells the user something that has no more to it than its text, in a line: names in it may have several.
pub(crate) fn say(text: impl fmt::Display) {
    let text = text.to_string();
    tell(Level::Info, &text, &(), &one_line(&text));
}

/// The same of a text that has lines of its own.
pub(crate) fn say_lines(text: impl fmt::Display) {
    let text = text.to_string();
    tell(Level::Info, &text, &(), &harmless(&text));
}

/// Tells the user something: `shown` as text, or a message with its details. Nobody may be left to read it, which is no reason
/// to stop.
pub(crate) fn tell(level: Level, message: &str, details: &impl Serialize, shown: &str) {
    let mut stderr = anstream::stderr();
    if !is_json() {
        let _ = writeln!(stderr, "{}", masked(shown));
        return;
    }
    let line = Line {
        timestamp: now(),
        level,
        message,
        details,
    };
    if let Ok(json) = serde_json::to_string(&line) {
        let _ = writeln!(stderr, "{}", masked(&harmless_json(&json)));
    }
}

/// As the log writes it.
fn now() -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = SystemTime.format_time(&mut Writer::new(&mut text));
    text
}

/// A text without characters that drive a terminal or turn the direction of writing: names in a file are whoever made it's.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    spelled_out(text, drives, |char| char.escape_unicode().to_string())
}

/// The same for what has to stay one line: a line break in a name would begin a line that looks like one of the host's own.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    let breaks = |char| matches!(char, '\n' | '\t' | '\r');
    let ends_lines = |char| matches!(char, '\u{2028}' | '\u{2029}');
    spelled_out(
        text,
        |char| breaks(char) || ends_lines(char) || drives(char),
        |char| match breaks(char) {
            true => char.escape_default().to_string(),
            false => char.escape_unicode().to_string(),
        },
    )
}

/// [`harmless`] for JSON, which spells out some of them itself.
pub(crate) fn harmless_json(json: &str) -> Cow<'_, str> {
    spelled_out(json, drives, |char| format!("\\u{:04x}", u32::from(char)))
}

fn drives(char: char) -> bool {
    let turns = matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (char.is_control() && !matches!(char, '\n' | '\t'))
}

fn spelled_out(text: &str, is_meant: impl Fn(char) -> bool, spell: impl Fn(char) -> String) -> Cow<'_, str> {
    if !text.contains(&is_meant) {
        return Cow::Borrowed(text);
    }
    let shown = |char: char| match is_meant(char) {
        true => spell(char),
        false => char.to_string(),
    };
    Cow::Owned(text.chars().map(shown).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_drive_a_terminal_is_spelled_out() {
        assert_eq!(harmless("a\n\tä…"), "a\n\tä…");
        assert_eq!(harmless("\u{1b}[31mred\u{202e}"), "\\u{1b}[31mred\\u{202e}");
    }

    #[test]
    fn what_must_be_one_line_is_one() {
        assert_eq!(one_line("a b\u{7f}"), "a b\\u{7f}");
        assert_eq!(
            one_line("x\nerror: y\r\t\u{2028}\u{1b}"),
            "x\\nerror: y\\r\\t\\u{2028}\\u{1b}"
        );
    }

    #[test]
    fn json_stays_what_it_was() {
        let text = "a\n\u{1b}\u{9b}\u{202e}ä";
        let json = serde_json::to_string(text).unwrap();
        let spelled = harmless_json(&json);
        assert_eq!(spelled, r#""a\n\u001b\u009b\u202eä""#);
        assert_eq!(serde_json::from_str::<String>(&spelled).unwrap(), text);
    }
}
