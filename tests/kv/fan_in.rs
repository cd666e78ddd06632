//! The app `fan-in`, which has several calls under way at once.

use crate::ground::Store;
use serde_json::json;
use std::thread;

crate::on_every_store! {
    several_keys_are_read_in_one_request,
    a_read_of_many_that_cannot_be_done_says_why,
    more_than_an_instance_can_hold_is_refused_and_its_neighbours_live,
}

fn several_keys_are_read_in_one_request(store: &Store) {
    let host = store.host("fan-in");
    for (key, value) in [("/a", "1"), ("/b", "2"), ("/c%2Cd", "käse"), ("/one%20two", "3")] {
        assert_eq!(host.client().put(key, value).status, 204);
    }
    let response = host.get("/?keys=a,b,c%2Cd,absent");
    assert_eq!(
        (response.status, response.header("content-type")),
        (200, Some("application/json"))
    );
    assert_eq!(response.json(), json!({ "a": "1", "b": "2", "c,d": "käse" }));
    // In a query a plus is a space.
    assert_eq!(host.get("/?keys=one+two").json(), json!({ "one two": "3" }));
    // As many as a request may name.
    let keys = vec!["a"; 100].join(",");
    assert_eq!(host.get(&format!("/?keys={keys}")).json(), json!({ "a": "1" }));
}

fn a_read_of_many_that_cannot_be_done_says_why(store: &Store) {
    let host = store.host("fan-in");
    for target in [
        "/",
        "/?keys=",
        "/?keys=a,,b",
        "/?keys=%zz",
        "/?keys=a||b",
        "/?keys=a&keys=b",
        "/?keys=a&kyes=b",
        "/?key=a",
    ] {
        let response = host.get(target);
        assert_eq!(response.status, 400, "{target}: {}", response.text());
        assert!(!response.text().is_empty(), "{target}");
    }
    assert_eq!(host.client().put("/a?ttl=5", "x").status, 400);
    assert_eq!(host.get("/?keys=a").json(), json!({}));
    assert_eq!(host.get(&format!("/?keys={}", "x".repeat(1025))).status, 413);
    assert_eq!(host.call("DELETE", "/a").send().status, 405);
}

/// An instance of this app serves several at once: one that ended it would end the others too.
fn more_than_an_instance_can_hold_is_refused_and_its_neighbours_live(store: &Store) {
    let host = store.host("fan-in");
    assert_eq!(host.client().put("/a", "1").status, 204);
    let value = "v".repeat(4 << 20);
    let names: Vec<_> = (0..40).map(|number| format!("large{number}")).collect();
    for name in &names[..3] {
        assert_eq!(host.client().put(&format!("/{name}"), value.as_str()).status, 204);
    }
    assert_eq!(host.client().put("/large", format!("{value}v")).status, 413);

    let many: Vec<_> = (0..12_000).map(|number| number.to_string()).collect();
    let too_many = format!("/?keys={}", many.join(","));
    let too_large = format!("/?keys={}", names.join(","));
    thread::scope(|scope| {
        let neighbour = scope.spawn(|| {
            for _ in 0..50 {
                let response = host.get("/?keys=a");
                assert_eq!(response.status, 200, "{}", response.text());
            }
        });
        for (target, status) in [(&too_many, 400), (&too_large, 413)] {
            let response = host.get(target);
            assert_eq!(response.status, status, "{}", response.text());
        }
        neighbour.join().unwrap();
    });
    assert_eq!(host.get("/?keys=large0").json()["large0"], value);
}
