//! Situations that no file can set up: a port or a lock that somebody else holds, signals, folders that others may write.

use crate::apps::{self, apps};
use crate::cache::with_cache;
use crate::golden::assert_printed;
use dapr_wasm_tests::built::binary;
use dapr_wasm_tests::{Launch, PATIENCE, component};
use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

pub(crate) const IN_MEMORY: &str = "[state.statestore]\ntype = \"in-memory\"\n";
const SQLITE: &str = "[state.statestore]\ntype = \"sqlite\"\nconnectionString = \"state.db\"\n";

/// A user for whom permissions hold.
const NOBODY: u32 = 65534;

// ---- helpers

/// An app of this folder, in a folder of its own.
pub(crate) fn launch(app: &str) -> Launch {
    apps::make();
    let launch = Launch::file(app);
    std::fs::copy(apps().join(app), launch.folder().join(app)).expect("the folder is writable");
    launch
}

pub(crate) fn temporary() -> TempDir {
    TempDir::new().expect("the system has room for a folder")
}

pub(crate) fn stderr(output: &Output) -> String {
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
    let text = without_compiling(&text);
    text.lines().map(|line| machine_independent(line) + "\n").collect()
}

/// What was printed, without what is there only because the machine is slow, or busy with other tests.
fn without_compiling(printed: &str) -> String {
    let lines = printed.lines().filter(|line| !is_of_compiling(line));
    lines.map(|line| format!("{line}\n")).collect()
}

fn is_of_compiling(message: &str) -> bool {
    message.starts_with("compiling ") || message.starts_with("compiled in ")
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
fn a_host_says_what_bounds_a_store_in_webassembly_and_those_who_ask_for_health() {
    let component = apps().join("store-memory.wasm");
    let launch = launch("counter.wasm")
        .components("[state.mine]\ntype = \"wasm\"\ncomponent = \"store-memory.wasm\"\nmemory = \"32MiB\"\n")
        .option("--admin-listen=0");
    std::fs::copy(component, launch.folder().join("store-memory.wasm")).expect("the folder is writable");
    // Of two ports one differs from what is replaced.
    let told = start_up(launch).replace("\nhealth http://127.0.0.1:", "\nhealth http://127.0.0.1:PORT ");
    let lines = told.lines().map(|line| match line.split_once("PORT ") {
        Some((before, _)) => format!("{before}PORT/healthz\n"),
        None => format!("{line}\n"),
    });
    assert_printed(&lines.collect::<String>(), "run/start-provider.stderr");
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
    let told = beside(&launch, &["--listen", &port]).replace(&port, "PORT");
    assert_printed(&told, "run/port-in-use.stderr");
    let told = beside(&launch, &["--listen", "0", "--admin-listen", &port]).replace(&port, "PORT");
    assert_printed(&told, "run/health-port-in-use.stderr");
}

// ---- two hosts

/// What another host says that is started in the same folder, and ends.
fn beside(launch: &Launch, options: &[&str]) -> String {
    let mut command = Command::new(binary());
    command
        .args(["run", "counter.wasm"])
        .args(options)
        .current_dir(launch.folder())
        .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    let output = command.output().expect("the binary starts");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    without_compiling(&stderr(&output))
}

#[test]
fn of_two_hosts_in_one_folder_the_second_needs_a_port_of_its_own_and_no_store() {
    let launch = launch("counter.wasm").components(SQLITE);
    let first = launch.start();
    let port = first.port().to_string();
    let told = beside(&launch, &["--listen", &port]).replace(&port, "PORT");
    assert_printed(&told, "run/port-in-use.stderr");
    let second = launch.start();
    assert_eq!(first.client().post("/", "").text(), "1");
    assert_eq!(second.client().post("/", "").text(), "2");
}

/// A write-ahead log is for all who use the file.
#[test]
fn a_file_that_another_host_keeps_otherwise_is_named() {
    let launch = launch("counter.wasm").components(SQLITE);
    let first = launch.start();
    let other = format!("{SQLITE}disableWAL = true\n");
    std::fs::write(launch.folder().join("other.toml"), other).expect("the folder is writable");
    let told = beside(&launch, &["--listen", "0", "--components", "other.toml"]);
    assert_printed(&told, "stores/kept-otherwise.stderr");
    assert_eq!(first.client().post("/", "").text(), "1");
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
fn a_server_that_is_not_there_is_named() {
    // Nobody listens at port 1.
    let server = "[state.statestore]\ntype = \"postgresql\"\nhost = \"127.0.0.1\"\nport = 1\npassword = \"hunter2\"\n";
    let ended = launch("counter.wasm").components(server).run(b"");
    assert_eq!(ended.status.code(), Some(1));
    assert_printed(&ended.stderr, "stores/unreachable.stderr");
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
    // By a process of its own, so that none that another test starts has it open for writing.
    let copied = Command::new("cp").arg(binary()).arg(within("dapr-wasm")).status();
    assert!(copied.expect("there is cp").success());
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

// ---- conformance

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

// ---- components

/// `dapr-wasm` in a folder that has its data and its caches, with what differs from run to run replaced.
fn with_data(folder: &Path, args: &[&str]) -> String {
    apps::make();
    std::fs::copy(apps().join("program.wasm"), folder.join("program.wasm")).expect("the folder is writable");
    let mut command = Command::new(binary());
    command.args(args).current_dir(folder);
    command.env("XDG_DATA_HOME", folder).env("XDG_CACHE_HOME", folder);
    let output = command.output().expect("the binary starts");
    assert_eq!(output.status.code(), Some(2));
    stderr(&output).replace(&folder.display().to_string(), "DATA")
}

/// A folder in which this is installed as `state.mongodb.wasm`.
fn with_component(bytes: &[u8]) -> TempDir {
    let folder = temporary();
    let components = folder.path().join("dapr-wasm/components");
    std::fs::create_dir_all(&components).expect("the folder is writable");
    std::fs::write(components.join("state.mongodb.wasm"), bytes).expect("the folder is writable");
    std::fs::write(
        folder.path().join("components.toml"),
        "[state.statestore]\ntype = \"mongodb\"\n",
    )
    .expect("the folder is writable");
    folder
}

#[test]
fn without_a_folder_of_components_nothing_is_installed() {
    let folder = temporary();
    let mut command = Command::new(binary());
    command.args(["components", "list"]).env("XDG_DATA_HOME", folder.path());
    let output = command.output().expect("the binary starts");
    assert_eq!(output.status.code(), Some(0));
    assert_printed(&String::from_utf8_lossy(&output.stdout), "components/list-empty.stdout");
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("it is there").count(),
        0,
        "a list makes nothing"
    );
}

#[test]
fn a_folder_of_components_that_others_may_write_is_refused() {
    let folder = with_component(b"");
    let components = folder.path().join("dapr-wasm/components");
    std::fs::set_permissions(components, Permissions::from_mode(0o777)).expect("the folder is ours");
    let printed = ["check program.wasm", "components list", "components show state.mongodb"]
        .map(|args| with_data(folder.path(), &args.split(' ').collect::<Vec<_>>()));
    assert_printed(&printed.join("\n"), "components/others-may-write.stderr");
}

#[test]
fn an_installed_file_that_does_not_say_what_it_is_is_named() {
    let folder = with_component(b"\0asm\x0d\0\x01\0");
    let printed = with_data(folder.path(), &["check", "program.wasm"]);
    assert_printed(&printed, "components/does-not-say.stderr");
}

#[test]
fn an_installed_file_of_another_world_is_to_be_built_again() {
    let world = "package test:test; world store { import wasi:io/poll@0.2.10; export dapr:state/store@0.1.0; }";
    let made_from = r#"{"type":"state.mongodb","version":"v1","contrib":"v1.18.4","go":"go1.26.8"}"#;
    let folder = with_component(&component::installed(&component::empty(world), made_from, "[]"));
    let args = ["check", "counter.wasm"];
    apps::make();
    std::fs::copy(apps().join("counter.wasm"), folder.path().join("counter.wasm")).expect("the folder is writable");
    let mut command = Command::new(binary());
    command
        .args(args)
        .current_dir(folder.path())
        .env("XDG_DATA_HOME", folder.path());
    let output = command.output().expect("the binary starts");
    assert_eq!(output.status.code(), Some(2));
    let printed = String::from_utf8_lossy(&output.stderr).replace(&folder.path().display().to_string(), "DATA");
    assert_printed(&printed, "components/another-world.stderr");
}

#[test]
fn what_was_built_is_removed_with_the_cache_and_what_is_installed_stays() {
    let folder = with_component(b"");
    let built = folder.path().join("dapr-wasm/go");
    for folder in ["build-1-0/module", "compiled/ab"] {
        std::fs::create_dir_all(built.join(folder)).expect("the folder is writable");
        std::fs::write(built.join(folder).join("file"), vec![0; 3 << 20]).expect("the folder is writable");
    }
    std::fs::write(built.join("abc.wasm"), vec![0; 2 << 20]).expect("the folder is writable");
    std::fs::write(built.join("abc.licences.txt"), "MIT").expect("the folder is writable");
    let cleaned = with_cache(folder.path(), &["cache", "clean"]);
    assert!(cleaned.status.success());
    assert_printed(&stderr(&cleaned), "cache/clean-built.stderr");
    assert_eq!(std::fs::read_dir(built).expect("it stays").count(), 0);
    assert!(folder.path().join("dapr-wasm/components/state.mongodb.wasm").exists());
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
