//! `dapr-wasm doctor` on machines that have all, nothing, or too little: their tools are scripts that say what such tools say.

use crate::golden::assert_printed;
use crate::situations::temporary;
use dapr_wasm_tests::built::binary;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// What it says where these are all the tools that there are: each a name, and what it does as a script.
fn said(tools: &[(&str, &str)]) -> String {
    let folder = temporary();
    for (name, script) in tools {
        write(&folder.path().join(name), script);
    }
    let output = Command::new(binary())
        .arg("doctor")
        .env("PATH", folder.path())
        .env("HOME", folder.path())
        .env("XDG_CACHE_HOME", folder.path())
        .env("XDG_DATA_HOME", folder.path())
        .output()
        .expect("the host starts");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("it is text");
    text.replace(&folder.path().display().to_string(), "FOLDER")
}

fn write(file: &Path, script: &str) {
    std::fs::write(file, format!("#!/bin/sh\n{script}\n")).expect("the folder is writable");
    std::fs::set_permissions(file, Permissions::from_mode(0o755)).expect("it is ours");
}

#[test]
fn what_is_missing_is_named_with_how_to_get_it() {
    assert_printed(&said(&[]), "doctor/nothing.stdout");
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
    assert_printed(&said(&tools), "doctor/too-little.stdout");
}

#[test]
fn where_all_is_there_all_is_ok() {
    let tools = [
        ("cargo", "echo cargo 1.95.0"),
        ("rustc", "echo /"),
        ("node", "echo v20.11.1"),
        ("npm", "echo 10.2.4"),
        ("python3", "echo Python 3.11.2"),
        ("go", "printf '/go\\ngo1.26.8\\n/modules\\n'"),
        ("zig", "echo 0.15.1"),
    ];
    assert_printed(&said(&tools), "doctor/everything.stdout");
}
