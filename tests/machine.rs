//! Machines that lack something which makes the host fast: it is slower there, and says so, and does the same.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use dapr_wasm_tests::Launch;
use std::thread;

/// The pool wants 8 TiB of address space, and wasmtime by itself 4 GiB for each memory.
#[test]
fn without_address_space_for_a_pool_all_requests_are_answered() {
    let host = Launch::guest("counter").address_space(4).start();
    host.wait_for_log("no address space for a pool of instances");
    thread::scope(|scope| {
        for visitor in 0..20 {
            let host = &host;
            // A counter for each: of twenty who add to one, some lose the race more often than the app tries again.
            scope.spawn(move || {
                for visit in 1..=10 {
                    let answer = host.client().post(&format!("/visitor-{visitor}"), "");
                    assert_eq!((answer.status, answer.text()), (200, visit.to_string()));
                }
            });
        }
    });
}
