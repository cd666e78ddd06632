//! Situations of compiled code: where it is kept, where it cannot be, and what is told while it is made.

use crate::apps::{self, apps};
use crate::golden::assert_printed;
use crate::situations::{stderr, temporary};
use dapr_wasm_tests::built::binary;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

// ---- helpers

/// `dapr-wasm` in a folder with `program.wasm`, which is also where it keeps compiled code.
pub(crate) fn with_cache(folder: &Path, args: &[&str]) -> Output {
    apps::make();
    std::fs::copy(apps().join("program.wasm"), folder.join("program.wasm")).expect("the folder is writable");
    let mut command = Command::new(binary());
    command.args(args).current_dir(folder).env("XDG_CACHE_HOME", folder);
    command.output().expect("the binary starts")
}

/// The same, whose files may have so many blocks: a file that reaches a limit fails in the middle, as on a full disk.
fn with_little_room(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$@\"", "sh"])
        .arg(binary())
        .args(args)
        .current_dir(folder)
        .env("XDG_CACHE_HOME", folder)
        .env("TMPDIR", folder);
    command.output().expect("the shell starts")
}

// ---- where

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

#[test]
fn a_disk_without_room_is_told_and_no_fault_of_the_app() {
    let cache = temporary();
    apps::make();
    std::fs::copy(apps().join("program.wasm"), cache.path().join("program.wasm")).expect("the folder is writable");
    let output = with_little_room(cache.path(), &["run", "program.wasm"]);
    // Nowhere is room, and so it does not start in the end.
    assert_eq!(output.status.code(), Some(1));
    let told = stderr(&output).replace(&cache.path().display().to_string(), "CACHE");
    assert_printed(&told, "cache/no-room.stderr");
}

// ---- how long

/// A program that takes seconds to compile, and then traps. It has one function of very many values, which no number of
/// processors makes faster.
fn large() -> Vec<u8> {
    const VALUES: usize = 10_000;
    let read = |at: usize| format!("(i32.load offset={} (local.get 0))", at * 4);
    let reads: String = (0..VALUES).map(read).collect();
    let adds = "i32.add ".repeat(VALUES - 1);
    let text = format!(
        "(module (memory (export \"memory\") 1) (func (export \"_start\") unreachable)
            (func (param i32) (result i32) {reads} {adds}))"
    );
    wat::parse_str(text).expect("it is well-formed")
}

#[test]
fn compiling_that_takes_long_is_told_and_the_next_start_is_silent() {
    let cache = temporary();
    std::fs::write(cache.path().join("large.wasm"), large()).expect("the folder is writable");
    let told = |environment: &str| {
        let mut command = Command::new(binary());
        command.args(["run", "large.wasm"]).current_dir(cache.path());
        command
            .env_remove("HOME")
            .env_remove("XDG_CACHE_HOME")
            .env(environment, cache.path());
        let output = command.output().expect("the binary starts");
        assert_eq!(output.status.code(), Some(1));
        stderr(&output)
    };
    assert_printed(&told("XDG_CACHE_HOME"), "cache/takes-long.stderr");
    assert_printed(&told("XDG_CACHE_HOME"), "cache/found.stderr");
    assert_printed(&told("NOWHERE"), "cache/takes-long-each-time.stderr");
}
