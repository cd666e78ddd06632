//! The rules of all stores, held against components that the host did not write, and where one is known not to keep a rule.
//!
//! A rule that is broken and not listed here fails the test, and so does one that is listed and kept: the list is what
//! `docs/dapr-components.md` tells users.

use crate::vendors::{ETCD, MEMCACHED, MYSQL, POSTGRESQL, REDIS, Vendor, ZOOKEEPER};
use dapr_wasm_tests::built;
use std::collections::BTreeSet;
use std::process::Command;

/// Runs `dapr-wasm conformance`, and holds the claims that fail to these.
fn fails(file: &str, options: &[String], known: &[&str]) {
    let output = Command::new(built::binary())
        .arg("conformance")
        .arg(built::dapr_component(file))
        // The rules are about what is done and not about how soon, which a machine with other work is not to decide.
        .args(["--memory", "512MiB", "--deadline", "30s"])
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

/// On a server of its own; what it keeps is there when the store was closed and opened again, too.
fn fails_on(vendor: Vendor, known: &[&str]) {
    let server = vendor.serve();
    let address = server.address();
    let mut options = vec!["--allow-host".to_owned(), address.clone()];
    for (name, value) in vendor.settings(&server, &address) {
        options.extend(["--metadata".to_owned(), format!("{name}={value}")]);
    }
    if vendor.kind.keeps_data() {
        options.push("--durable".to_owned());
    }
    fails(&vendor.file(), &options, known);
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

#[test]
fn redis_keeps_the_rules_but_for_these() {
    let known = [
        // It answers no end, though Redis knows it.
        "an item says when it ends",
        "the longest ttl is kept",
        // Versions of a hash begin again when it was gone.
        "an ended items etag does not come back",
        "an etag does not come back after a delete",
        "an etag does not come back after reopening",
        // Its script takes any etag for that of what is gone. The glue asks before, which is too early for a race.
        "of several deleters with one etag one wins",
    ];
    fails_on(REDIS, &known);
}

#[test]
fn memcached_keeps_the_rules_but_for_these() {
    // It answers no end: memcached does not tell.
    let known = ["an item says when it ends", "the longest ttl is kept"];
    fails_on(MEMCACHED, &known);
}

#[test]
fn postgresql_keeps_the_rules() {
    fails_on(POSTGRESQL, &[]);
}

#[test]
fn mysql_keeps_the_rules_but_for_ttls_beyond_2038() {
    // The column is a TIMESTAMP, which ends in 2038.
    fails_on(MYSQL, &["the longest ttl is kept"]);
}

#[test]
fn etcd_keeps_the_rules_but_for_large_transactions() {
    // A request to etcd has 1.5 MiB.
    fails_on(ETCD, &["a transaction of the most bytes is done"]);
}

#[test]
fn zookeeper_keeps_the_rules_but_for_these() {
    let known = [
        // Versions of an item begin again when it was gone.
        "an etag does not come back after a delete",
        "an etag does not come back after reopening",
        // It takes any etag for that of what is gone. The glue asks before, which is too early for a race.
        "of several deleters with one etag one wins",
    ];
    fails_on(ZOOKEEPER, &known);
}
