//! `?store=NAME`: which stores there are, and for whom.

use crate::ground::{Store, assert_absent, assert_done, assert_error};
use dapr_wasm_tests::{Launch, Response};
use serde_json::json;

crate::on_every_store! {
    two_stores_share_nothing,
    a_store_that_is_not_configured_is_no_such_store,
    a_store_of_another_app_is_no_such_store,
}

fn two_stores_share_nothing(store: &Store) {
    let kv = store.kv();
    kv.put("/k", "one");
    assert_absent(&kv.get("/k?store=other"));
    kv.put("/k?store=other", "two");
    assert_done(&kv.transact("/?store=other", &json!([{ "op": "set", "key": "j", "value": "x" }])));
    assert_eq!(
        (kv.value("/k").as_str(), kv.value("/k?store=other").as_str()),
        ("one", "two")
    );
    assert_eq!(kv.value("/k?store=statestore"), "one");
    assert_eq!(kv.get("/").json()["keys"], json!(["k"]));
    assert_eq!(kv.get("/?store=other&prefix=j").json()["keys"], json!(["j"]));
    assert_done(&kv.delete("/k?store=other"));
    assert_eq!(kv.value("/k"), "one");
}

/// Asks for a store in every way there is.
fn ask_for(store: &Store, name: &str) -> Vec<Response> {
    let kv = store.kv();
    let operations = json!([{ "op": "set", "key": "k", "value": "x" }]);
    vec![
        kv.get(&format!("/k?store={name}")),
        kv.try_put(&format!("/k?store={name}"), "x"),
        kv.delete(&format!("/k?store={name}")),
        kv.get(&format!("/?store={name}")),
        kv.transact(&format!("/?store={name}"), &operations),
    ]
}

fn a_store_that_is_not_configured_is_no_such_store(store: &Store) {
    for name in ["nowhere", "", "STATESTORE", "statestore%20"] {
        for response in ask_for(store, name) {
            assert_error(&response, 404, "no-such-store");
        }
    }
}

fn a_store_of_another_app_is_no_such_store(store: &Store) {
    for response in ask_for(store, "private") {
        assert_error(&response, 404, "no-such-store");
    }
}

// ---- whatever the store ----

#[test]
fn an_app_without_any_store_hears_that_none_is_configured() {
    let host = Launch::guest("kv").components("").start();
    assert_error(&host.get("/k"), 501, "not-configured");
    assert_error(&host.client().put("/k", "x"), 501, "not-configured");
    host.wait_for_log("[state.statestore]");
}

#[test]
fn an_app_whose_only_store_is_anothers_hears_no_such_store() {
    let toml = "[state.statestore]\ntype = \"in-memory\"\nscopes = [\"somebody-else\"]\n";
    let host = Launch::guest("kv").components(toml).start();
    assert_error(&host.get("/k"), 404, "no-such-store");
}

#[test]
fn an_app_named_in_the_scopes_may_use_the_store() {
    let toml = "[state.statestore]\ntype = \"in-memory\"\nscopes = [\"orders\", \"somebody-else\"]\n";
    let host = Launch::guest("kv").components(toml).option("--app-id=orders").start();
    assert_done(&host.client().put("/k", "x"));
}

#[test]
fn apps_with_other_ids_have_other_keys_in_one_file_unless_the_prefix_is_shared() {
    let own = "[state.statestore]\ntype = \"sqlite\"\nconnectionString = \"shared.db\"\n";
    let launch = |toml: &str, id: &str| Launch::guest("kv").components(toml).option(&format!("--app-id={id}"));
    let first = launch(own, "first");
    let elsewhere = |prefix: &str| {
        let path = first.folder().join("shared.db");
        format!(
            "[state.statestore]\ntype = \"sqlite\"\nconnectionString = \"{}\"\n{prefix}",
            path.display()
        )
    };
    let host = first.start();
    assert_done(&host.client().put("/k", "mine"));
    // Both are there at once: two hosts on one file do each other no harm.
    let second = launch(&elsewhere(""), "second").start();
    assert_absent(&second.get("/k"));
    assert_eq!(second.get("/").json()["keys"], json!([]));
    assert_done(&second.client().put("/k", "theirs"));
    let guest = launch(&elsewhere("keyPrefix = \"first\"\n"), "third").start();
    assert_eq!(guest.get("/k").text(), "mine");
    assert_eq!(host.get("/k").text(), "mine");
}
