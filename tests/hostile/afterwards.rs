//! A burst leaves nothing behind: memory returns to near what it was.

use crate::in_time::{at_rest, is_as_before};
use crate::{alone, hostile};
use dapr_wasm_tests::{Host, PATIENCE, until};
use std::thread;

const MIB: u64 = 1 << 20;

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
    burst(&host, "/ok", 16, 2);
    let before = host.facts().resident;
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
    let taken = host.facts().resident_at_most.saturating_sub(before);
    assert!(taken < AT_ONCE * LENGTH / 2, "bodies took {} MiB", taken / MIB);
}

#[test]
fn traps_by_the_thousand_leave_nothing() {
    let _machine = alone();
    let host = hostile("");
    burst(&host, "/trap", 16, 4);
    let before = host.facts();
    burst(&host, "/trap", 16, 60);
    until("memory and descriptors to be as before", PATIENCE, || {
        let now = host.facts();
        (now.resident <= before.resident + 32 * MIB && now.descriptors <= before.descriptors).then_some(())
    });
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
    is_as_before(&host, before, 32 * MIB);
    assert_eq!(host.get("/ok").text(), "ok");
}
