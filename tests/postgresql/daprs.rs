//! Dapr's own component on the same rows, in both layouts: each reads, updates by etag, deletes and lets end what the other wrote.

use crate::ground::{VERSIONS, Version, serve, url};
use dapr_wasm_tests::beside::Beside;

fn side_by_side(version: Version) -> Beside {
    let server = serve();
    let table = format!(
        "type = \"postgresql\"\nversion = \"{}\"\nconnectionString = {:?}",
        version.number(),
        url(&server, &server.address())
    );
    Beside::on(server, &table)
}

#[test]
fn each_reads_and_replaces_what_the_other_wrote() {
    // What JSON has another form for is not kept by version 1's column, whoever wrote it.
    let values = ["", "grün", "{\"a\": [1, 2.50]}", &"x".repeat(100_000)];
    for version in VERSIONS {
        side_by_side(version).reads_and_replaces(&values);
    }
}

#[test]
fn each_updates_and_deletes_by_etag_what_the_other_wrote() {
    for version in VERSIONS {
        side_by_side(version).updates_and_deletes_by_etag();
    }
}

#[test]
fn each_creates_only_what_the_other_has_not() {
    for version in VERSIONS {
        side_by_side(version).creates_what_is_not_there();
    }
}

#[test]
fn what_one_lets_end_ends_for_the_other() {
    for version in VERSIONS {
        side_by_side(version).lets_end();
    }
}

#[test]
fn each_lists_what_the_other_wrote() {
    for version in VERSIONS {
        side_by_side(version).lists();
    }
}
