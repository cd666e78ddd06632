//! What differs where a person looks on: colours, and questions. The terminal is that of `script`, which every Linux has.

#![cfg(target_os = "linux")]

use crate::situations::temporary;
use dapr_wasm_tests::built::binary;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a host says on a terminal, which echoes what is typed.
fn on_a_terminal(folder: &Path, arguments: &str, variable: (&str, &str), typed: &str) -> String {
    let mut child = Command::new("script")
        .args(["--quiet", "--return", "--command"])
        .arg(format!("'{}' {arguments}", binary().display()))
        .arg("/dev/null")
        .current_dir(folder)
        .env_remove("NO_COLOR")
        .env("TERM", "xterm")
        .env(variable.0, variable.1)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("`script` is there");
    let mut input = child.stdin.take().expect("it is piped");
    input.write_all(typed.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    drop(input);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn an_error_is_in_colour_on_a_terminal_unless_it_is_asked_not_to_be() {
    let folder = temporary();
    let error = |variable| on_a_terminal(folder.path(), "run no-such.wasm", variable, "");
    let coloured = error(("LC_ALL", "C"));
    assert!(coloured.contains("\u{1b}[1m\u{1b}[31merror"), "{coloured:?}");
    let plain = error(("NO_COLOR", "1"));
    assert!(plain.starts_with("error: ") && !plain.contains('\u{1b}'), "{plain:?}");
}

/// They look the same as the parser's own, which stay.
#[test]
fn an_arguments_control_characters_are_spelled_out_where_the_parsers_are_colours() {
    let folder = temporary();
    let argument = "\"--no$(printf '\\033[35m\\nerror: all is lost')\"";
    let told = on_a_terminal(folder.path(), &format!("run {argument}"), ("LC_ALL", "C"), "");
    assert!(told.starts_with("\u{1b}[1m\u{1b}[31merror:"), "{told:?}");
    assert!(told.contains("--no\\u{1b}[35m\\nerror: all is lost"), "{told:?}");
    assert!(!told.contains("\u{1b}[35m"), "{told:?}");
}

#[test]
fn an_error_has_no_colour_where_there_is_no_terminal() {
    let output = Command::new(binary())
        .args(["run", "no-such.wasm"])
        .env_remove("NO_COLOR")
        .output()
        .expect("the host starts");
    let told = String::from_utf8(output.stderr).expect("it is text");
    assert!(told.starts_with("error: ") && !told.contains('\u{1b}'), "{told:?}");
}

#[test]
fn who_does_not_say_what_to_make_is_asked_until_it_can_be_made() {
    let folder = temporary();
    let told = on_a_terminal(folder.path(), "new orders", ("LC_ALL", "C"), "cobol\ngo\n\n");
    let question = "Language (rust, ts, js, python, go, c): ";
    assert_eq!(told.matches(question).count(), 2, "{told}");
    assert!(told.contains("Template (app, store) [app]: "), "{told}");
    assert!(told.contains("made `orders`: an app in Go"), "{told}");
    assert!(folder.path().join("orders/main.go").is_file());
}

#[test]
fn who_does_not_answer_is_told_which_option_does() {
    let folder = temporary();
    // The end of the input, as Ctrl-D types it.
    let told = on_a_terminal(folder.path(), "new orders", ("NO_COLOR", "1"), "go\n\u{4}");
    let error = "error: which template?\r\n  help: name one with --template: app, store\r\n";
    assert!(told.contains(error), "{told:?}");
    assert!(!folder.path().join("orders").exists());
}
