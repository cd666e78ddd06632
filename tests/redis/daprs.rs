//! Dapr's own component on the same items: each reads, updates by etag, deletes and lets end what the other wrote.

use dapr_wasm_tests::servers::{Kind, Server, Setup};
use dapr_wasm_tests::{Host, Launch, PATIENCE, Response, built, until};
use std::time::{Duration, Instant};

/// The built-in store, and Dapr's own code in WebAssembly.
const BOTH: [(&str, &str); 2] = [("ours", "theirs"), ("theirs", "ours")];

/// The app `kv` with two stores on one server, which have the same keys.
fn side_by_side() -> (Server, Host) {
    let server = Setup::of(Kind::Redis).start();
    let address = server.address();
    let host = Launch::guest("kv")
        .components(&format!(
            "[state.ours]\ntype = \"redis\"\nkeyPrefix = \"shared\"\nredisHost = {address:?}\n\n\
             [state.theirs]\ntype = \"redis\"\nsource = \"dapr\"\nkeyPrefix = \"shared\"\nredisHost = {address:?}\n\
             allow-hosts = [{address:?}]\n"
        ))
        .env("XDG_DATA_HOME", built::data_home().to_str().unwrap());
    (server, host.start())
}

fn put(host: &Host, store: &str, key: &str, value: &str, more: &str) -> Response {
    host.client().put(&format!("/{key}?store={store}{more}"), value)
}

fn get(host: &Host, store: &str, key: &str) -> Response {
    host.get(&format!("/{key}?store={store}"))
}

fn etag(host: &Host, store: &str, key: &str) -> String {
    get(host, store, key).header("etag").unwrap().to_owned()
}

fn update(host: &Host, store: &str, key: &str, etag: &str, value: &str) -> u16 {
    let call = host.client().call("PUT", &format!("/{key}?store={store}"));
    call.header("if-match", etag).body(value).send().status
}

fn delete(host: &Host, store: &str, key: &str, etag: &str) -> u16 {
    let call = host.client().call("DELETE", &format!("/{key}?store={store}"));
    call.header("if-match", etag).send().status
}

#[test]
fn each_reads_and_replaces_what_the_other_wrote() {
    let (_server, host) = side_by_side();
    for (one, other) in BOTH {
        for value in ["", "grün", "{\"a\": [1, 2.50]}", &"x".repeat(100_000)] {
            assert_eq!(put(&host, one, "k", value, "").status, 204);
            assert_eq!(get(&host, other, "k").text(), value, "{one} wrote");
            assert_eq!(put(&host, other, "k", "replaced", "").status, 204);
            assert_eq!(get(&host, one, "k").text(), "replaced", "{other} replaced");
        }
    }
}

#[test]
fn each_updates_and_deletes_by_etag_what_the_other_wrote() {
    let (_server, host) = side_by_side();
    for (one, other) in BOTH {
        let key = format!("by-{one}");
        assert_eq!(put(&host, one, &key, "first", "").status, 204);
        // The component's etags have a hash of the value behind the version.
        let etags = || (etag(&host, one, &key), etag(&host, other, &key));
        let first = etags();
        assert_eq!(update(&host, other, &key, &first.1, "second"), 204, "{other} updates");
        assert_eq!(update(&host, one, &key, &first.0, "late"), 412);
        assert_eq!(delete(&host, one, &key, &first.0), 412);
        let second = etags();
        assert_eq!(update(&host, one, &key, &second.0, "third"), 204, "{one} updates");
        assert_eq!(update(&host, other, &key, &second.1, "late"), 412);
        assert_eq!(delete(&host, other, &key, &second.1), 412);
        assert_eq!(get(&host, other, &key).text(), "third");
        let third = etags();
        assert_eq!(delete(&host, other, &key, &third.1), 204, "{other} deletes");
        assert_eq!(get(&host, one, &key).status, 404);
    }
}

#[test]
fn each_creates_only_what_the_other_has_not() {
    let (_server, host) = side_by_side();
    let create = |store: &str, key: &str| {
        let call = host.client().call("PUT", &format!("/{key}?store={store}"));
        call.header("if-none-match", "*").body("created").send().status
    };
    for (one, other) in BOTH {
        let key = format!("new-{one}");
        assert_eq!(create(one, &key), 204);
        assert_eq!(create(other, &key), 412);
        // What one created by a first write, the other replaces without an etag.
        assert_eq!(put(&host, other, &key, "replaced", "").status, 204);
        assert_eq!(put(&host, one, &key, "again", "").status, 204);
        assert_eq!(get(&host, other, &key).text(), "again");
    }
}

#[test]
fn what_one_lets_end_ends_for_the_other() {
    let (server, host) = side_by_side();
    for (one, other) in BOTH {
        let key = format!("ends-{one}");
        let begun = Instant::now();
        assert_eq!(put(&host, one, &key, "v", "&ttl=2").status, 204);
        assert_eq!(get(&host, other, &key).text(), "v");
        let expires = get(&host, "ours", &key);
        assert!(expires.header("expires").is_some(), "{one}");
        until("the item to end", PATIENCE, || {
            (get(&host, other, &key).status == 404).then_some(())
        });
        // A check that takes part of a second was begun in time.
        assert!(
            begun.elapsed() >= Duration::from_secs(2) - Duration::from_millis(1),
            "{one}"
        );
        assert_eq!(get(&host, one, &key).status, 404);
        // And a set without an end takes that of the other away.
        assert_eq!(put(&host, one, &key, "v", "&ttl=1000").status, 204);
        assert_eq!(put(&host, other, &key, "v", "").status, 204);
        assert_eq!(server.client(&["TTL", &format!("shared||{key}")]), "-1", "{other}");
    }
}

#[test]
fn each_lists_what_the_other_wrote() {
    let (_server, host) = side_by_side();
    for (one, other) in BOTH {
        for index in 0..5 {
            assert_eq!(put(&host, one, &format!("list-{one}/{index}"), "v", "").status, 204);
        }
        let listed = host.get(&format!("/?prefix=list-{one}/&store={other}")).json();
        let mut keys: Vec<_> = listed["keys"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|key| key.as_str())
            .collect();
        keys.sort_unstable();
        let expected: Vec<_> = (0..5).map(|index| format!("list-{one}/{index}")).collect();
        assert_eq!(keys, expected);
    }
}
