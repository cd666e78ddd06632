//! Dapr's own component on the same items: each reads, updates by etag, deletes and lets end what the other wrote.

use dapr_wasm_tests::beside::{BOTH, Beside};
use dapr_wasm_tests::servers::{Kind, Setup};

fn side_by_side() -> Beside {
    let server = Setup::of(Kind::Redis).start();
    let table = format!("type = \"redis\"\nredisHost = {:?}", server.address());
    Beside::on(server, &table)
}

#[test]
fn each_reads_and_replaces_what_the_other_wrote() {
    side_by_side().reads_and_replaces(&["", "grün", "{\"a\": [1, 2.50]}", &"x".repeat(100_000)]);
}

#[test]
fn each_updates_and_deletes_by_etag_what_the_other_wrote() {
    side_by_side().updates_and_deletes_by_etag();
}

#[test]
fn each_creates_only_what_the_other_has_not() {
    side_by_side().creates_what_is_not_there();
}

#[test]
fn what_one_lets_end_ends_for_the_other() {
    let both = side_by_side();
    both.lets_end();
    for (one, _) in BOTH {
        let key = format!("shared||ends-{one}");
        assert_eq!(both.server.client(&["TTL", &key]), "-1", "{one}");
    }
}

#[test]
fn each_lists_what_the_other_wrote() {
    side_by_side().lists();
}
