//! `fan-in`, whose calls wait at once, in each language that can: `GET /?keys=a,b` reads several keys, `PUT /KEY` writes one.

use crate::ground::Ground;
use dapr_wasm_tests::{Host, built};
use serde_json::json;

/// What the app has under way at once for one request.
const AT_ONCE: usize = 8;

mod rust {
    #[test]
    fn reads_of_one_request_are_with_the_store_at_once() {
        super::in_language("rust", super::reads_of_one_request_are_with_the_store_at_once);
    }
    #[test]
    fn several_keys_are_read_in_one_request() {
        super::in_language("rust", super::several_keys_are_read_in_one_request);
    }
    #[test]
    fn what_cannot_be_done_is_said() {
        super::in_language("rust", super::what_cannot_be_done_is_said);
    }
}

#[cfg(feature = "servers")]
mod python {
    #[test]
    fn reads_of_one_request_are_with_the_store_at_once() {
        super::in_language("python", super::reads_of_one_request_are_with_the_store_at_once);
    }
    #[test]
    fn several_keys_are_read_in_one_request() {
        super::in_language("python", super::several_keys_are_read_in_one_request);
    }
    #[test]
    fn what_cannot_be_done_is_said() {
        super::in_language("python", super::what_cannot_be_done_is_said);
    }
}

fn in_language(language: &'static str, claim: fn(&Ground)) {
    Ground::with(language, |ground| claim(&ground));
}

/// The store says how many requests it had at most that it had not answered, and how long each takes is its own affair: what is
/// measured is no time.
fn reads_of_one_request_are_with_the_store_at_once(ground: &Ground) {
    let component = built::guest("loop-store").display().to_string();
    let host = ground
        .on(format!("type = \"wasm\"\ncomponent = {component:?}\n"))
        .host("fan-in");
    assert_eq!(most(&host), 0);
    let slow = |number: usize| format!("slow-{}", 1000 + number);
    // One after the other they would take longer than a request may.
    let keys: Vec<_> = (0..4 * AT_ONCE).map(slow).collect();
    let answer = host.get(&format!("/?keys={}", keys.join(",")));
    assert_eq!((answer.status, answer.json()), (200, json!({})));
    assert_eq!(most(&host), AT_ONCE);
}

/// How many requests the store had at most that it had not answered.
fn most(host: &Host) -> usize {
    let answer = host.get("/?keys=most");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let most = answer.json()["most"].as_str().and_then(|most| most.parse().ok());
    most.unwrap_or_else(|| panic!("{}", answer.text()))
}

fn several_keys_are_read_in_one_request(ground: &Ground) {
    let host = ground.in_memory().host("fan-in");
    for (key, value) in [("/a", "1"), ("/b", "2"), ("/c%2Cd", "käse"), ("/one%20two", "3")] {
        let answer = host.client().put(key, value);
        assert_eq!(answer.status, 204, "{}", answer.text());
    }
    let answer = host.get("/?keys=a,b,c%2Cd,absent");
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/json"))
    );
    assert_eq!(answer.json(), json!({ "a": "1", "b": "2", "c,d": "käse" }));
    assert_eq!(host.get("/?keys=one+two").json(), json!({ "one two": "3" }));
    let keys = vec!["a"; 100].join(",");
    assert_eq!(host.get(&format!("/?keys={keys}")).json(), json!({ "a": "1" }));
    // Larger than what is read or written at once.
    let value = "v".repeat(4 << 20);
    assert_eq!(host.client().put("/large", value.as_str()).status, 204);
    assert_eq!(host.get("/?keys=large").json()["large"], value);
}

fn what_cannot_be_done_is_said(ground: &Ground) {
    let host = ground.in_memory().host("fan-in");
    let many = vec!["a"; 101].join(",");
    for query in [
        "",
        "keys=",
        "keys=a,,b",
        "keys=%zz",
        "keys=a||b",
        "keys=a&keys=b",
        "key=a",
        &format!("keys={many}"),
    ] {
        let answer = host.get(&format!("/?{query}"));
        assert_eq!(answer.status, 400, "{query}: {}", answer.text());
        assert!(!answer.text().is_empty(), "{query}");
    }
    assert_eq!(host.client().put("/a?ttl=5", "x").status, 400);
    assert_eq!(host.get(&format!("/?keys={}", "x".repeat(1025))).status, 413);
    assert_eq!(host.client().put("/a", "v".repeat((4 << 20) + 1)).status, 413);
    for (path, method, allow) in [("/a", "DELETE", "PUT"), ("/", "DELETE", "GET")] {
        let answer = host.call(method, path).send();
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)), "{path}");
    }
    // Nothing of it was done.
    assert_eq!(host.get("/?keys=a").json(), json!({}));
}
