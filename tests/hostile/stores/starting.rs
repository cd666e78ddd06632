//! Stores that do not start: neither does the host, and it says why.

use super::ground::{launch, launch_with};
use crate::beside_others;
use dapr_wasm_tests::{Ended, Launch, built, component};
use std::time::{Duration, Instant};

fn ends(launch: &Launch, code: i32) -> Ended {
    let asked = Instant::now();
    let ended = launch.run(b"");
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(20), "it took {took:?}");
    assert_eq!(ended.status.code(), Some(code), "{}", ended.stderr);
    assert!(!ended.stderr.contains("serving"), "{}", ended.stderr);
    ended
}

fn does_not_start(init: &str, because: &str) -> String {
    does_not_start_in(Duration::from_secs(15), init, because)
}

/// With this long for its start.
fn does_not_start_in(deadline: Duration, init: &str, because: &str) -> String {
    let ended = ends(
        &launch(&format!(
            "deadline = \"{deadline:?}\"\nmetadata = {{ init = \"{init}\" }}"
        )),
        1,
    );
    let said = ended.stderr;
    assert!(said.contains("the state store `bad`"), "{init}: {said}");
    assert!(said.contains(because), "{init}: {said}");
    let raw = |char: &char| char.is_control() && *char != '\n' || *char == '\u{202e}';
    assert_eq!(said.chars().find(raw), None, "{init}: {}", said.escape_debug());
    said
}

#[test]
fn a_store_that_refuses_to_start_says_why() {
    let _machine = beside_others();
    does_not_start("fail", "the key says `fail`");
    does_not_start("unavailable", "the key says `unavailable`");
}

#[test]
fn a_store_that_breaks_at_its_start_is_told_of() {
    let _machine = beside_others();
    for init in ["trap", "panic", "recurse", "handles", "error-utf8"] {
        does_not_start(init, "does not start");
    }
}

#[test]
fn a_store_that_does_not_come_to_an_end_at_its_start_is_given_up() {
    let _machine = beside_others();
    for init in ["hang", "loop", "slow-5000"] {
        does_not_start_in(Duration::from_secs(1), init, "within 1s");
    }
}

#[test]
fn a_refusal_of_1_mib_with_control_characters_is_cut_and_escaped() {
    let _machine = beside_others();
    let said = does_not_start("error-long", "refused");
    assert!(said.len() < 16 << 10, "{} bytes", said.len());
}

#[test]
fn a_store_that_takes_all_memory_at_its_start_starts() {
    let _machine = beside_others();
    let host = launch("memory = \"64MiB\"\nmetadata = { init = \"grow\" }").start();
    assert_eq!(host.get("/caller?store=bad").text(), "kv");
}

#[test]
fn several_instances_of_a_store_that_allows_one_are_a_mistake() {
    let _machine = beside_others();
    let ended = ends(&launch("instances = 2"), 2);
    assert!(ended.stderr.contains("instances"), "{}", ended.stderr);
}

#[test]
fn memory_that_no_instance_fits_into_is_a_mistake() {
    let _machine = beside_others();
    ends(&launch("memory = \"64KiB\""), 2);
}

// ---- no store reaches another ----

#[test]
fn an_app_is_no_store() {
    let _machine = beside_others();
    let ended = ends(&launch_with(&built::guest("kv"), ""), 2);
    assert!(ended.stderr.contains("dapr:state/provider"), "{}", ended.stderr);
}

#[test]
fn a_store_that_imports_stores_is_refused_before_the_port_opens() {
    let _machine = beside_others();
    let folder = tempfile::tempdir().unwrap();
    for import in ["dapr:state/store@0.1.0", "dapr:state/store-async@0.1.0"] {
        let world = format!(
            "package tests:refused;
             world both {{ import {import}; export dapr:state/provider@0.1.0; }}"
        );
        let file = folder.path().join("both.wasm");
        std::fs::write(&file, component::empty(&world)).unwrap();
        let ended = ends(&launch_with(&file, ""), 2);
        assert!(ended.stderr.contains(import), "{}", ended.stderr);
    }
}
