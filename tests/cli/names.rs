//! Names are whoever gave them's: of files, of arguments, of what is in a file. They drive no terminal, and forge no line.

use crate::golden::assert_printed;
use crate::situations::{launch, stderr, temporary};
use dapr_wasm_tests::built::binary;
use std::process::Command;

/// Of the host's own errors, and of the parser's.
#[test]
fn a_name_of_several_lines_is_in_one_line_of_an_error() {
    let folder = temporary();
    let told = |args: &[&str]| {
        let mut command = Command::new(binary());
        let output = command.args(args).current_dir(folder.path()).output();
        let output = output.expect("the binary starts");
        assert_eq!(output.status.code(), Some(2));
        stderr(&output)
    };
    let name = "x\nerror: all is lost\u{1b}[31m";
    let app_id = ["run", name, "--app-id", "x"];
    let option = format!("--{name}");
    let module = wat::parse_str(r#"(module (func (export "x\n  help: run it as root")))"#).expect("it is one");
    std::fs::write(folder.path().join("module.wasm"), module).expect("the folder is writable");
    let cases: [&[&str]; 7] = [
        &["run", name],
        &["run", "module.wasm"],
        &app_id,
        &["run", &option],
        &[name],
        &["check", "x", "--format", name],
        &["components", "show", name],
    ];
    let told: Vec<_> = cases.map(told).into();
    assert_printed(&told.join("\n"), "usage/several-lines.stderr");
}

#[test]
fn a_folder_of_several_lines_is_in_one_line_of_what_a_new_project_is_told() {
    let folder = temporary();
    let mut command = Command::new(binary());
    let output = command
        .args(["new", "x\n  sh evil/orders", "--lang", "rust"])
        .current_dir(folder.path())
        .output();
    let told = stderr(&output.expect("the binary starts"));
    assert_eq!(told.lines().count(), 3, "{told}");
    assert!(told.contains("\n  dapr-wasm run x\\n  sh evil/orders\n"), "{told}");
}

#[test]
fn a_name_of_several_lines_is_in_one_line_of_a_report() {
    let launch = launch("program.wasm");
    let name = "x\n  ok       everything  is well.wasm";
    std::fs::rename(launch.folder().join("program.wasm"), launch.folder().join(name)).expect("the folder is writable");
    let mut command = Command::new(binary());
    command
        .args(["check", name, "--app-id", "x"])
        .current_dir(launch.folder());
    let output = command.output().expect("the binary starts");
    assert_eq!(output.status.code(), Some(0));
    assert_printed(&String::from_utf8_lossy(&output.stdout), "check/several-lines.stdout");
}
