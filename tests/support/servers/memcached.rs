//! memcached, which keeps its data nowhere, and whose protocol is its client.

use super::program::{self, Failed};
use super::setup::Place;
use super::socket;
use std::process::Command;
use std::time::Duration;

pub(super) fn command(place: &Place) -> Command {
    let mut command = program::of_server("memcached");
    command.args(["-l", "127.0.0.1", "-p", &place.port.to_string(), "-U", "0"]);
    command
}

pub(super) fn client(place: &Place, words: &[&str], within: Duration) -> Result<Vec<u8>, Failed> {
    // It closes the connection once it has answered all.
    let question = format!("{}\r\nquit\r\n", line(words));
    let answer = socket::ask(place.port, question.as_bytes(), within);
    let mut answer = answer.map_err(|error| Failed(error.to_string()))?;
    let failed = ["ERROR", "CLIENT_ERROR", "SERVER_ERROR"];
    if answer.is_empty() || failed.iter().any(|word| answer.starts_with(word.as_bytes())) {
        return Err(Failed(format!("answers `{}`", String::from_utf8_lossy(&answer))));
    }
    if answer.ends_with(b"\r\n") {
        answer.truncate(answer.len() - 2);
    }
    Ok(answer)
}

/// A command as it goes over the wire: with a value's length in the first line and the value in the second.
fn line(words: &[&str]) -> String {
    const WITH_VALUE: [&str; 6] = ["add", "append", "cas", "prepend", "replace", "set"];
    match words {
        [command, key, flags, expires, unique @ .., value] if WITH_VALUE.contains(command) => {
            let mut line = format!("{command} {key} {flags} {expires} {}", value.len());
            for word in unique {
                line.push(' ');
                line.push_str(word);
            }
            format!("{line}\r\n{value}")
        }
        _ => words.join(" "),
    }
}
