//! The command line's words: what a user reads in every situation, compared with a text that was written for reading.
//!
//! `cases/GROUP/NAME.toml` is a situation: arguments, exit code, and both streams to the letter. What it needs of files is
//! in `NAME.in`, the apps are in `apps`.
//!
//! | group | what went wrong, or right |
//! |---|---|
//! | `usage` | options and arguments |
//! | `target` | what was named as an app is none |
//! | `build` | projects, with tools that do what a case is about |
//! | `capabilities` | the app needs what this host does not have |
//! | `configuration` | `components.toml` |
//! | `stores` | a store that cannot be opened |
//! | `providers` | stores in WebAssembly |
//! | `components` | Dapr's own components: listed, shown, built, and in `components.toml` |
//! | `check` | reports |
//! | `secrets` | secret stores, and what refers to them |
//! | `run` | start and end |
//! | `cache`, `doctor`, `wit` | the other commands |
//!
//! A situation that no file can set up (a port in use, a lock, a signal) is a test in `situations`, `cache`, `compilers`,
//! `doctor`, `json`, `names`, `projects` or `watching`, its text beside the cases; what only a terminal shows is in `terminal`, and
//! what shells and `man` are told in `manual`. A line `...` stands for any lines, `[..]` for any text in a line.
//!
//! `TRYCMD=overwrite cargo test -p dapr-wasm-tests --test cli` writes the texts anew, for review.

#![allow(clippy::panic, reason = "a test that cannot go on has failed")]

mod apps;
mod cache;
mod compilers;
mod doctor;
mod golden;
mod json;
mod manual;
mod names;
mod projects;
mod situations;
mod terminal;
mod watching;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The folder of these tests.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cli")
}

#[test]
fn every_case_prints_what_is_written() {
    apps::make();
    compile();
    trycmd::TestCases::new()
        .default_bin_path(dapr_wasm_tests::built::binary())
        .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
        .env("XDG_DATA_HOME", apps::data_home().display().to_string())
        // A host that serves where it should have failed does not hang the test.
        .timeout(Duration::from_secs(120))
        .case(folder().join("cases/*/*.toml"));
}

/// Compiles what the cases use, one after the other: one that has to compile on a busy machine says so.
fn compile() {
    let check = |app: &Path, within: &Path| {
        let mut check = Command::new(dapr_wasm_tests::built::binary());
        check.arg("check").arg(app).current_dir(within);
        check.env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
        // What there is to say of an app is said in its cases.
        check.output().expect("the binary starts");
    };
    let apps = apps::apps();
    let empty = tempfile::tempdir().expect("there is room for a folder");
    for app in entries(apps.clone()).filter(|file| has_extension(file, "wasm")) {
        check(&app, empty.path());
    }
    for store in ["hostile-store", "plugin-command", "plugin-reactor", "store-memory"] {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let store = apps.join(store).with_extension("wasm");
        let table = format!("[state.mine]\ntype = \"wasm\"\ncomponent = {store:?}\n");
        std::fs::write(folder.path().join("components.toml"), table).expect("the folder is writable");
        check(&apps.join("counter.wasm"), folder.path());
    }
}

/// The files and folders in a folder.
fn entries(folder: PathBuf) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(folder)
        .expect("it is a folder")
        .map(|entry| entry.expect("it is readable").path())
}

fn has_extension(file: &Path, wanted: &str) -> bool {
    file.extension().is_some_and(|extension| extension == wanted)
}

/// A stream or code that a case leaves out is not compared, and a pattern that finds no case fails nothing.
#[test]
fn every_case_states_its_exit_code_and_both_streams() {
    let files = entries(folder().join("cases")).flat_map(entries);
    let cases: Vec<_> = files.filter(|file| has_extension(file, "toml")).collect();
    assert!(!cases.is_empty());
    for case in cases {
        let text = std::fs::read_to_string(&case).expect("it is text");
        for key in ["status.code = ", "stdout = ", "stderr = "] {
            assert!(
                text.lines().any(|line| line.starts_with(key)),
                "{}: no `{key}`",
                case.display()
            );
        }
    }
}

/// A group whose folder is not there, ignored by git for example, would be missed by nobody.
#[test]
fn the_groups_are_those_of_the_table_above_and_none_is_empty() {
    let rows = include_str!("main.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("//! | "));
    let cells = rows.filter_map(|row| row.split(" | ").next());
    // Between backticks: every second part.
    let documented: BTreeSet<_> = cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect();
    let has_a_case = |group: &PathBuf| {
        let is_case = |file: PathBuf| has_extension(&file, "toml") || has_extension(&file, "stderr");
        entries(group.clone()).any(is_case)
    };
    let found: BTreeSet<_> = entries(folder().join("cases"))
        .filter(has_a_case)
        .filter_map(|group| Some(group.file_name()?.to_str()?.to_owned()))
        .collect();
    assert_eq!(found, documented);
}

/// A sample that no store of this repository gives would be one that nobody has seen.
#[test]
fn the_report_in_the_documentation_is_one_of_the_cases() {
    let documentation = include_str!("../../docs/configuration.md");
    let (_, sample) = documentation
        .split_once("$ dapr-wasm conformance store.wasm\n")
        .expect("there is a sample");
    let (sample, _) = sample.split_once("```").expect("it ends");
    let cases = entries(folder().join("cases/providers")).filter_map(|case| std::fs::read_to_string(case).ok());
    let given = cases.filter(|case| case.contains(&format!("stdout = \"\"\"\n{sample}\"\"\"\n")));
    assert!(given.count() > 0, "no case prints this:\n{sample}");
}
