//! `POST /` with a list of operations: all or nothing.

use crate::ground::{Kv, Store, assert_done, assert_error};
use serde_json::{Value, json};
use std::thread;

crate::on_every_store! {
    sets_and_deletes_are_done_together,
    one_stale_etag_undoes_everything,
    an_etag_on_an_absent_key_undoes_everything,
    one_operation_that_is_invalid_undoes_everything,
    a_key_may_be_named_once,
    an_empty_transaction_does_nothing_and_says_so,
    a_thousand_operations_are_taken_and_not_one_more,
    eight_mebibytes_are_taken_and_not_more,
    a_body_that_is_no_list_of_operations_is_invalid,
    a_set_clears_ttl_and_content_type,
    readers_see_all_of_a_transaction_or_nothing,
}

fn sets_and_deletes_are_done_together(store: &Store) {
    let kv = store.kv();
    kv.put("/changed", "old");
    kv.put("/removed", "old");
    let operations = json!([
        { "op": "set", "key": "new", "value": "käse" },
        { "op": "set", "key": "changed", "value": "", "etag": unquoted(&kv.etag("/changed")) },
        { "op": "delete", "key": "removed", "etag": unquoted(&kv.etag("/removed")) },
        { "op": "delete", "key": "never-there" },
    ]);
    assert_done(&kv.transact("/", &operations));
    assert_eq!((kv.value("/new").as_str(), kv.value("/changed").as_str()), ("käse", ""));
    assert!(kv.is_absent("/removed"));
}

/// An etag as a transaction has it: without the quotes of the header.
fn unquoted(etag: &str) -> &str {
    etag.trim_matches('"')
}

/// Two items, and the etag that one of them had before it was changed.
fn two_items(kv: &Kv) -> String {
    kv.put("/a", "old a");
    let stale = unquoted(&kv.etag("/a")).to_owned();
    kv.put("/a", "a");
    kv.put("/b", "b");
    stale
}

/// Runs operations that must fail and checks that the two items are as they were, and alone.
fn assert_nothing_done(kv: &Kv, operations: &Value, status: u16, case: &str) {
    let etags = (kv.etag("/a"), kv.etag("/b"));
    assert_error(&kv.transact("/", operations), status, case);
    assert_eq!(
        (kv.value("/a").as_str(), kv.value("/b").as_str()),
        ("a", "b"),
        "after {operations}"
    );
    assert_eq!((kv.etag("/a"), kv.etag("/b")), etags, "after {operations}");
    let page = kv.get("/").json();
    assert_eq!(
        page["keys"].as_array().map(Vec::len),
        Some(2),
        "after {operations}: {page}"
    );
}

fn one_stale_etag_undoes_everything(store: &Store) {
    let kv = store.kv();
    let stale = two_items(&kv);
    let good = || {
        [
            json!({ "op": "set", "key": "c", "value": "c" }),
            json!({ "op": "delete", "key": "b" }),
        ]
    };
    for bad in [
        json!({ "op": "set", "key": "a", "value": "lost", "etag": stale }),
        json!({ "op": "delete", "key": "a", "etag": stale }),
    ] {
        // First, in the middle and last: what is before it is undone, what is after it not begun.
        for position in 0..=2 {
            let mut operations = good().to_vec();
            operations.insert(position, bad.clone());
            assert_nothing_done(&kv, &Value::from(operations), 412, "etag-mismatch");
        }
    }
}

fn an_etag_on_an_absent_key_undoes_everything(store: &Store) {
    let kv = store.kv();
    two_items(&kv);
    for bad in [
        json!({ "op": "set", "key": "absent", "value": "x", "etag": "1" }),
        json!({ "op": "delete", "key": "absent", "etag": "1" }),
    ] {
        let operations = json!([{ "op": "set", "key": "c", "value": "c" }, bad, { "op": "delete", "key": "b" }]);
        assert_nothing_done(&kv, &operations, 412, "etag-mismatch");
    }
}

fn one_operation_that_is_invalid_undoes_everything(store: &Store) {
    let kv = store.kv();
    two_items(&kv);
    let with = |bad: Value| json!([{ "op": "delete", "key": "a" }, bad, { "op": "set", "key": "c", "value": "c" }]);
    let long = "k".repeat(1025);
    assert_nothing_done(
        &kv,
        &with(json!({ "op": "set", "key": "", "value": "x" })),
        400,
        "invalid",
    );
    assert_nothing_done(
        &kv,
        &with(json!({ "op": "set", "key": "x||y", "value": "x" })),
        400,
        "invalid",
    );
    assert_nothing_done(&kv, &with(json!({ "op": "delete", "key": "a\u{0}" })), 400, "invalid");
    assert_nothing_done(
        &kv,
        &with(json!({ "op": "delete", "key": "b", "etag": "" })),
        400,
        "invalid",
    );
    assert_nothing_done(
        &kv,
        &with(json!({ "op": "set", "key": long, "value": "x" })),
        413,
        "too-large",
    );
}

fn a_key_may_be_named_once(store: &Store) {
    let kv = store.kv();
    two_items(&kv);
    let set = json!({ "op": "set", "key": "a", "value": "x" });
    let delete = json!({ "op": "delete", "key": "a" });
    for operations in [json!([set, set]), json!([set, delete]), json!([delete, delete])] {
        assert_nothing_done(&kv, &operations, 400, "invalid");
    }
}

fn an_empty_transaction_does_nothing_and_says_so(store: &Store) {
    assert_done(&store.kv().transact("/", &json!([])));
}

fn a_thousand_operations_are_taken_and_not_one_more(store: &Store) {
    let kv = store.kv();
    let sets = |count: usize, value: &str| -> Value {
        (0..count)
            .map(|number| json!({ "op": "set", "key": format!("k{number}"), "value": value }))
            .collect()
    };
    assert_done(&kv.transact("/", &sets(1000, "first")));
    assert_error(&kv.transact("/", &sets(1001, "second")), 413, "too-large");
    assert_eq!(
        (kv.value("/k0").as_str(), kv.value("/k999").as_str()),
        ("first", "first")
    );
    assert!(kv.is_absent("/k1000"));
}

fn eight_mebibytes_are_taken_and_not_more(store: &Store) {
    let kv = store.kv();
    // Keys count too: one byte each.
    let half = (4 << 20) - 1;
    let sets = |lengths: [usize; 2]| {
        let value = |length| "v".repeat(length);
        let [a, b] = lengths.map(value);
        json!([{ "op": "set", "key": "a", "value": a }, { "op": "set", "key": "b", "value": b }])
    };
    assert_done(&kv.transact("/", &sets([half, half])));
    assert_error(&kv.transact("/", &sets([half, half + 1])), 413, "too-large");
    assert_eq!(kv.get("/b").body.len(), half);
}

fn a_body_that_is_no_list_of_operations_is_invalid(store: &Store) {
    let kv = store.kv();
    let bodies: [&[u8]; 9] = [
        b"",
        b"{}",
        b"[",
        b"[1]",
        b"\xff",
        br#"[{"op": "upsert", "key": "k", "value": "x"}]"#,
        br#"[{"op": "set", "key": "k"}]"#,
        br#"[{"op": "set", "key": "k", "value": 1}]"#,
        br#"[{"op": "set", "key": "k", "value": "x", "ttl": 5}]"#,
    ];
    for body in bodies {
        assert_error(&kv.call("POST", "/").body(body).send(), 400, "invalid");
    }
    assert!(kv.is_absent("/k"));
}

fn a_set_clears_ttl_and_content_type(store: &Store) {
    let kv = store.kv();
    assert_done(
        &kv.call("PUT", "/k?ttl=1000")
            .header("content-type", "text/plain")
            .body("x")
            .send(),
    );
    assert_done(&kv.transact("/", &json!([{ "op": "set", "key": "k", "value": "y" }])));
    let response = kv.get("/k");
    assert_eq!(
        (response.header("expires"), response.header("content-type")),
        (None, None)
    );
}

fn readers_see_all_of_a_transaction_or_nothing(store: &Store) {
    const ROUNDS: usize = 100;
    let kv = &store.kv();
    let present = json!([{ "op": "set", "key": "k1", "value": "x" }, { "op": "set", "key": "k2", "value": "x" }]);
    let absent = json!([{ "op": "delete", "key": "k1" }, { "op": "delete", "key": "k2" }]);
    thread::scope(|scope| {
        let writer = scope.spawn(move || {
            for _ in 0..ROUNDS {
                assert_done(&kv.transact("/", &present));
                assert_done(&kv.transact("/", &absent));
            }
        });
        let mut looks = 0;
        while !writer.is_finished() {
            // A listing is one read of both.
            let page = kv.get("/?prefix=k").json();
            let count = page["keys"].as_array().map(Vec::len);
            assert!(matches!(count, Some(0 | 2)), "{page}");
            looks += 1;
        }
        assert!(looks > 0, "nobody looked");
        writer.join().unwrap();
    });
}
