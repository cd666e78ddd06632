//! What a host tells as JSON: an object a line, the same as it tells as text.

use crate::apps::{self, apps};
use crate::golden::assert_printed;
use crate::situations::{launch, stderr, temporary};
use dapr_wasm_tests::built::binary;
use dapr_wasm_tests::{Launch, PATIENCE};
use serde_json::Value;
use std::process::Command;

/// What a host says from its start to its end, each line for itself: read, and written for reading, without what differs from
/// run to run.
fn told(launch: Launch) -> String {
    let mut host = launch.in_json().start();
    let port = host.port().to_string();
    host.terminate();
    assert!(host.wait(PATIENCE).success());
    let lines = host.stderr().lines();
    // Told only where the machine is slow, or busy with other tests.
    let lines = lines.iter().filter(|line| !line.contains("\"message\":\"compil"));
    lines.map(|line| readable(line).replace(&port, "PORT") + "\n").collect()
}

fn readable(line: &str) -> String {
    let mut object: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let fields = object.as_object_mut().expect("it is an object");
    let timestamp = fields.remove("timestamp").expect("it says when");
    assert!(
        timestamp.as_str().is_some_and(|time| time.ends_with('Z')),
        "{timestamp}"
    );
    if let Some(all) = object.pointer_mut("/limits/memory/all_bytes") {
        assert!(all.is_u64());
        *all = "HALF OF THIS MACHINE'S".into();
    }
    serde_json::to_string_pretty(&object).expect("it was JSON")
}

#[test]
fn a_host_says_as_json_what_is_bound_where_and_which_limits_hold() {
    let components = "[app]\nenv = { LOG = \"debug\" }\n\n[state.statestore]\ntype = \"in-memory\"\n\n\
         [state.archive]\ntype = \"sqlite\"\nconnectionString = \"archive.db\"\nkeyPrefix = \"none\"\n";
    let launch = launch("counter.wasm").components(components);
    assert_printed(&told(launch), "run/start-json.stderr");
}

#[test]
fn an_error_is_json_with_its_parts_as_fields() {
    apps::make();
    let mut command = Command::new(binary());
    command
        .args(["run", "draft.wasm", "--log-format", "json"])
        .current_dir(apps());
    let output = command.output().expect("the binary starts");
    assert_eq!(output.status.code(), Some(2));
    assert_printed(&(readable(stderr(&output).trim_end()) + "\n"), "run/error-json.stderr");
}

/// Each command with a report that may be JSON, and the parser of the command line: one shape for all.
#[test]
fn beside_a_report_that_is_json_errors_are_too() {
    apps::make();
    let folder = temporary();
    let write =
        |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("the folder is writable");
    write(
        "components.toml",
        "[state.statestore]\ntype = \"sqlite\"\nconectionString = \"state.db\"\n",
    );
    write("empty.wasm", "");
    let told = |command: &&str| {
        let mut host = Command::new(binary());
        host.args(command.split(' '))
            .args(["--format", "json"])
            .current_dir(folder.path());
        let output = host.env("XDG_DATA_HOME", folder.path()).output();
        let output = output.expect("the binary starts");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let lines: Vec<_> = stderr(&output).lines().map(readable).collect();
        format!("{command}\n{}\n", lines.join("\n"))
    };
    let told: Vec<_> = [
        "check empty.wasm",
        "check no-such.wasm --components no-such.toml",
        "check no-such.wasm --strickt",
        "conformance no-such.wasm",
        "conformance empty.wasm",
        "components show state.redys",
        "components show no-such.wasm",
        "components list all",
        "doctor everything",
    ]
    .iter()
    .map(told)
    .collect();
    assert_printed(&told.join("\n"), "run/errors-json.stderr");
}

/// Its first line is the message, and an argument may have several.
#[test]
fn an_error_of_the_command_line_is_cut_in_no_argument() {
    let mut command = Command::new(binary());
    let output = command
        .args(["check", "x", "--no\nsuch", "--format", "json"])
        .output()
        .expect("the binary starts");
    assert_eq!(output.status.code(), Some(2));
    let error: Value = serde_json::from_str(&stderr(&output)).expect("it is JSON");
    assert_eq!(error["message"], "unexpected argument '--no\\nsuch' found");
}

#[test]
fn a_warning_is_json_among_the_others() {
    let launch = launch("counter.wasm").components("[app]\nmemory = \"64MiB\"\n");
    let told = told(launch);
    let (warning, _) = told.split_once("\n}\n").expect("it has several lines");
    assert_printed(&format!("{warning}\n}}\n"), "run/warning-json.stderr");
}
