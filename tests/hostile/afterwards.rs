//! A misdeed leaves nothing behind: memory, descriptors and tasks return to what they were, or near it.

use crate::in_time::{at_rest, is_as_before};
use crate::{alone, hostile};
use dapr_wasm_tests::{Host, PATIENCE, until};
use std::thread;

const MIB: u64 = 1 << 20;

/// What stays of the host's allocator, and of the memory that places in the pool keep.
const KEPT: u64 = 32 * MIB;

/// Asks for a path many times at once, again and again.
fn burst(host: &Host, path: &str, at_once: usize, rounds: usize) {
    for _ in 0..rounds {
        thread::scope(|scope| {
            for _ in 0..at_once {
                scope.spawn(|| host.get(path));
            }
        });
    }
}

/// After a burst the host's memory comes back to within `kept` of what it was, having been `peak` above it.
fn gives_memory_back(host: &Host, peak: u64, kept: u64, misbehave: impl Fn()) {
    // Once, so that what is made once is there.
    burst(host, "/ok", 16, 2);
    let before = host.facts().resident;
    misbehave();
    let highest = host.facts().resident_at_most;
    assert!(
        highest >= before + peak,
        "it never had more than {} MiB: nothing was shown",
        highest / MIB
    );
    until("the memory to be given back", PATIENCE, || {
        (host.facts().resident <= before + kept).then_some(())
    });
}

#[test]
fn memory_that_guests_took_is_given_back() {
    let _machine = alone();
    let host = hostile("memory = \"64MiB\"");
    // A place in the pool keeps up to 2 MiB, and no more than 64 places do.
    gives_memory_back(&host, 300 * MIB, 64 * MIB, || burst(&host, "/memory", 16, 3));
}

/// A body goes to the guest as it comes: neither many at once nor many after another add up.
#[test]
fn request_bodies_are_not_kept() {
    const AT_ONCE: u64 = 8;
    const LENGTH: u64 = 16 * MIB;
    let _machine = alone();
    let host = hostile("");
    burst(&host, "/read-body", 16, 2);
    let before = at_rest(&host);
    let body = vec![b'b'; LENGTH as usize];
    for _ in 0..3 {
        thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    let response = host.client().post("/read-body", body.clone());
                    assert_eq!((response.status, response.text()), (200, LENGTH.to_string()));
                });
            }
        });
    }
    let taken = host.facts().resident_at_most.saturating_sub(before.resident);
    assert!(taken < AT_ONCE * LENGTH / 2, "bodies took {} MiB", taken / MIB);
    is_as_before(&host, before, KEPT);
}

#[test]
fn traps_by_the_thousand_leave_nothing() {
    let _machine = alone();
    let host = hostile("");
    burst(&host, "/trap", 16, 4);
    let before = at_rest(&host);
    burst(&host, "/trap", 16, 60);
    is_as_before(&host, before, KEPT);
    assert_eq!(host.get("/ok").text(), "ok");
}

/// Whatever it was that went wrong, by the hundred.
#[test]
fn every_way_to_end_badly_leaves_nothing() {
    const WAYS: [&str; 10] = [
        "/trap",
        "/panic",
        "/exit",
        "/recursion",
        "/no-response",
        "/handles",
        "/headers",
        "/large-call",
        "/egress",
        "/socket",
    ];
    let _machine = alone();
    let host = hostile("");
    let all = |rounds| WAYS.iter().for_each(|path| burst(&host, path, 8, rounds));
    all(2);
    let before = at_rest(&host);
    all(12);
    is_as_before(&host, before, KEPT);
    assert_eq!(host.get("/ok").text(), "ok");
}

// ---- what goes on until the host ends it ----

/// Many clients at once ask for something, and take what comes until the host ends it; and again.
fn leaves_nothing(request: &str, settings: &str) {
    const AT_ONCE: usize = 32;
    let _machine = alone();
    let host = hostile(settings);
    let ask = || {
        thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    let mut client = host.connect();
                    client.send(request);
                    while client.receive_and_forget(PATIENCE) > 0 {}
                });
            }
        });
    };
    // What is made once is there after the first time.
    ask();
    let before = at_rest(&host);
    (0..2).for_each(|_| ask());
    is_as_before(&host, before, KEPT);
    assert_eq!(host.get("/ok").text(), "ok");
}

/// A request whose guest goes on until the deadline.
fn guests_leave_nothing(path: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    leaves_nothing(&request, "request-timeout = \"1s\"");
}

#[test]
fn guests_that_compute_for_ever_leave_nothing() {
    guests_leave_nothing("/loop");
}

#[test]
fn calls_that_never_return_leave_nothing() {
    guests_leave_nothing("/sleep");
}

#[test]
fn answers_without_end_leave_nothing() {
    guests_leave_nothing("/endless-body");
}

#[test]
fn guests_that_print_without_end_leave_nothing() {
    guests_leave_nothing("/flood");
}

#[test]
fn traps_in_the_middle_of_an_answer_leave_nothing() {
    guests_leave_nothing("/trap-mid-response");
}

#[test]
fn halves_of_a_body_leave_nothing() {
    let request = "POST /read-body HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 8\r\n\r\nhalf";
    leaves_nothing(request, "request-timeout = \"1s\"");
}

#[test]
fn heads_that_do_not_come_leave_nothing() {
    leaves_nothing("GET /ok HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", "");
}
