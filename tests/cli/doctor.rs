//! `dapr-wasm doctor` on machines that have all, nothing, or too little: their tools are scripts that say what such tools say.

use crate::golden::assert_printed;
use crate::situations::temporary;
use dapr_wasm_tests::built::binary;
use serde_json::Value;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// What each language needs.
const TOOLS: [(&str, &str); 7] = [
    ("cargo", "echo cargo 1.95.0"),
    ("rustc", "echo /"),
    ("node", "echo v20.11.1"),
    ("npm", "echo 10.2.4"),
    ("python3", "case $* in *ziglang*) exit 1;; esac; echo Python 3.11.2"),
    ("go", "printf '/go\\ngo1.26.8\\n/modules\\n'"),
    ("zig", "echo 0.15.1"),
];

/// A machine that has these tools and no others: each a name, and what it does as a script.
pub(crate) struct Machine(pub(crate) TempDir);

impl Machine {
    pub(crate) fn with(tools: &[(&str, &str)]) -> Self {
        let machine = Self(temporary());
        for (name, script) in tools {
            machine.tool(name, script);
        }
        let trusted = rcgen::generate_simple_self_signed(["trusted".to_owned()]).expect("it can be made");
        std::fs::write(machine.0.path().join("trusted.pem"), trusted.cert.pem()).expect("the folder is writable");
        machine
    }

    /// A tool with this path in the machine's folder.
    pub(crate) fn tool(&self, name: &str, script: &str) {
        write_program(&self.0.path().join(name), script);
    }

    /// The host on it.
    pub(crate) fn host(&self, arguments: &[&str]) -> Command {
        let mut host = Command::new(binary());
        host.args(arguments);
        self.around(&mut host);
        host
    }

    /// Gives a program the machine's environment.
    fn around(&self, program: &mut Command) {
        let folder = self.0.path();
        program
            .current_dir(folder)
            .env("PATH", folder)
            .env("HOME", folder)
            .env("XDG_CACHE_HOME", folder)
            .env("XDG_DATA_HOME", folder)
            .env("SSL_CERT_FILE", folder.join("trusted.pem"));
        for variable in ["CC", "GOCACHE", "SSL_CERT_DIR", "WASI_SDK_PATH"] {
            program.env_remove(variable);
        }
    }

    /// What the doctor says.
    fn said(&self) -> String {
        self.told(&mut self.host(&["doctor"]), 0)
    }

    fn told(&self, doctor: &mut Command, code: i32) -> String {
        let output = doctor.output().expect("the host starts");
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        let text = String::from_utf8(output.stdout).expect("it is text");
        same_everywhere(&text.replace(&self.0.path().display().to_string(), "FOLDER"))
    }
}

/// Writes a program that does what a script says. A process of its own writes it: what another thread starts at that moment would
/// inherit the open file from this one, and a file that anybody may still write is none that the system starts.
pub(crate) fn write_program(file: &Path, script: &str) {
    std::fs::create_dir_all(file.parent().expect("it is in a folder")).expect("the folder is writable");
    let writes = "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$0\" && chmod 755 \"$0\"";
    let mut shell = Command::new("/bin/sh");
    let status = shell.args(["-c", writes]).arg(file).arg(script).status();
    assert!(status.expect("there is a shell").success());
}

/// A report without what differs from machine to machine: how much memory there is, and what the kernel is.
fn same_everywhere(report: &str) -> String {
    const OLD_KERNEL: &str = "  warning  page maps     the kernel cannot scan them: fresh instances take about a third longer\n\
                              \u{20}                        help: Linux 6.7 and later can\n";
    const NEW_KERNEL: &str = "  ok       page maps     the kernel scans them\n";
    let report = report.replace(OLD_KERNEL, NEW_KERNEL);
    let lines =
        report.lines().map(
            |line| match (line.split_once("  memory        "), line.split_once(" for all guests")) {
                (Some((before, _)), Some((_, after))) => {
                    format!("{before}  memory        SO MUCH for all guests{after}\n")
                }
                _ => format!("{line}\n"),
            },
        );
    lines.collect()
}

/// How something that was looked at is, in a report that is JSON.
pub(crate) fn finding(report: &Value, part: &str, name: &str) -> Value {
    let findings = report[part].as_array().expect("it is a list");
    let found = findings.iter().find(|finding| finding["name"] == name);
    found.unwrap_or_else(|| panic!("no {name}: {report}")).clone()
}

// ---- languages

#[test]
fn what_is_missing_is_named_with_how_to_get_it() {
    assert_printed(&Machine::with(&[]).said(), "doctor/nothing.stdout");
}

#[test]
fn what_is_too_old_or_lacks_a_part_is_told() {
    let tools = [
        ("cargo", "echo cargo 1.95.0"),
        ("rustc", "echo /nowhere"),
        ("node", "echo v18.19.0"),
        ("python3", "case $1 in --version) echo Python 3.11.2;; *) exit 1;; esac"),
        ("go", "printf '/go\\ngo1.20.3\\n/modules\\n'"),
    ];
    assert_printed(&Machine::with(&tools).said(), "doctor/too-little.stdout");
}

#[test]
fn tools_that_build_refuses_are_too_old() {
    let tools = [
        ("cargo", "echo 'cargo 1.86.0 (adf9b6ad1 2025-02-28)'"),
        ("rustc", "echo /"),
        ("node", "echo v18.19.0"),
        ("python3", "echo Python 3.9.2"),
    ];
    let said = Machine::with(&tools).said();
    let rows = said.lines().skip_while(|line| !line.contains("Rust")).take(6);
    let rows: Vec<_> = rows.collect();
    assert_printed(&(rows.join("\n") + "\n"), "doctor/too-old.stdout");
}

#[test]
fn node_without_npm_is_too_little() {
    let said = Machine::with(&[("node", "echo v20.11.1")]).said();
    let rows = said.lines().skip_while(|line| !line.contains("JavaScript")).take(2);
    let rows: Vec<_> = rows.collect();
    assert_printed(&(rows.join("\n") + "\n"), "doctor/without-npm.stdout");
}

#[test]
fn where_all_is_there_all_is_ok() {
    assert_printed(&Machine::with(&TOOLS).said(), "doctor/everything.stdout");
}

#[test]
fn as_json_versions_paths_and_sizes_are_fields() {
    let machine = Machine::with(&TOOLS);
    let json = machine.told(&mut machine.host(&["doctor", "--format", "json"]), 0);
    let mut report: Value = serde_json::from_str(&json).expect("it is JSON");
    for finding in report["host"].as_array_mut().expect("it is a list") {
        match finding["name"].as_str() {
            Some("memory") => {
                let bytes = &finding["bytes"];
                assert!(bytes.as_u64().is_some_and(|bytes| bytes > 1 << 20), "{bytes}");
                finding["bytes"] = "SO MANY".into();
                finding["says"] = "SO MUCH".into();
            }
            Some("page maps") if finding["state"] == "warning" => {
                *finding = serde_json::json!({ "name": "page maps", "state": "ok", "says": "the kernel scans them" });
            }
            _ => {}
        }
    }
    let readable = serde_json::to_string_pretty(&report).expect("it was JSON");
    assert_printed(&(readable + "\n"), "doctor/everything-json.stdout");
}

// ---- the host

#[test]
fn a_cache_that_run_refuses_is_an_error_with_the_same_help() {
    let machine = Machine::with(&TOOLS);
    let code = machine.0.path().join("dapr-wasm/code");
    std::fs::create_dir_all(&code).expect("the folder is writable");
    std::fs::set_permissions(&code, Permissions::from_mode(0o777)).expect("the folder is ours");
    let told = machine.told(&mut machine.host(&["doctor"]), 1);
    assert_printed(&told, "doctor/refused-cache.stdout");
    let of_run = include_str!("cases/cache/others-may-write.stderr");
    let (_, help) = of_run.trim_end().split_once("help: ").expect("it helps");
    assert!(told.contains(&format!("help: {help}\n")), "{told}");
}

#[test]
fn a_machine_without_places_memory_or_trust_is_told_what_that_costs() {
    let machine = Machine::with(&TOOLS);
    let mut doctor = Command::new("/bin/sh");
    // As much address space as the host needs, and too little for a pool.
    doctor
        .args(["-c", "ulimit -v 8388608; exec \"$0\" doctor"])
        .arg(binary());
    machine.around(&mut doctor);
    for variable in ["HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"] {
        doctor.env_remove(variable);
    }
    doctor.env("SSL_CERT_FILE", "/dev/null");
    assert_printed(&machine.told(&mut doctor, 0), "doctor/poor-machine.stdout");
}

#[test]
fn folders_that_cannot_be_used_are_told_and_no_reason_to_fail() {
    let machine = Machine::with(&TOOLS);
    let place = |name: &str| {
        let place = machine.0.path().join(name);
        std::fs::create_dir_all(&place).expect("the folder is writable");
        std::fs::set_permissions(&place, Permissions::from_mode(0o777)).expect("the folder is ours");
    };
    place("dapr-wasm/go");
    place("dapr-wasm/components");
    std::fs::write(machine.0.path().join("dapr-wasm/code"), "").expect("the folder is writable");
    assert_printed(&machine.said(), "doctor/unusable-folders.stdout");
}

#[test]
fn what_is_kept_is_told_with_its_size_and_how_to_get_it_back() {
    let machine = Machine::with(&TOOLS);
    for (file, bytes) in [
        ("code/app.cwasm", 3 << 20),
        ("go/abc.wasm", 1 << 20),
        ("go/compiled/ab/file", 5 << 20),
        ("components/state.mongodb.wasm", 2 << 20),
        ("components/state.mongodb.licences.txt", 0),
    ] {
        let file = machine.0.path().join("dapr-wasm").join(file);
        std::fs::create_dir_all(file.parent().expect("it is in a folder")).expect("the folder is writable");
        std::fs::write(&file, vec![0; bytes]).expect("the folder is writable");
    }
    let code = machine.0.path().join("dapr-wasm/code");
    std::fs::set_permissions(code, Permissions::from_mode(0o700)).expect("the folder is ours");
    assert_printed(&machine.said(), "doctor/kept.stdout");
}

#[test]
fn what_go_keeps_elsewhere_is_told() {
    let machine = Machine::with(&TOOLS);
    let told = machine.told(machine.host(&["doctor"]).env("GOCACHE", "/elsewhere"), 0);
    let row = "FOLDER/dapr-wasm/go: 0B, without a limit; the rest is in /elsewhere, which GOCACHE names\n";
    assert!(told.contains(row), "{told}");
}

/// A folder's name is somebody's, and forges no row.
#[test]
fn a_name_of_several_lines_is_in_one() {
    let machine = Machine::with(&TOOLS);
    let folder = machine.0.path().join("x\n  ok       everything    is well");
    std::fs::create_dir(&folder).expect("the folder is writable");
    let told = machine.told(machine.host(&["doctor"]).env("XDG_DATA_HOME", folder), 0);
    assert!(told.contains("FOLDER/x\\n  ok       everything"), "{told}");
}
