//! From nothing to an app that answers, in each language: `dapr-wasm new`, `dapr-wasm build`, `dapr-wasm run`.
//!
//! A build takes the language's tools and what they fetch, so this is left out of `--only core`, and a language whose tools are
//! not on this machine is left out, except under CI.

#![allow(clippy::panic, reason = "a test that cannot go on has failed")]

use dapr_wasm_tests::built::{self, binary};
use dapr_wasm_tests::{Launch, PATIENCE};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Makes a project of a language, has it built and served, and counts.
fn counts(language: &str) {
    let folder = TempDir::new().expect("the system has room for a folder");
    let made = Command::new(binary())
        .args(["new", "visits", "--lang", language])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .expect("the host starts");
    assert!(made.status.success(), "{made:?}");

    let built = Command::new(binary())
        .args(["build", "visits"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .expect("the host starts");
    let text = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{text}");
    let component = String::from_utf8(built.stdout).expect("a path is text");

    let launch = Launch::file(folder.path().join(component.trim()));
    let mut host = launch.components("[state.statestore]\ntype = \"in-memory\"\n").start();
    assert_eq!(host.client().post("/apples", "").text(), "1");
    assert_eq!(host.client().post("/apples", "").text(), "2");
    assert_eq!(host.get("/apples").text(), "2");
    assert_eq!(host.get("/pears").text(), "0");
    host.terminate();
    host.wait(PATIENCE);
}

/// The same, if this machine has the language's tools.
fn counts_if_there(language: &str, examples: &str) {
    if built::app(examples, "counter").if_built(examples).is_some() {
        counts(language);
    }
}

#[test]
fn an_app_in_rust_is_made_built_and_counts() {
    counts("rust");
}

#[test]
fn an_app_in_typescript_is_made_built_and_counts() {
    counts_if_there("ts", "typescript");
}

#[test]
fn an_app_in_python_is_made_built_and_counts() {
    counts_if_there("python", "python");
}

#[test]
fn an_app_in_go_is_made_built_and_counts() {
    counts_if_there("go", "go");
}
