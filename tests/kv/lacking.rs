//! Stores that lack etags, transactions, TTL or listing: each is refused by its name, and nothing is done.

use crate::ground::{Kv, Store, assert_absent, assert_done, assert_error};
use dapr_wasm_tests::{PATIENCE, Response, until};
use serde_json::json;

/// An answer that names the store and what it lacks.
fn assert_lacks(response: &Response, feature: &str) {
    assert_error(response, 501, "unsupported");
    let message = &response.json()["message"];
    assert_eq!(message, &json!(format!("state store `statestore` has no {feature}")));
}

fn lacks_ttl(kv: &Kv) {
    assert_lacks(&kv.try_put("/k?ttl=10", "v"), "TTL");
    assert_absent(&kv.get("/k"));
}

fn lacks_transactions_and_listing(kv: &Kv) {
    assert_lacks(
        &kv.transact("/", &json!([{ "op": "set", "key": "k", "value": "v" }])),
        "transactions",
    );
    assert_absent(&kv.get("/k"));
    assert_lacks(&kv.get("/"), "listing of keys");
}

#[test]
fn an_older_plugin_has_get_set_and_delete_alone() {
    let kv = Store::plugin_command().kv();
    lacks_ttl(&kv);
    lacks_transactions_and_listing(&kv);
    let conditions = [("if-match", "\"1\""), ("if-none-match", "*")];
    for (name, value) in conditions {
        assert_lacks(&kv.call("PUT", "/k").header(name, value).body("v").send(), "etags");
    }
    assert_absent(&kv.get("/k"));
    kv.put("/k", "v");
    assert_eq!(kv.get("/k").header("etag"), None);
    assert_lacks(&kv.call("DELETE", "/k").header("if-match", "\"1\"").send(), "etags");
    assert_eq!(kv.value("/k"), "v");
    assert_done(&kv.delete("/k"));
    assert_absent(&kv.get("/k"));
}

#[test]
fn a_newer_plugin_has_the_etags_and_ttl_that_it_lists() {
    let kv = Store::plugin_reactor().kv();
    lacks_transactions_and_listing(&kv);
    kv.put("/k", "v");
    assert!(kv.get("/k").header("etag").is_some());
    kv.put("/long?ttl=100", "v");
    kv.put("/short?ttl=1", "v");
    until("an item to end", PATIENCE, || {
        (kv.get("/short").status == 404).then_some(())
    });
    assert_eq!(kv.value("/long"), "v");
    assert_eq!(kv.value("/k"), "v");
}

/// To such a plugin an empty message is no item, and an empty value without an etag is an empty message.
#[test]
fn an_empty_value_may_be_absent_in_a_plugin_without_etags() {
    let kv = Store::plugin_command().kv();
    kv.put("/k", "");
    assert_absent(&kv.get("/k"));
}

#[test]
fn what_a_plugin_says_of_a_failure_is_for_the_log() {
    let kv = Store::plugin_reactor().kv();
    let response = kv.get("/fail");
    assert_error(&response, 500, "internal");
    assert!(!response.text().contains("fire"), "{}", response.text());
    kv.wait_for_log("the disk is on fire");
}
