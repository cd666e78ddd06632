//! `?store=NAME`: which stores there are, and for whom.

use crate::ground::{Store, assert_absent, assert_done, assert_error};
use dapr_wasm_tests::{Host, Launch, PATIENCE, Response};
use serde_json::json;
use std::os::unix::fs::FileExt;
use std::thread;

crate::on_every_store! {
    two_stores_share_nothing,
    a_store_that_is_not_configured_is_no_such_store,
    a_store_of_another_app_is_no_such_store,
}

crate::on_every_store! {
    on [plugin_command plugin_reactor]:
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

// ---- a store that fails ----

/// The app `kv` on a file that the test holds for itself.
fn on_a_held_file(deadline: &str) -> (Host, rusqlite::Connection) {
    let toml = format!(
        "[state.statestore]\ntype = \"sqlite\"\nconnectionString = \"held.db\"\n\
         disableWAL = true\nbusyTimeout = \"60s\"\ntimeout = \"60s\"\ndeadline = \"{deadline}\"\n"
    );
    let host = Launch::guest("kv").components(&toml).start();
    assert_done(&host.client().put("/k", "old"));
    let file = rusqlite::Connection::open(host.folder().join("held.db")).unwrap();
    file.busy_timeout(PATIENCE).unwrap();
    file.execute_batch("BEGIN EXCLUSIVE").unwrap();
    (host, file)
}

#[test]
fn a_read_that_takes_too_long_is_unavailable() {
    let (host, file) = on_a_held_file("1s");
    assert_error(&host.get("/k"), 503, "unavailable");
    assert_error(&host.get("/"), 503, "unavailable");
    file.execute_batch("ROLLBACK").unwrap();
    assert_eq!(host.get("/k").text(), "old");
}

#[test]
fn a_write_that_takes_too_long_may_have_been_done_or_not() {
    let (host, file) = on_a_held_file("1s");
    assert_error(&host.client().put("/k", "new"), 504, "outcome-unknown");
    file.execute_batch("ROLLBACK").unwrap();
    let value = host.get("/k").text();
    assert!(value == "old" || value == "new", "{value}");
}

#[test]
fn what_is_stored_and_damaged_is_the_hosts_fault() {
    let toml = "[state.statestore]\ntype = \"sqlite\"\nconnectionString = \"state.db\"\n";
    let host = Launch::guest("kv").components(toml).start();
    assert_done(&host.client().put("/k", "x"));
    let file = rusqlite::Connection::open(host.folder().join("state.db")).unwrap();
    file.busy_timeout(PATIENCE).unwrap();
    let changed = file.execute("UPDATE state SET value = 'not base64', is_binary = 1", ());
    assert_eq!(changed, Ok(1));
    assert_error(&host.get("/k"), 500, "internal");
}

#[test]
fn more_writes_than_may_wait_are_throttled() {
    /// More than the 64 MiB that wait and what is being written.
    const WRITES: usize = 28;
    let (host, file) = on_a_held_file("5s");
    let value = vec![b'v'; 4 << 20];
    let answers: Vec<_> = thread::scope(|scope| {
        let put = |number: usize| host.client().put(&format!("/large{number}"), value.as_slice());
        let puts: Vec<_> = (0..WRITES).map(|number| scope.spawn(move || put(number))).collect();
        puts.into_iter().map(|put| put.join().unwrap()).collect()
    });
    let (throttled, waited): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 429);
    assert!(
        !throttled.is_empty() && !waited.is_empty(),
        "{} were throttled",
        throttled.len()
    );
    for answer in throttled {
        assert_error(answer, 429, "throttled");
    }
    for answer in waited {
        assert_error(answer, 504, "outcome-unknown");
    }
    file.execute_batch("ROLLBACK").unwrap();
    assert_eq!(host.get("/k").text(), "old");
}

#[test]
fn a_file_that_may_not_be_written_any_more_is_denied() {
    let (host, file) = on_a_held_file("5s");
    file.execute_batch("ROLLBACK").unwrap();
    drop(file);
    // What the file says of itself, since permissions do not hold for root: that it is for readers, for whoever does not
    // know this version (byte 18), and that it has changed (bytes 24 to 27).
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(host.folder().join("held.db"))
        .unwrap();
    file.write_all_at(&[3], 18).unwrap();
    file.write_all_at(&[1], 24).unwrap();
    assert_error(&host.client().put("/k", "new"), 403, "denied");
    assert_eq!(host.get("/k").text(), "old");
}
