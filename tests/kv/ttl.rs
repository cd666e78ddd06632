//! `?ttl=SECONDS` and `Expires`: an item lives at least its TTL and at most a second more.

use crate::ground::{Store, assert_absent, assert_done, assert_error};
use dapr_wasm_tests::{PATIENCE, until};
use serde_json::json;
use std::time::{Duration, Instant, SystemTime};

crate::on_every_store! {
    expires_says_when_an_item_ends,
    an_item_without_ttl_has_no_expires,
    an_item_lives_at_least_its_ttl_and_at_most_a_second_more,
    an_item_that_ended_is_absent_in_every_way,
    a_put_without_ttl_clears_an_earlier_one,
    a_ttl_starts_anew_with_each_put,
    a_ttl_out_of_range_is_invalid,
}

// Without the one that lists keys to see what is there.
crate::on_every_store! {
    on [plugin_reactor]:
    expires_says_when_an_item_ends,
    an_item_without_ttl_has_no_expires,
    an_item_lives_at_least_its_ttl_and_at_most_a_second_more,
    a_put_without_ttl_clears_an_earlier_one,
    a_ttl_starts_anew_with_each_put,
    a_ttl_out_of_range_is_invalid,
}

/// A date of an HTTP header, in seconds since 1970.
fn seconds(date: &str) -> u64 {
    let date = httpdate::parse_http_date(date).expect("it is a date as HTTP has it");
    date.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

fn expires_says_when_an_item_ends(store: &Store) {
    let kv = store.kv();
    for ttl in [100, 86_400, 2_147_483_647] {
        let before = now();
        kv.put(&format!("/k?ttl={ttl}"), "x");
        let after = now();
        let response = kv.get("/k");
        let expires = seconds(response.header("expires").expect("an item with a TTL has it"));
        // In whole seconds, the moment of the put being somewhere within its own.
        assert!(
            (before + ttl..=after + ttl + 1).contains(&expires),
            "put at {before} with {ttl}, ends at {expires}"
        );
    }
}

fn an_item_without_ttl_has_no_expires(store: &Store) {
    let kv = store.kv();
    kv.put("/k", "x");
    assert_eq!(kv.get("/k").header("expires"), None);
}

fn an_item_lives_at_least_its_ttl_and_at_most_a_second_more(store: &Store) {
    const TTL: Duration = Duration::from_secs(2);
    let kv = store.kv();
    let before = Instant::now();
    kv.put("/k?ttl=2", "x");
    let after = Instant::now();
    // When the last look that found it was begun: the item was there at that moment, or later.
    let mut seen = None;
    let gone = until("the item to end", PATIENCE, || {
        let asked = Instant::now();
        let there = kv.get("/k").status == 200;
        if there {
            seen = Some(asked);
        }
        (!there).then(Instant::now)
    });
    assert!(gone - before >= TTL, "gone {:?} after it was put", gone - before);
    if let Some(seen) = seen {
        let age = seen.saturating_duration_since(after);
        assert!(
            age <= TTL + Duration::from_secs(1),
            "still there {age:?} after it was put"
        );
    }
}

fn an_item_that_ended_is_absent_in_every_way(store: &Store) {
    let kv = store.kv();
    // On a busy machine a second may pass between the two requests: then the etag is of an item that lives longer.
    let mut ttls = 1..;
    let etag = until("an item to be seen before it ends", PATIENCE, || {
        kv.put(&format!("/k?ttl={}", ttls.next()?), "x");
        kv.get("/k").header("etag").map(str::to_owned)
    });
    kv.put("/stays", "x");
    until("the item to end", PATIENCE, || kv.is_absent("/k").then_some(()));
    assert_absent(&kv.get("/k"));
    assert_eq!(kv.get("/").json(), json!({ "keys": ["stays"], "cursor": null }));
    assert_error(
        &kv.call("PUT", "/k").header("if-match", &etag).body("y").send(),
        412,
        "etag-mismatch",
    );
    assert_error(
        &kv.call("DELETE", "/k").header("if-match", &etag).send(),
        412,
        "etag-mismatch",
    );
    assert_done(&kv.delete("/k"));
    assert_done(&kv.call("PUT", "/k").header("if-none-match", "*").body("new").send());
    let response = kv.get("/k");
    assert_eq!((response.text().as_str(), response.header("expires")), ("new", None));
}

fn a_put_without_ttl_clears_an_earlier_one(store: &Store) {
    let kv = store.kv();
    kv.put("/cleared?ttl=1", "x");
    kv.put("/cleared", "y");
    kv.put("/clock?ttl=1", "x");
    assert_eq!(kv.get("/cleared").header("expires"), None);
    until("another item to end", PATIENCE, || kv.is_absent("/clock").then_some(()));
    assert_eq!(kv.value("/cleared"), "y");
}

fn a_ttl_starts_anew_with_each_put(store: &Store) {
    let kv = store.kv();
    kv.put("/k?ttl=1", "x");
    kv.put("/k?ttl=1000", "y");
    kv.put("/clock?ttl=1", "x");
    until("another item to end", PATIENCE, || kv.is_absent("/clock").then_some(()));
    assert_eq!(kv.value("/k"), "y");
}

fn a_ttl_out_of_range_is_invalid(store: &Store) {
    let kv = store.kv();
    kv.put("/k", "kept");
    for ttl in ["0", "-1", "2147483648", "4294967296", "1.5", "abc", ""] {
        let response = kv.try_put(&format!("/k?ttl={ttl}"), "lost");
        assert_error(&response, 400, "invalid");
        assert!(response.text().contains("from 1 to 2147483647"), "{}", response.text());
    }
    assert_eq!(kv.value("/k"), "kept");
}
