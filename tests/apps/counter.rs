//! The counter: `GET /NAME` reads it, `POST /NAME` adds one, and no addition is lost.

use crate::ground::{Ground, head_is_get_without_its_body};
use dapr_wasm_tests::Response;
use std::thread;

crate::in_every_language! {
    a_counter_counts_from_nothing,
    counters_have_names_and_the_root_is_default,
    a_counters_name_is_its_decoded_path,
    a_counter_knows_two_methods,
    head_reads_a_counter_and_says_no_number,
    of_many_additions_at_once_none_is_lost,
}

fn a_counter_counts_from_nothing(ground: &Ground) {
    let host = ground.host("counter");
    assert_eq!(text(&host.get("/new")), "0");
    for number in 1..=3 {
        assert_eq!(text(&host.client().post("/new", "")), number.to_string());
        assert_eq!(text(&host.get("/new")), number.to_string());
    }
    // Reading makes nothing.
    assert_eq!(text(&host.get("/other")), "0");
}

/// The text of a 200.
fn text(response: &Response) -> String {
    assert_eq!(response.status, 200, "{}", response.text());
    // A media type's parameters are the same in capitals, which some frameworks write.
    let content_type = response.header("content-type").map(str::to_ascii_lowercase);
    assert_eq!(content_type.as_deref(), Some("text/plain; charset=utf-8"));
    response.text()
}

fn counters_have_names_and_the_root_is_default(ground: &Ground) {
    let host = ground.host("counter");
    assert_eq!(text(&host.client().post("/", "")), "1");
    assert_eq!(text(&host.client().post("/default", "")), "2");
    assert_eq!(text(&host.client().post("/a", "")), "1");
    assert_eq!(text(&host.get("/")), "2");
    // What follows the path is none of it.
    assert_eq!(text(&host.get("/a?b=c")), "1");
}

fn a_counters_name_is_its_decoded_path(ground: &Ground) {
    let host = ground.host("counter");
    for (one, other) in [
        ("/a%2Fb", "/a/b"),
        ("/k%C3%A4se", "/k%c3%a4se"),
        ("/%25", "/%2525"),
        ("/a+b", "/a%2Bb"),
    ] {
        assert_eq!(text(&host.client().post(one, "")), "1", "{one}");
        let same = if one == "/%25" { "0" } else { "1" };
        assert_eq!(text(&host.get(other)), same, "{other}");
    }
    for malformed in ["/%", "/%zz", "/%FF"] {
        assert_eq!(host.get(malformed).status, 400, "{malformed}");
    }
    // Names that the store has no room for.
    assert_eq!(host.get("/a||b").status, 400);
    assert_eq!(host.client().post(&format!("/{}", "x".repeat(1025)), "").status, 413);
}

fn a_counter_knows_two_methods(ground: &Ground) {
    let host = ground.host("counter");
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
        let response = host.call(method, "/").body("").send();
        assert_eq!(
            (response.status, response.header("allow")),
            (405, Some("GET, HEAD, POST")),
            "{method}"
        );
    }
    assert_eq!(text(&host.get("/")), "0");
}

fn head_reads_a_counter_and_says_no_number(ground: &Ground) {
    let host = ground.reused("counter");
    assert_eq!(text(&host.client().post("/there", "")), "1");
    head_is_get_without_its_body(host, &["/there", "/nothing", "/%", "/a||b"]);
}

fn of_many_additions_at_once_none_is_lost(ground: &Ground) {
    let at_once = ground.at_once();
    let host = ground.host("counter");
    let client = host.client();
    let answers: Vec<_> = thread::scope(|scope| {
        let adders: Vec<_> = (0..at_once).map(|_| scope.spawn(|| client.post("/busy", ""))).collect();
        adders.into_iter().map(|adder| adder.join().unwrap()).collect()
    });
    // Who collides does so with one that is done then. All others are done once each, so that nobody needs a 65th try.
    let mut numbers: Vec<usize> = answers.iter().map(|answer| text(answer).parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=at_once).collect::<Vec<_>>());
    assert_eq!(text(&host.get("/busy")), at_once.to_string());
}
