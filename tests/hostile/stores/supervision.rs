//! Back-off, `/healthz`, the queue, and callers that leave.

use super::ground::{assert_error, bad, host, instance, others_are_answered, read, serves_again, write};
use crate::alone;
use crate::in_time::{at_rest, is_as_before};
use dapr_wasm_tests::{Host, PATIENCE, Raw, Response, until};
use std::thread;
use std::time::{Duration, Instant};

fn status<'a>(health: &'a serde_json::Value, store: &str) -> Option<&'a str> {
    health.get("stores")?.get(store)?.get("status")?.as_str()
}

/// Asks for what breaks the store until the host says that it keeps failing.
fn until_it_fails(host: &Host, key: &str) -> Response {
    until("the host to say that the store fails", PATIENCE, || {
        assert_error(&read(host, key), 503, "unavailable");
        Some(host.health()).filter(|response| response.status == 503)
    })
}

// ---- stores that keep failing ----

#[test]
fn a_store_that_keeps_trapping_rests_is_told_of_and_heals_by_itself() {
    let _machine = alone();
    let host = host("");
    let well = host.health();
    assert_eq!(well.status, 200, "{}", well.text());
    assert_eq!(status(&well.json(), "bad"), Some("ok"));

    let failing = until_it_fails(&host, "trap");
    let json = failing.json();
    assert_eq!(
        json.get("status").and_then(|text| text.as_str()),
        Some("failing"),
        "{json}"
    );
    assert_eq!(status(&json, "bad"), Some("failing"), "{json}");
    assert_eq!(status(&json, "statestore"), Some("ok"), "{json}");
    let line = host.wait_for_log("an instance of the store broke");
    assert!(line.contains("bad") && line.contains("WARN"), "{line}");
    others_are_answered(&host);

    serves_again(&host);
    until("the host to say that all is well", PATIENCE, || {
        (host.health().status == 200).then_some(())
    });
    let well = host.health().json();
    assert_eq!(status(&well, "bad"), Some("ok"), "{well}");
}

#[test]
fn while_a_store_rests_its_callers_are_answered_at_once() {
    const AT_ONCE: Duration = Duration::from_millis(100);
    let _machine = alone();
    let host = host("");
    // Far enough into the doubling that there is time to look.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(4) {
        assert_error(&read(&host, "trap"), 503, "unavailable");
    }
    until_it_fails(&host, "trap");
    until("an answer at once while the store rests", PATIENCE, || {
        let asked = Instant::now();
        // A write, too: it was not begun, and the app may try it again.
        let text = assert_error(&write(&host, "trap-me-not"), 503, "unavailable");
        (text.contains("keeps failing") && asked.elapsed() < AT_ONCE).then_some(())
    });
    // It was asked thousands of times and started few times.
    let starts = host.stderr().lines_with("an instance of the store broke").len();
    assert!((3..20).contains(&starts), "{starts} starts");
    serves_again(&host);
}

/// What a store says of itself is what apps were promised.
#[test]
fn an_instance_that_declares_something_else_does_not_take_its_place() {
    let _machine = alone();
    let host = host("metadata = { key-limit = \"random\" }");
    assert_eq!(read(&host, "caller").text(), "kv");
    assert_error(&read(&host, "trap"), 503, "unavailable");
    let line = host.wait_for_log("it declares other");
    assert!(line.contains("bad"), "{line}");
    let failing = until("the host to say that the store fails", PATIENCE, || {
        Some(host.health()).filter(|response| response.status == 503)
    });
    // Why, the log has: who asks for health may be anybody.
    assert!(
        failing.text().contains("times in a row") && !failing.text().contains("declares"),
        "{}",
        failing.text()
    );
    let text = assert_error(&read(&host, "caller"), 503, "unavailable");
    assert!(!text.contains("declares"), "{text}");
    others_are_answered(&host);
}

// ---- more callers than instances ----

#[test]
fn beyond_256_calls_that_wait_a_call_is_throttled_at_once() {
    const WAITING: usize = 256;
    const MORE: usize = 40;
    let _machine = alone();
    // Half of it is longer than this takes on a machine that is busy, and shorter than the app's own time.
    let host = host("deadline = \"50s\"");
    let mut hanging = host.connect();
    hanging.send_get(&bad("hang"));
    // It waits, too.
    let probe = until_busy(&host);
    let asked = Instant::now();
    let mut clients: Vec<_> = (1..WAITING + MORE).map(|_| host.connect()).collect();
    for client in &mut clients {
        client.send_get(&bad("caller"));
    }
    let mut throttled = || {
        let throttled = clients.iter_mut().filter_map(|client| {
            client.has_ended();
            Some(client.received()).filter(|answer| !answer.is_empty())
        });
        let throttled: Vec<_> = throttled.collect();
        assert!(
            throttled.iter().all(|answer| answer.starts_with("HTTP/1.1 429 ")),
            "{throttled:?}"
        );
        throttled.len()
    };
    until("some to be throttled", PATIENCE, || (throttled() >= MORE).then_some(()));
    // All have arrived: those that are throttled, and no others, have their answer.
    at_rest(&host);
    assert_eq!(throttled(), MORE);
    let took = asked.elapsed();
    assert!(
        took < Duration::from_secs(24),
        "they waited for {took:?}: as long as those in the queue"
    );
    others_are_answered(&host);
    // Whoever waits leaves, and so makes room.
    drop((probe, clients));
    assert!(!hanging.has_ended());
}

#[test]
fn several_instances_serve_at_the_same_time() {
    const INSTANCES: u32 = 4;
    const EACH: Duration = Duration::from_secs(3);
    let _machine = alone();
    let host = host(&format!(
        "deadline = \"60s\"\ninstances = {INSTANCES}\nmetadata = {{ instances = \"several\" }}"
    ));
    let asked = Instant::now();
    let mut clients: Vec<_> = (0..INSTANCES).map(|_| host.connect()).collect();
    for client in &mut clients {
        client.send_get(&bad(&format!("slow-{}", EACH.as_millis())));
    }
    until("all to be answered", PATIENCE, || {
        let answered = clients.iter_mut().all(|client| {
            client.has_ended();
            client.received().starts_with("HTTP/1.1 404 ")
        });
        answered.then_some(())
    });
    let took = asked.elapsed();
    assert!(took >= EACH && took < EACH * INSTANCES / 2, "it took {took:?}");
}

#[test]
fn a_call_that_has_no_instance_within_half_of_the_deadline_is_throttled() {
    let _machine = alone();
    let host = host("deadline = \"10s\"");
    let mut hanging = host.connect();
    hanging.send_get(&bad("hang"));
    until_busy(&host);
    let asked = Instant::now();
    assert_error(&write(&host, "waits"), 429, "throttled");
    let waited = asked.elapsed();
    let half = Duration::from_secs(5);
    assert!(waited >= half && waited < half * 2, "it waited {waited:?}");
    // Nothing of it was begun.
    serves_after(&host);
    assert_eq!(read(&host, "waits").status, 404);
}

fn serves_after(host: &Host) {
    until("the store to serve", PATIENCE, || {
        (read(host, "caller").status == 200).then_some(())
    });
}

/// Waits until the one instance is in a call: another call finds no answer, and is what this answers.
fn until_busy(host: &Host) -> Raw {
    until("the store to be busy", PATIENCE, || {
        let mut probe = host.connect();
        probe.send_get(&bad("caller"));
        thread::sleep(Duration::from_millis(300));
        probe.has_ended();
        probe.received().is_empty().then_some(probe)
    })
}

// ---- callers that leave ----

/// With it would end what is stored in it.
#[test]
fn a_client_that_leaves_in_the_middle_of_a_call_does_not_end_the_instance() {
    let _machine = alone();
    let host = host("");
    assert_eq!(write(&host, "kept").status, 204);
    let before = instance(&host);
    for _ in 0..3 {
        let mut leaving = host.connect();
        leaving.send_get(&bad("slow-1500"));
        until_busy(&host);
        drop(leaving);
        others_are_answered(&host);
        until("the call to be done", PATIENCE, || {
            let response = read(&host, "kept");
            (response.status == 200).then(|| assert_eq!(response.text(), "value"))
        });
        assert_eq!(instance(&host), before);
    }
    assert!(host.stderr().lines_with("broke").is_empty(), "{}", host.stderr().text());
}

/// Nobody waits for it, and it ends at its deadline all the same.
#[test]
fn a_call_whose_client_left_still_ends_at_its_deadline() {
    let _machine = alone();
    let host = host("deadline = \"4s\"");
    let mut leaving = host.connect();
    leaving.send_get(&bad("loop"));
    until_busy(&host);
    drop(leaving);
    until("the host to be idle", PATIENCE, || host.is_idle().then_some(()));
    serves_again(&host);
    assert!(host.wait_for_log("an instance of the store broke").contains("4s"));
}

/// Neither do they take the app's, nor do they keep the next question for ever.
#[test]
fn connections_to_healthz_are_not_those_of_the_app() {
    const HELD: usize = 100;
    let _machine = alone();
    let host = host("");
    let before = at_rest(&host);
    let held: Vec<_> = (0..HELD).map(|_| Raw::connect(host.health_port())).collect();
    others_are_answered(&host);
    assert_eq!(host.health().status, 200);
    drop(held);
    is_as_before(&host, before, 32 << 20);
}

// ---- hosts that stop ----

/// It waits for the call under way, which has its deadline, and for no rest.
#[test]
fn a_host_ends_though_its_store_hangs_or_rests() {
    let _machine = alone();
    for key in ["hang", "loop"] {
        let host = host("deadline = \"2s\"");
        let mut leaving = host.connect();
        leaving.send_get(&bad(key));
        until_busy(&host);
        drop(leaving);
        let asked = Instant::now();
        assert_eq!(host.stop().code(), Some(0), "{key}");
        assert!(
            asked.elapsed() < Duration::from_secs(5),
            "{key}: it took {:?}",
            asked.elapsed()
        );
    }
    let host = host("");
    until_it_fails(&host, "trap");
    let asked = Instant::now();
    assert_eq!(host.stop().code(), Some(0));
    assert!(
        asked.elapsed() < Duration::from_secs(5),
        "it took {:?}",
        asked.elapsed()
    );
}
