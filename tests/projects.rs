//! From nothing to an app that answers, in each language: `dapr-wasm new`, `dapr-wasm build`, `dapr-wasm run`; and to a state store
//! that keeps the rules.
//!
//! A build takes the language's tools and what they fetch, so this is left out of `--only core`, and a language whose tools are
//! not on this machine is left out, except under CI.

#![allow(clippy::panic, reason = "a test that cannot go on has failed")]

use dapr_wasm_tests::built::{self, binary, repository};
use dapr_wasm_tests::{Launch, PATIENCE};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// What a host does in a folder, which has to succeed.
fn done(folder: &Path, arguments: &[&str]) -> Output {
    // `cargo xtask test` has Zig in an environment of Python's.
    let tools = repository().join("target/python-tools/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = [tools].into_iter().chain(std::env::split_paths(&path));
    let output = Command::new(binary())
        .args(arguments)
        .current_dir(folder)
        .env("PATH", std::env::join_paths(path).expect("no folder has a colon"))
        // Where cargo puts what it makes is then where it looks for it by itself.
        .env_remove("CARGO_TARGET_DIR")
        .env("XDG_CACHE_HOME", built::cache_home())
        .stdin(Stdio::null())
        .output()
        .expect("the host starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Makes a project of a language and has it built, and answers where the component is.
fn made_and_built(folder: &Path, name: &str, options: &[&str]) -> PathBuf {
    done(folder, &[&["new", name], options].concat());
    let output = done(folder, &["build", name]);
    let component = String::from_utf8(output.stdout).expect("a path is text");
    folder.join(component.trim())
}

// ---- apps

/// Makes a project of a language, has it built and served, and counts; answers where the project's folder is.
fn counts(language: &str) -> TempDir {
    let folder = TempDir::new().expect("the system has room for a folder");
    let component = made_and_built(folder.path(), "visits", &["--lang", language]);
    let launch = Launch::file(component);
    let mut host = launch.components("[state.statestore]\ntype = \"in-memory\"\n").start();
    assert_eq!(host.client().post("/apples", "").text(), "1");
    assert_eq!(host.client().post("/apples", "").text(), "2");
    assert_eq!(host.get("/apples").text(), "2");
    assert_eq!(host.get("/pears").text(), "0");
    host.terminate();
    host.wait(PATIENCE);
    folder
}

/// Whether this machine has a language's tools.
fn is_there(examples: &str) -> bool {
    built::app(examples, "counter").if_built(examples).is_some()
}

#[test]
fn an_app_in_rust_is_made_built_and_counts() {
    counts("rust");
}

#[test]
fn an_app_in_typescript_is_made_built_and_counts() {
    if is_there("typescript") {
        counts("ts");
    }
}

#[test]
fn an_app_in_javascript_is_made_built_and_counts() {
    if is_there("javascript") {
        counts("js");
    }
}

#[test]
fn an_app_in_python_is_made_built_and_counts_and_may_wait_for_several_calls() {
    if !is_there("python") {
        return;
    }
    let folder = counts("python");
    // The same project, become one of WASI 0.3: its tools are there.
    let sources = repository().join("guest-examples/python/fan-in");
    for file in ["app.py", "dapr.py", "wasi_http.py"] {
        fs::copy(sources.join(file), folder.path().join("visits").join(file)).expect("the example has it");
    }
    done(folder.path(), &["build", "visits"]);
    let launch = Launch::file(folder.path().join("visits/build/app.wasm"));
    let host = launch.components("[state.statestore]\ntype = \"in-memory\"\n").start();
    assert_eq!(host.client().put("/a", "1").status, 204);
    let both = host.get("/?keys=a,b");
    assert_eq!(both.status, 200, "{}", both.text());
}

#[test]
fn an_app_in_go_is_made_built_and_counts() {
    if is_there("go") {
        counts("go");
    }
}

#[test]
fn an_app_in_c_is_made_built_and_counts() {
    if is_there("c") {
        counts("c");
    }
}

// ---- stores

/// Makes a store in a language, has it built and held to the rules, and counts in it by the table that the project has.
fn keeps_the_rules(language: &str, left_out: &[&str], options: &[&str]) {
    let folder = TempDir::new().expect("the system has room for a folder");
    made_and_built(folder.path(), "my-shelf", &["--lang", language, "--template", "store"]);
    let tried = done(folder.path(), &[&["conformance", "my-shelf"], options].concat());
    let report = String::from_utf8(tried.stdout).expect("it is text");
    let lacking = report.lines().filter_map(|line| {
        let (_, feature) = line
            .strip_prefix("left out: ")?
            .split_once(", since the store has no ")?;
        Some(feature)
    });
    assert_eq!(lacking.collect::<Vec<_>>(), left_out, "{report}");

    let table = folder.path().join("my-shelf/components.toml");
    let launch = Launch::guest("counter")
        .option("--components")
        .option(&table.display().to_string());
    let host = launch.start();
    assert_eq!(host.client().post("/apples", "").text(), "1");
    assert_eq!(host.client().post("/apples", "").text(), "2");
    assert_eq!(host.get("/apples").text(), "2");
}

#[test]
fn a_store_in_rust_is_made_built_and_keeps_the_rules() {
    keeps_the_rules("rust", &[], &[]);
}

#[test]
fn a_store_in_go_is_made_built_and_keeps_the_rules() {
    if is_there("go") {
        // As the table that the project has.
        let options = ["--instances", "1"];
        keeps_the_rules("go", &["transactions", "TTL", "content types"], &options);
    }
}
