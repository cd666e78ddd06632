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
        let requests: Vec<_> = (0..20)
            .map(|_| {
                scope.spawn(|| {
                    (0..10)
                        .map(|_| host.client().post("/visits", "").status)
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        for request in requests {
            assert!(request.join().unwrap().iter().all(|status| *status == 200));
        }
    });
    assert_eq!(host.get("/visits").text(), "200");
}
