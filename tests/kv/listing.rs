//! Listing keys: prefixes, pages and cursors.

use crate::ground::{Kv, Store, assert_error};
use serde_json::{Value, json};
use std::collections::BTreeSet;

crate::on_every_store! {
    an_empty_store_lists_nothing,
    a_prefix_selects_the_keys_that_begin_with_it,
    a_prefix_means_its_characters_and_nothing_else,
    pages_together_have_every_key_once,
    a_page_has_100_keys_unless_asked_otherwise,
    a_page_may_have_1000_keys,
    a_listing_goes_on_after_what_was_deleted_meanwhile,
    a_limit_out_of_range_is_invalid,
    a_cursor_that_was_not_given_out_is_invalid,
    a_prefix_that_no_key_may_have_is_invalid,
}

/// Puts keys, as many as one likes, a transaction for each thousand.
fn put_all(kv: &Kv, keys: &[String]) {
    for keys in keys.chunks(1000) {
        let sets: Vec<_> = keys
            .iter()
            .map(|key| json!({ "op": "set", "key": key, "value": "x" }))
            .collect();
        crate::ground::assert_done(&kv.transact("/", &Value::from(sets)));
    }
}

fn page(kv: &Kv, target: &str) -> (Vec<String>, Option<String>) {
    let response = kv.get(target);
    assert_eq!(response.status, 200, "{target}: {}", response.text());
    assert_eq!(response.header("content-type"), Some("application/json"));
    let json = response.json();
    assert_eq!(json.as_object().map(|fields| fields.len()), Some(2), "{json}");
    let keys = json["keys"].as_array().expect("the keys are a list");
    let keys = keys
        .iter()
        .map(|key| key.as_str().expect("a key is text").to_owned())
        .collect();
    let cursor = match &json["cursor"] {
        Value::Null => None,
        Value::String(cursor) => Some(cursor.clone()),
        other => panic!("a cursor is text or null, not {other}"),
    };
    (keys, cursor)
}

/// All pages of a listing, `target` naming its prefix and limit.
fn pages(kv: &Kv, target: &str) -> Vec<Vec<String>> {
    pages_from(kv, target, None)
}

/// The pages of a listing from a cursor on.
fn pages_from(kv: &Kv, target: &str, cursor: Option<String>) -> Vec<Vec<String>> {
    const MOST: usize = 1000;
    let at = |cursor: &String| format!("{target}&cursor={}", encoded(cursor));
    let mut pages = Vec::new();
    let mut next = cursor.as_ref().map_or(target.to_owned(), at);
    loop {
        let (keys, cursor) = page(kv, &next);
        pages.push(keys);
        let Some(cursor) = cursor else { return pages };
        assert!(pages.len() < MOST, "the listing does not end");
        next = at(&cursor);
    }
}

/// A cursor is opaque, so that it may have any character.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}{number:04}")).collect()
}

fn sorted(keys: Vec<String>) -> Vec<String> {
    let mut keys = keys;
    keys.sort_unstable();
    keys
}

fn an_empty_store_lists_nothing(store: &Store) {
    let kv = store.kv();
    assert_eq!(kv.get("/").json(), json!({ "keys": [], "cursor": null }));
    assert_eq!(kv.get("/?prefix=a").json(), json!({ "keys": [], "cursor": null }));
}

fn a_prefix_selects_the_keys_that_begin_with_it(store: &Store) {
    let kv = store.kv();
    put_all(
        &kv,
        &["order", "order/1", "order/2", "orders", "Order/3", "disorder/4"].map(str::to_owned),
    );
    let listed = |prefix: &str| sorted(page(&kv, &format!("/?prefix={prefix}")).0);
    assert_eq!(listed("order"), ["order", "order/1", "order/2", "orders"]);
    assert_eq!(listed("order/"), ["order/1", "order/2"]);
    assert_eq!(listed("order%2F1"), ["order/1"]);
    assert_eq!(listed("O"), ["Order/3"]);
    assert_eq!(listed("").len(), 6);
    assert!(listed("x").is_empty());
}

fn a_prefix_means_its_characters_and_nothing_else(store: &Store) {
    let kv = store.kv();
    // What patterns of one store or another are made of, and what comes last in an alphabet.
    let prefixes = [
        "%",
        "_",
        "*",
        "?",
        "[a-z]",
        "\\",
        "'",
        "\"",
        "^",
        ".",
        "\u{7f}",
        "\u{ffff}",
        "\u{10ffff}",
    ];
    let keys: Vec<_> = prefixes
        .iter()
        .map(|prefix| format!("{prefix}key"))
        .chain(["plain-key".to_owned()])
        .collect();
    put_all(&kv, &keys);
    for prefix in prefixes {
        let (found, _) = page(&kv, &format!("/?prefix={}", encoded(prefix)));
        assert_eq!(found, [format!("{prefix}key")], "{}", prefix.escape_debug());
    }
}

fn pages_together_have_every_key_once(store: &Store) {
    let kv = store.kv();
    let keys = names("k", 23);
    put_all(&kv, &keys);
    put_all(&kv, &names("other", 5));
    for limit in [1, 5, 22, 23, 24] {
        let pages = pages(&kv, &format!("/?prefix=k&limit={limit}"));
        assert!(pages.iter().all(|page| page.len() <= limit), "{pages:?}");
        // A last page may be empty: a store need not look ahead. Others may not, nor be shorter than asked for.
        let full = pages.iter().take_while(|page| page.len() == limit).count();
        assert_eq!(full, keys.len() / limit, "with {limit} a page: {pages:?}");
        assert!(pages.len() <= full + 1, "{pages:?}");
        assert_eq!(sorted(pages.concat()), keys, "with {limit} a page");
    }
}

fn a_page_has_100_keys_unless_asked_otherwise(store: &Store) {
    let kv = store.kv();
    let keys = names("k", 150);
    put_all(&kv, &keys);
    let pages = pages(&kv, "/?prefix=k");
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [100, 50]);
    assert_eq!(sorted(pages.concat()), keys);
}

fn a_page_may_have_1000_keys(store: &Store) {
    let kv = store.kv();
    // The longest names, which is the most that a page may weigh.
    let keys: Vec<_> = names("k", 1100)
        .into_iter()
        .map(|name| format!("{name}{}", "x".repeat(1019)))
        .collect();
    put_all(&kv, &keys);
    let pages = pages(&kv, "/?limit=1000");
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [1000, 100]);
    assert_eq!(sorted(pages.concat()), keys);
}

fn a_listing_goes_on_after_what_was_deleted_meanwhile(store: &Store) {
    let kv = store.kv();
    let keys = names("k", 30);
    put_all(&kv, &keys);
    let (first, cursor) = page(&kv, "/?limit=10");
    // All of the first page goes, the last key of it too, on which a cursor may rest.
    for key in &first {
        crate::ground::assert_done(&kv.delete(&format!("/{key}")));
    }
    assert!(cursor.is_some(), "there are more");
    let rest: BTreeSet<_> = pages_from(&kv, "/?limit=10", cursor).concat().into_iter().collect();
    let stayed = keys.iter().filter(|key| !first.contains(key)).cloned().collect();
    assert_eq!(rest, stayed);
}

fn a_limit_out_of_range_is_invalid(store: &Store) {
    let kv = store.kv();
    for limit in ["0", "1001", "-1", "4294967296", "abc", ""] {
        assert_error(&kv.get(&format!("/?limit={limit}")), 400, "invalid");
    }
}

fn a_cursor_that_was_not_given_out_is_invalid(store: &Store) {
    let kv = store.kv();
    put_all(&kv, &names("k", 3));
    for cursor in ["", "x", "..", "%00", "0", "-1", "%7C%7C"] {
        assert_error(&kv.get(&format!("/?cursor={cursor}")), 400, "invalid");
    }
    let (_, cursor) = page(&kv, "/?prefix=k&limit=1");
    let cursor = encoded(&cursor.expect("there are more"));
    assert_error(&kv.get(&format!("/?prefix=other&cursor={cursor}")), 400, "invalid");
}

fn a_prefix_that_no_key_may_have_is_invalid(store: &Store) {
    let kv = store.kv();
    for prefix in ["a||", "%7C%7C", "a%00"] {
        assert_error(&kv.get(&format!("/?prefix={prefix}")), 400, "invalid");
    }
    assert_error(&kv.get(&format!("/?prefix={}", "p".repeat(1025))), 413, "too-large");
}
