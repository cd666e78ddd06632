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

/// What a host does in a folder.
fn tried(folder: &Path, arguments: &[&str]) -> Output {
    // `cargo xtask test` has Zig in an environment of Python's.
    let tools = repository().join("target/python-tools/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = [tools].into_iter().chain(std::env::split_paths(&path));
    Command::new(binary())
        .args(arguments)
        .current_dir(folder)
        .env("PATH", std::env::join_paths(path).expect("no folder has a colon"))
        // Where cargo puts what it makes is then where it looks for it by itself.
        .env_remove("CARGO_TARGET_DIR")
        .env("XDG_CACHE_HOME", built::cache_home())
        .stdin(Stdio::null())
        .output()
        .expect("the host starts")
}

/// The same, which has to succeed.
fn done(folder: &Path, arguments: &[&str]) -> Output {
    let output = tried(folder, arguments);
    assert!(output.status.success(), "{}", told(&output));
    output
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
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
fn an_app_in_python_is_made_built_and_counts_and_may_have_a_world_of_its_own_and_wait_for_several_calls() {
    if !is_there("python") {
        return;
    }
    let folder = counts("python");
    reads_a_secret(folder.path(), "app.py", PYTHON);
    fs::remove_file(folder.path().join("visits/wit/app.wit")).expect("it was written");
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
fn an_app_in_go_is_made_built_and_counts_and_may_have_a_world_of_its_own() {
    if is_there("go") {
        let folder = counts("go");
        reads_a_secret(folder.path(), "main.go", GO);
        what_does_not_compile_in_go_is_said_in_its_own_words(folder.path());
    }
}

#[test]
fn an_app_in_c_is_made_built_and_counts_and_may_have_a_world_of_its_own() {
    if is_there("c") {
        let folder = counts("c");
        reads_a_secret(folder.path(), "counter.c", C);
    }
}

// ---- worlds

/// The world of an app that reads secrets, which no world of its language's has by itself.
const WORLD: &str = "world app {\n  include http-app;\n  import dapr:secrets/store@0.1.0;\n}\n";

const C: &str = r#"#include "http.h"

response_t answer(const request_t *request) {
  (void)request;
  text_t store = TEXT("vault"), name = TEXT("token");
  dapr_secrets_store_list_value_t values;
  dapr_secrets_store_error_t error;
  bool is_read = dapr_secrets_store_get(&store, &name, &values, &error);
  text_t body = is_read && values.len == 1 ? values.ptr[0].value : TEXT("none");
  return (response_t){.status = 200, .content_type = TEXT("text/plain"), .body = body};
}
"#;

const GO: &str = r#"// Command visits answers with a secret.
package main

import (
	"net/http"

	"example.com/visits/wasihttp"
	"wit_component/imports/dapr_secrets_store"
)

func main() {
	wasihttp.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, value := range dapr_secrets_store.Get("vault", "token").Ok() {
			w.Write([]byte(value.Value))
		}
	}))
}
"#;

const PYTHON: &str = r#"from wit_world.imports import dapr_secrets_store

from wasi_wsgi import handler


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [value.value.encode() for value in dapr_secrets_store.get("vault", "token")]


IncomingHandler = handler(application)
"#;

/// Has the project in a folder read a secret: it does not build until its world has them.
fn reads_a_secret(folder: &Path, file: &str, source: &str) {
    let project = folder.join("visits");
    fs::write(project.join(file), source).expect("the folder is writable");
    let failed = tried(folder, &["build", "visits"]);
    assert_eq!(failed.status.code(), Some(1), "{}", told(&failed));
    let help = "  help: if something of this host is not found, import it in the app's world: `world app` in visits/wit/app.wit\n";
    assert!(told(&failed).ends_with(help), "{}", told(&failed));

    // All that one has to write.
    fs::create_dir_all(project.join("wit")).expect("the folder is writable");
    fs::write(project.join("wit/app.wit"), WORLD).expect("the folder is writable");
    done(folder, &["build", "visits"]);
    let launch = Launch::file(project.join("build/app.wasm"));
    fs::write(launch.folder().join("secrets.json"), r#"{ "token": "opensesame" }"#).expect("the folder is writable");
    let host = launch
        .components("[secrets.vault]\ntype = \"local.file\"\nsecretsFile = \"secrets.json\"\n")
        .start();
    assert_eq!(host.get("/").text(), "opensesame");
}

// ---- messages that only a whole Go gives

fn what_does_not_compile_in_go_is_said_in_its_own_words(folder: &Path) {
    fs::write(
        folder.join("visits/main.go"),
        "package main\n\nfunc main() { nothing() }\n",
    )
    .expect("it is writable");
    let failed = tried(folder, &["build", "visits"]);
    assert_eq!(failed.status.code(), Some(1));
    assert_eq!(
        told(&failed),
        "visits: resolving modules\nvisits: compiling\n\
         error: cannot build `visits`: Go could not compile it\n\n  \
           # example.com/visits\n  \
           ./main.go:3:15: undefined: nothing\n"
    );
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
