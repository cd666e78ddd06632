//! Guests of WASI 0.3 that go on after the head of their answer: they have the time of one request, and not twice that.

use crate::alone;
use dapr_wasm_tests::{Host, Launch, PATIENCE, until};
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(4);

/// About the deadline, and less than twice that.
const FAIR: std::ops::Range<Duration> = Duration::from_millis(3500)..Duration::from_millis(7800);

fn host() -> Host {
    let seconds = DEADLINE.as_secs();
    Launch::guest("hostile-async")
        .components(&format!("[app]\nrequest-timeout = \"{seconds}s\"\n"))
        .start()
}

fn assert_fair(took: Duration) {
    assert!(FAIR.contains(&took), "the guest went on for {took:?}");
}

#[test]
fn a_guest_that_goes_on_after_its_answer_is_ended_at_the_deadline() {
    let _machine = alone();
    let host = host();
    let asked = Instant::now();
    assert_eq!(host.get("/linger").text(), "bye");
    until("the guest to be ended", PATIENCE, || host.is_idle().then_some(()));
    assert_fair(asked.elapsed());
    assert_eq!(host.get("/served").text(), "1");
}

#[test]
fn a_guest_that_never_answers_is_ended_at_the_deadline() {
    let _machine = alone();
    let host = host();
    let asked = Instant::now();
    assert_eq!(host.get("/turns").status, 504);
    until("the guest to be ended", PATIENCE, || host.is_idle().then_some(()));
    assert_fair(asked.elapsed());
}

#[test]
fn an_answer_without_end_is_broken_off_at_the_deadline() {
    let _machine = alone();
    let host = host();
    let mut client = host.connect();
    let asked = Instant::now();
    client.send_get("/endless-body");
    while client.receive_and_forget(PATIENCE) > 0 {}
    assert_fair(asked.elapsed());
    assert_eq!(host.get("/served").text(), "1");
}

/// The instance takes no more requests for some time before it is ended, so that others do not end with it.
#[test]
fn requests_beside_a_guest_that_is_ended_are_answered() {
    let _machine = alone();
    let host = host();
    let mut client = host.connect();
    client.send_get("/endless-body");
    let asked = Instant::now();
    while asked.elapsed() < DEADLINE + DEADLINE / 4 {
        assert_eq!(host.get("/served").status, 200);
        client.receive_and_forget(PATIENCE);
    }
}
