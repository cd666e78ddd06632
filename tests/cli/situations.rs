//! Situations that no file can set up: a port or a lock that somebody else holds, signals, folders that others may write.

use crate::apps::{self, apps};
use crate::golden::assert_printed;
use dapr_wasm_tests::built::{binary, repository};
use dapr_wasm_tests::{Launch, PATIENCE};
use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

const IN_MEMORY: &str = "[state.statestore]\ntype = \"in-memory\"\n";
const SQLITE: &str = "[state.statestore]\ntype = \"sqlite\"\nconnectionString = \"state.db\"\n";

/// A user for whom permissions hold.
const NOBODY: u32 = 65534;

// ---- helpers

/// An app of this folder, in a folder of its own.
fn launch(app: &str) -> Launch {
    apps::make();
    let launch = Launch::file(app);
    std::fs::copy(apps().join(app), launch.folder().join(app)).expect("the folder is writable");
    launch
}

/// `dapr-wasm` in a folder with `program.wasm`, which is also where it keeps compiled code.
fn with_cache(folder: &Path, args: &[&str]) -> Output {
    apps::make();
    std::fs::copy(apps().join("program.wasm"), folder.join("program.wasm")).expect("the folder is writable");
    let mut command = Command::new(binary());
    command.args(args).current_dir(folder).env("XDG_CACHE_HOME", folder);
    command.output().expect("the binary starts")
}

fn temporary() -> TempDir {
    TempDir::new().expect("the system has room for a folder")
}

fn stderr(output: &Output) -> String {
    assert_eq!(output.stdout, b"", "what is no result goes to standard error");
    String::from_utf8(output.stderr.clone()).expect("it is text")
}

/// What a host printed, with what differs from run to run replaced.
fn start_up(launch: Launch) -> String {
    let mut host = launch.option("--log=error").start();
    let port = host.port().to_string();
    host.terminate();
    host.wait(PATIENCE);
    let text = host.stderr().text().replace(&port, "PORT");
    text.lines().map(|line| machine_independent(line) + "\n").collect()
}

/// A line without the share of this machine's memory.
fn machine_independent(line: &str) -> String {
    let Some((before, after)) = line.split_once(" an instance, ") else {
        return line.to_owned();
    };
    match after.split_once(" all instances together") {
        Some(_) if line.trim_start().starts_with("memory") => {
            format!("{before} an instance, HALF OF THIS MACHINE'S all instances together")
        }
        _ => line.to_owned(),
    }
}

// ---- run

#[test]
fn a_host_says_what_is_bound_where_and_which_limits_hold() {
    assert_printed(&start_up(launch("counter.wasm")), "run/start-built-in.stderr");
}

#[test]
fn a_host_says_which_limits_hold_for_this_app() {
    let components = "[app]\nmemory = \"64MiB\"\nrequest-timeout = \"1m30s\"\nreuse = 10\n\
         env = { LOG = \"debug\" }\n\n[state.statestore]\ntype = \"in-memory\"\n\n\
         [state.archive]\ntype = \"sqlite\"\nconnectionString = \"archive.db\"\nkeyPrefix = \"none\"\ndeadline = \"1s\"\n";
    let launch = launch("counter.wasm")
        .components(components)
        .option("--app-id=orders")
        .option("--env=TOKEN=secret");
    assert_printed(&start_up(launch), "run/start-configured.stderr");
}

#[test]
fn a_host_without_a_store_warns_and_serves() {
    let launch = launch("counter.wasm").components("[app]\nmemory = \"64MiB\"\n");
    assert_printed(&start_up(launch), "run/start-not-configured.stderr");
}

#[test]
fn a_host_says_what_it_denies() {
    assert_printed(
        &start_up(launch("hostile.wasm").components(IN_MEMORY)),
        "run/start-denied.stderr",
    );
}

#[test]
fn a_host_says_how_often_an_instance_is_used() {
    assert_printed(
        &start_up(launch("fan-in.wasm").components(IN_MEMORY)),
        "run/start-async.stderr",
    );
}

#[test]
fn a_host_says_that_it_made_a_component() {
    assert_printed(
        &start_up(launch("reactor-p1.wasm").components(IN_MEMORY)),
        "run/start-core-module.stderr",
    );
}

#[test]
fn an_app_that_needs_no_store_leaves_no_file() {
    let launch = launch("program.wasm");
    assert_eq!(launch.run(b"").status.code(), Some(1));
    assert!(!launch.folder().join(".dapr-wasm").exists());
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let port = taken.local_addr().expect("it is bound").port().to_string();
    let launch = launch("counter.wasm").components(IN_MEMORY);
    let mut command = Command::new(binary());
    command
        .args(["run", "counter.wasm", "--listen", &port])
        .current_dir(launch.folder());
    let output = command.output().expect("the binary starts");
    assert_eq!(output.status.code(), Some(1));
    assert_printed(&stderr(&output).replace(&port, "PORT"), "run/port-in-use.stderr");
}

// ---- stores

#[test]
fn a_file_that_another_process_locks_is_named() {
    let launch = launch("counter.wasm").components(SQLITE);
    let other = rusqlite::Connection::open(launch.folder().join("state.db")).expect("it can be made");
    other
        .execute_batch("CREATE TABLE t (a); BEGIN EXCLUSIVE")
        .expect("nobody else holds it");
    let ended = launch.run(b"");
    assert_eq!(ended.status.code(), Some(1));
    assert_printed(&ended.stderr, "stores/locked.stderr");
}

#[test]
fn a_damaged_file_is_named() {
    let launch = launch("counter.wasm").components(SQLITE);
    let path = launch.folder().join("state.db");
    let whole = rusqlite::Connection::open(&path).expect("it can be made");
    whole.execute_batch("CREATE TABLE t (a)").expect("it is new");
    drop(whole);
    let mut bytes = std::fs::read(&path).expect("it was just made");
    // Beyond the header, so that it is still a database, and one whose tables cannot be read.
    bytes[100..].fill(0xff);
    std::fs::write(&path, bytes).expect("it is writable");
    let ended = launch.run(b"");
    assert_eq!(ended.status.code(), Some(1));
    assert_printed(&ended.stderr, "stores/damaged.stderr");
}

#[test]
fn a_file_that_may_not_be_written_is_named() {
    let folder = temporary();
    let within = |name: &str| folder.path().join(name);
    let allow = |path: &Path, mode| {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is ours");
    };
    apps::make();
    std::fs::copy(apps().join("counter.wasm"), within("counter.wasm")).expect("the folder is writable");
    std::fs::copy(binary(), within("dapr-wasm")).expect("the folder is writable");
    std::fs::write(within("components.toml"), SQLITE).expect("the folder is writable");
    let store = rusqlite::Connection::open(within("state.db")).expect("it can be made");
    store.execute_batch("CREATE TABLE t (a)").expect("it is new");
    drop(store);
    std::fs::create_dir(within("home")).expect("the folder is writable");
    let mut command = Command::new(within("dapr-wasm"));
    command
        .args(["run", "counter.wasm", "--listen", "0"])
        .current_dir(folder.path())
        .env_remove("XDG_CACHE_HOME")
        .env("HOME", within("home"));
    // For root every file is writable.
    if rustix::process::geteuid().is_root() {
        chown(within("home"), Some(NOBODY), Some(NOBODY)).expect("root may");
        command.uid(NOBODY).gid(NOBODY);
    }
    allow(&within("state.db"), 0o444);
    allow(folder.path(), 0o555);
    let output = command.output().expect("the binary starts");
    // So that it can be removed.
    allow(folder.path(), 0o755);
    assert_printed(&stderr(&output), "stores/not-writable.stderr");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_database_of_another_program_is_named() {
    let launch = launch("counter.wasm").components(SQLITE);
    let other = rusqlite::Connection::open(launch.folder().join("state.db")).expect("it can be made");
    other
        .execute_batch("CREATE TABLE state (name TEXT, capital TEXT)")
        .expect("it is new");
    let ended = launch.run(b"");
    assert_eq!(ended.status.code(), Some(1));
    assert_printed(&ended.stderr, "stores/other-tables.stderr");
}

#[test]
fn a_file_in_the_built_in_place_that_cannot_be_made_is_named() {
    let launch = launch("counter.wasm");
    std::fs::write(launch.folder().join(".dapr-wasm"), "").expect("the folder is writable");
    let ended = launch.run(b"");
    assert_eq!(ended.status.code(), Some(1));
    assert_printed(&ended.stderr, "stores/built-in-not-creatable.stderr");
}

// ---- cache

#[test]
fn compiled_code_is_removed_once() {
    let cache = temporary();
    assert_eq!(
        with_cache(cache.path(), &["run", "program.wasm"]).status.code(),
        Some(1)
    );
    let first = with_cache(cache.path(), &["cache", "clean"]);
    let second = with_cache(cache.path(), &["cache", "clean"]);
    assert!(first.status.success() && second.status.success());
    assert_printed(&(stderr(&first) + &stderr(&second)), "cache/clean-twice.stderr");
}

/// A store's own words are in a report, and look like nothing else.
#[test]
fn what_a_store_says_drives_no_terminal_and_forges_no_line_of_a_report() {
    apps::make();
    let mut command = Command::new(binary());
    command.args(["conformance", "hostile-store.wasm", "--metadata", "each=error-long"]);
    let output = command.current_dir(apps()).output().expect("the binary starts");
    assert_eq!(output.status.code(), Some(1));
    let report = String::from_utf8(output.stdout).expect("it is text");
    assert!(report.contains("\\u{1b}[31m"), "{report:?}");
    let harmful = |char: char| (char.is_control() && char != '\n') || char == '\u{202e}';
    assert!(!report.contains(harmful), "{report:?}");
    let of_the_report = |line: &&str| {
        ["failed: ", "left out: ", "    "]
            .iter()
            .any(|begin| line.starts_with(begin))
    };
    let forged: Vec<_> = report.lines().skip(1).filter(|line| !of_the_report(line)).collect();
    assert!(forged.is_empty(), "{forged:?}");
}

#[test]
fn a_cache_that_others_may_write_is_refused() {
    let cache = temporary();
    let code = cache.path().join("dapr-wasm/code");
    std::fs::create_dir_all(&code).expect("the folder is writable");
    std::fs::set_permissions(&code, Permissions::from_mode(0o777)).expect("the folder is ours");
    for args in [["run", "program.wasm"], ["cache", "clean"]] {
        let output = with_cache(cache.path(), &args);
        assert_eq!(output.status.code(), Some(2));
        let printed = stderr(&output).replace(&cache.path().display().to_string(), "CACHE");
        assert_printed(&printed, "cache/others-may-write.stderr");
    }
}

#[test]
fn a_cache_that_cannot_be_written_is_told_and_no_reason_to_stop() {
    let cache = temporary();
    std::fs::write(cache.path().join("dapr-wasm"), "").expect("the folder is writable");
    let in_cache = |args: &[&str], code| {
        let output = with_cache(cache.path(), args);
        assert_eq!(output.status.code(), Some(code));
        stderr(&output).replace(&cache.path().display().to_string(), "CACHE")
    };
    assert_printed(&in_cache(&["run", "program.wasm"], 1), "cache/not-writable-run.stderr");
    assert_printed(&in_cache(&["cache", "clean"], 1), "cache/not-writable-clean.stderr");
}

#[test]
fn a_host_without_a_place_for_a_cache_says_so_and_goes_on() {
    apps::make();
    let mut command = Command::new(binary());
    command
        .args(["run", "program.wasm"])
        .current_dir(apps())
        .env_remove("XDG_CACHE_HOME")
        .env_remove("HOME");
    let output = command.output().expect("the binary starts");
    assert_eq!(output.status.code(), Some(1));
    assert_printed(&stderr(&output), "cache/no-place.stderr");
}

// ---- check

#[test]
fn a_reader_that_has_seen_enough_ends_a_report_quietly() {
    apps::make();
    // Gone before the report begins, so that its first line already finds nobody.
    let (reader, writer) = std::io::pipe().expect("the system has room for a pipe");
    drop(reader);
    let mut command = Command::new(binary());
    command
        .args(["check", "counter.wasm", "--format", "json"])
        .current_dir(apps())
        .stdout(writer);
    let output = command.output().expect("the binary starts");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

// ---- wit

#[test]
fn the_written_packages_are_those_of_this_repository_and_parse() {
    let folder = temporary();
    let to = folder.path().join("wit");
    let output = Command::new(binary())
        .arg("wit")
        .arg(&to)
        .output()
        .expect("the binary starts");
    assert!(output.status.success());
    assert_printed(
        &stderr(&output).replace(&folder.path().display().to_string(), "FOLDER"),
        "wit/written.stderr",
    );
    assert_eq!(files(&to), files(&repository().join("wit")));
    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_dir(&to).expect("it is well-formed WIT");
    assert_eq!(resolve.packages[package].name.to_string(), "dapr:host@0.1.0");
}

/// The files below a folder, by their path in it.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).expect("it is a folder") {
            let path = entry.expect("it is readable").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).expect("it lies below").display().to_string();
            found.push((name, std::fs::read_to_string(path).expect("it is text")));
        }
    }
    found.sort();
    found
}
