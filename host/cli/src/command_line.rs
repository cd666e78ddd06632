//! Reading the command line, and telling what is wrong with it.
//!
//! The parser's messages repeat arguments as they are, in colours that are control characters too. An argument may be a name that
//! somebody else has chosen. So a command line that is wrong is read once more, with such characters spelled out: then the only
//! ones in its message are the parser's own.

use crate::args::{Cli, LogFormat};
use crate::failure::Failure;
use crate::tell::{harmless, in_format, one_line};
use clap::Parser;
use clap::error::Error;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::process::ExitCode;

/// What was asked for.
///
/// # Errors
///
/// The exit code, once the user was told: help, or what is wrong.
pub(crate) fn read() -> Result<Cli, ExitCode> {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    Cli::try_parse_from(&arguments).map_err(|error| {
        if !error.use_stderr() {
            // Nobody may be left to read it.
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
        let again = again(&arguments);
        if wants_json(&arguments) {
            in_format(LogFormat::Json);
            return failure(&again.unwrap_or(error)).report();
        }
        match again {
            Some(again) => drop(again.print()),
            None => anstream::eprint!("{}", harmless(&error.to_string())),
        }
        ExitCode::from(2)
    })
}

/// The same error about the arguments spelled out, if they give one.
fn again(arguments: &[OsString]) -> Option<Error> {
    let error = Cli::try_parse_from(arguments.iter().map(|argument| spelled_out(argument))).err()?;
    error.use_stderr().then_some(error)
}

fn spelled_out(argument: &OsStr) -> OsString {
    let mut bytes = Vec::new();
    for chunk in argument.as_bytes().utf8_chunks() {
        bytes.extend_from_slice(one_line(chunk.valid()).as_bytes());
        // That it is no text is an error of its own.
        bytes.extend_from_slice(chunk.invalid());
    }
    OsString::from_vec(bytes)
}

/// Whether errors were to be JSON, as far as that can be told of a command line that is wrong.
fn wants_json(arguments: &[OsString]) -> bool {
    // Behind it are an app's own.
    let ours = arguments.iter().take_while(|argument| *argument != "--");
    let words: Vec<_> = ours.map(|argument| argument.to_string_lossy()).collect();
    ["--format", "--log-format"].iter().any(|option| {
        let is_pair = |pair: &[_]| pair[0] == *option && pair[1] == "json";
        words.windows(2).any(is_pair) || words.contains(&format!("{option}=json").into())
    })
}

/// The parser's error in the form of this host's own.
fn failure(error: &Error) -> Failure {
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text).trim_end();
    match text.split_once('\n') {
        Some((message, rest)) => Failure::usage(message).detail(rest.trim_start_matches('\n')),
        None => Failure::usage(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_is_spelled_out_and_what_is_no_text_stays() {
        let spelled = |bytes: &[u8]| spelled_out(OsStr::from_bytes(bytes)).into_vec();
        assert_eq!(spelled("a b/ä".as_bytes()), "a b/ä".as_bytes());
        assert_eq!(spelled(b"x\ny\x1b[31m\xff\t"), b"x\\ny\\u{1b}[31m\xff\\t");
    }

    #[test]
    fn json_is_wanted_by_either_option_and_not_by_an_apps_own() {
        let wants = |text: &str| wants_json(&text.split(' ').map(OsString::from).collect::<Vec<_>>());
        for text in [
            "check --format json",
            "run x --log-format=json --no",
            "doctor x --format json",
        ] {
            assert!(wants(text), "{text}");
        }
        for text in [
            "check --format text",
            "run x -- --format json",
            "check json --format",
            "--format",
        ] {
            assert!(!wants(text), "{text}");
        }
    }
}
