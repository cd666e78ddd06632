//! The rules of all stores, held against components that the host did not write, and where one is known not to keep a rule.
//!
//! A rule that is broken and not listed here fails the test, and so does one that is listed and kept: the list is what
//! `docs/dapr-components.md` tells users.

use crate::ground::metadata;
use dapr_wasm_tests::built;
use dapr_wasm_tests::servers::{Kind, Setup};
use std::collections::BTreeSet;
use std::process::Command;

/// Runs `dapr-wasm conformance`, and holds the claims that fail to these.
fn fails(kind: &str, options: &[&str], known: &[&str]) {
    let output = Command::new(built::binary())
        .arg("conformance")
        .arg(built::dapr_component(kind))
        .args(["--memory", "512MiB"])
        .args(options)
        .env("XDG_CACHE_HOME", built::cache_home())
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    let failed: BTreeSet<_> = report
        .lines()
        .filter_map(|line| line.strip_prefix("failed: "))
        .collect();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(report.contains(" passed, "), "{report}{errors}");
    assert_eq!(failed, known.iter().copied().collect(), "{report}{errors}");
}

#[test]
fn in_memory_keeps_the_rules_but_for_line_breaks_in_listed_keys() {
    // The component makes a regular expression of the prefix, in which a dot is no line break.
    fails(
        "state.in-memory",
        &[],
        &["keys of any script and punctuation are listed exactly"],
    );
}

/// On a server of its own.
fn fails_on(kind: Kind, component: &str, known: &[&str]) {
    let server = Setup::of(kind).start();
    let (address, metadata) = (server.address(), metadata(&server));
    fails(component, &["--allow-host", &address, "--metadata", &metadata], known);
}

#[test]
fn redis_keeps_the_rules_but_for_these() {
    let known = [
        // It answers no end, though Redis knows it.
        "an item says when it ends",
        "the longest ttl is kept",
        // Versions of a hash begin again when it was gone.
        "an ended items etag does not come back",
        "an etag does not come back after a delete",
        // Its script takes any etag for that of what is gone. The glue asks before, which is too early for a race.
        "of several deleters with one etag one wins",
    ];
    fails_on(Kind::Redis, "state.redis", &known);
}

#[test]
fn memcached_keeps_the_rules_but_for_these() {
    // It answers no end: memcached does not tell.
    let known = ["an item says when it ends", "the longest ttl is kept"];
    fails_on(Kind::Memcached, "state.memcached", &known);
}
