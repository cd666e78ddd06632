//! `wasi:keyvalue`, `wasi:config` and `wasi:logging`.

#[cfg(feature = "servers")]
use dapr_wasm_tests::servers::{Kind, Setup};
use dapr_wasm_tests::{Host, Launch, built};
use std::thread;

const STORES: &str = r#"
    [state.memory]
    type = "in-memory"

    [state.statestore]
    type = "sqlite"
    connectionString = "state.db"

    [state.private]
    type = "in-memory"
    scopes = ["somebody-else"]

    [app.config]
    greeting = "hello"
    language = { env = "APP_LANGUAGE" }
"#;

/// Built-in stores, and one in WebAssembly.
const BUCKETS: [&str; 3] = ["memory", "statestore", "provider"];

fn started(guest: &str) -> Host {
    let provider = built::guest("store-memory").display().to_string();
    let provider = format!("[state.provider]\ntype = \"wasm\"\ncomponent = {provider:?}\n");
    Launch::guest(guest)
        .components(&format!("{provider}{STORES}"))
        .env("APP_LANGUAGE", "nl")
        .start()
}

/// The answer to a request, as `STATUS TEXT`.
fn said(host: &Host, target: &str) -> String {
    let response = host.get(target);
    format!("{} {}", response.status, response.text())
}

#[test]
fn a_bucket_is_a_state_store() {
    let host = started("keyvalue");
    for bucket in BUCKETS {
        is_a_store(&host, bucket);
    }
}

fn is_a_store(host: &Host, bucket: &str) {
    assert_eq!(said(host, &format!("/get/{bucket}/k")), "404 ");
    assert_eq!(said(host, &format!("/exists/{bucket}/k")), "200 false");
    assert_eq!(said(host, &format!("/set/{bucket}/k/v")), "200 ");
    assert_eq!(said(host, &format!("/get/{bucket}/k")), "200 v");
    assert_eq!(said(host, &format!("/exists/{bucket}/k")), "200 true");
    assert_eq!(said(host, &format!("/delete/{bucket}/k")), "200 ");
    assert_eq!(said(host, &format!("/delete/{bucket}/k")), "200 ", "once more");
    assert_eq!(said(host, &format!("/get/{bucket}/k")), "404 ");
    assert_eq!(said(host, &format!("/batch/{bucket}")), "200 c=C - a=A false");
}

#[cfg(feature = "servers")]
#[test]
fn a_bucket_is_a_state_store_on_redis() {
    let server = Setup::of(Kind::Redis).start();
    let store = format!("[state.redis]\ntype = \"redis\"\nredisHost = {:?}", server.address());
    let host = Launch::guest("keyvalue").components(&store).start();
    is_a_store(&host, "redis");
    said(&host, "/set/redis/k/v");
    assert_eq!(server.client(&["HGET", "keyvalue||k", "data"]), "v");
    said(&host, "/delete/redis/k");
    counts_at_once(&host, "redis");
    swaps(&host, "redis");
    let keys = said(&host, "/fill/redis/1001");
    assert!(keys.starts_with("200"), "{keys}");
    let keys = said(&host, "/keys/redis");
    // Those of the claims above, too. How many are on a page is the server's to say.
    let found = keys.strip_prefix("200 ").and_then(|keys| keys.split_once(" on "));
    assert!(
        found.is_some_and(|(keys, _)| keys.parse().is_ok_and(|keys: usize| keys > 1001)),
        "{keys}"
    );
}

#[test]
fn the_default_bucket_is_the_store_that_dapr_calls_so() {
    let host = started("keyvalue");
    said(&host, "/set/statestore/k/v");
    for name in ["default", ""] {
        assert_eq!(said(&host, &format!("/get/{name}/k")), "200 v", "{name:?}");
    }
    for name in ["private", "nothing"] {
        assert_eq!(said(&host, &format!("/get/{name}/k")), "500 no-such-store");
    }
    let only = Launch::guest("keyvalue")
        .components("[state.mine]\ntype = \"in-memory\"")
        .start();
    assert_eq!(said(&only, "/set/default/k/v"), "200 ");
    assert_eq!(said(&only, "/get/mine/k"), "200 v");
    let none = Launch::guest("keyvalue").components("").start();
    none.wait_for_log("calls answer `no-such-store`");
    assert_eq!(said(&none, "/get/default/k"), "500 no-such-store");
}

#[test]
fn counting_at_once_loses_nothing() {
    let host = started("keyvalue");
    for bucket in BUCKETS {
        counts_at_once(&host, bucket);
    }
    counts_at_once(&started("keyvalue-draft"), "memory");
}

fn counts_at_once(host: &Host, bucket: &str) {
    const CALLERS: usize = 8;
    const EACH: usize = 25;
    thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                for _ in 0..EACH {
                    let answer = host.get(&format!("/add/{bucket}/hits/2"));
                    assert_eq!(answer.status, 200, "{bucket}: {}", answer.text());
                }
            });
        }
    });
    let sum = 2 * CALLERS * EACH;
    assert_eq!(
        said(host, &format!("/add/{bucket}/hits/0")),
        format!("200 {sum}"),
        "{bucket}"
    );
}

#[test]
fn what_is_no_number_is_not_counted_and_sums_stay_in_range() {
    let host = started("keyvalue");
    said(&host, "/set/memory/text/abc");
    assert_eq!(
        said(&host, "/add/memory/text/1"),
        "500 invalid: the item is no number in decimal digits"
    );
    assert_eq!(said(&host, "/get/memory/text"), "200 abc");
    assert_eq!(said(&host, "/add/memory/n/-5"), "200 -5");
    let out_of_range = "500 invalid: the sum is out of the range of its type";
    assert_eq!(said(&host, &format!("/add/memory/n/{}", i64::MIN)), out_of_range);
    assert_eq!(said(&host, "/get/memory/n"), "200 -5");
}

#[test]
fn a_swap_is_done_if_nobody_else_wrote() {
    let host = started("keyvalue");
    for bucket in BUCKETS {
        swaps(&host, bucket);
    }
}

fn swaps(host: &Host, bucket: &str) {
    assert_eq!(said(host, &format!("/swap/{bucket}/k/one/")), "200 None swapped");
    assert_eq!(
        said(host, &format!("/swap/{bucket}/k/two/")),
        "200 Some(\"one\") swapped"
    );
    assert_eq!(
        said(host, &format!("/swap/{bucket}/k/four/three")),
        "200 Some(\"two\"), then Some(\"three\") swapped"
    );
    assert_eq!(said(host, &format!("/get/{bucket}/k")), "200 four");
    assert_eq!(
        said(host, &format!("/swap/{bucket}/new/second/first")),
        "200 None, then Some(\"first\") swapped"
    );
}

#[test]
fn all_keys_are_listed_a_page_at_a_time() {
    for guest in ["keyvalue", "keyvalue-draft"] {
        let host = started(guest);
        assert_eq!(said(&host, "/keys/memory"), "200 0 on 1", "{guest}");
        assert_eq!(
            said(&host, "/fill/memory/1001").split_whitespace().next(),
            Some("200"),
            "{guest}"
        );
        assert_eq!(said(&host, "/keys/memory"), "200 1001 on 2", "{guest}");
    }
}

#[test]
fn a_cursor_that_nobody_gave_out_is_refused() {
    let host = started("keyvalue-draft");
    let answer = said(&host, "/cursor/memory/7");
    assert!(
        answer.starts_with("500 ") && answer.contains("good for the bucket that gave it out"),
        "{answer}"
    );
}

#[test]
fn values_are_what_the_configuration_says() {
    let host = started("keyvalue");
    assert_eq!(said(&host, "/config/greeting"), "200 hello");
    assert_eq!(said(&host, "/config/language"), "200 nl");
    assert_eq!(said(&host, "/config/other"), "404 ");
    assert_eq!(said(&host, "/configs"), "200 greeting=hello language=nl");
}

#[test]
fn records_are_lines_of_the_app() {
    let host = started("keyvalue");
    assert_eq!(said(&host, "/log/it%20is"), "200 ");
    host.wait_for_log("[keyvalue] TRACE it%20is");
    host.wait_for_log("[keyvalue] ERROR orders: it%20is");
}
