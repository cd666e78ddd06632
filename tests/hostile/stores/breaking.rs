//! Stores that trap, hang, and take all there is: what the app hears, that others hear nothing of it, that the store serves
//! again, and that nothing is left behind.

use super::ground::{assert_error, bad, host, instance, others_are_answered, read, serves_again, write};
use crate::in_time::{OnDrop, at_rest, is_as_before};
use crate::{alone, beside_others};
use dapr_wasm_tests::{Host, PATIENCE, Raw, Response, until};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const MIB: u64 = 1 << 20;

/// What an instance of a store may keep of the pool's places, and what of the host's allocator stays.
const KEPT: u64 = 32 * MIB;

/// Calls that are not misdeeds end well within it, also on a machine that is busy.
const DEADLINE: &str = "deadline = \"1s\"";

/// What a call that ended its instance is answered.
fn assert_broke(response: &Response, is_write: bool) -> String {
    match is_write {
        true => assert_error(response, 504, "outcome-unknown"),
        false => assert_error(response, 503, "unavailable"),
    }
}

/// A key that ends the instance, in reads and in writes, once and again and again.
fn breaks(key: &str) {
    let _machine = alone();
    let host = host(DEADLINE);
    // Once, so that what is made once is there.
    serves_again(&host);
    assert_broke(&read(&host, key), false);
    serves_again(&host);
    let before = at_rest(&host);
    let first = instance(&host);

    // The first failure for some time costs no rest, so that this one is begun.
    until("the store to have been well for a while", PATIENCE, || {
        let text = assert_broke_or_rests(&write(&host, key));
        serves_again(&host);
        (text == 504).then_some(())
    });
    assert_ne!(instance(&host), first, "the instance was not replaced");

    again_and_again(&host, key);
    serves_again(&host);
    is_as_before(&host, before, KEPT);
}

/// The status of a write that broke its instance, or was not begun because there was none.
fn assert_broke_or_rests(response: &Response) -> u16 {
    match response.status {
        504 => assert_error(response, 504, "outcome-unknown"),
        _ => assert_error(response, 503, "unavailable"),
    };
    response.status
}

/// From several callers at once, and without a pause.
fn again_and_again(host: &Host, key: &str) {
    const AT_ONCE: usize = 4;
    let (stop, done) = (AtomicBool::new(false), AtomicUsize::new(0));
    let misbehave = || {
        while !stop.load(Ordering::Relaxed) {
            let response = read(host, key);
            match response.status {
                // What hangs keeps others from their turn.
                429 => assert_error(&response, 429, "throttled"),
                _ => assert_error(&response, 503, "unavailable"),
            };
            done.fetch_add(1, Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(misbehave);
        }
        let stop = OnDrop(|| stop.store(true, Ordering::Relaxed));
        let asked = Instant::now();
        others_are_answered(host);
        until("the store to go on", PATIENCE, || {
            (done.load(Ordering::Relaxed) > AT_ONCE && asked.elapsed() > Duration::from_secs(1)).then_some(())
        });
        others_are_answered(host);
        drop(stop);
    });
}

#[test]
fn a_store_that_traps() {
    breaks("trap");
}

#[test]
fn a_store_that_panics() {
    breaks("panic");
}

#[test]
fn a_store_that_exits() {
    breaks("exit");
}

#[test]
fn a_store_that_calls_itself_for_ever() {
    breaks("recurse");
}

#[test]
fn a_store_that_loses_handles() {
    breaks("handles");
}

#[test]
fn a_store_that_computes_for_ever() {
    breaks("loop");
}

#[test]
fn a_store_that_waits_for_ever() {
    breaks("hang");
}

#[test]
fn a_store_that_prints_for_ever() {
    breaks("print");
}

// ---- many instances at once ----

/// Calls under way, from clients that wait.
fn hold(host: &Host, key: &str, count: usize) -> Vec<Raw> {
    let hold = |_| {
        let mut client = host.connect();
        client.send_get(&bad(key));
        client
    };
    (0..count).map(hold).collect()
}

#[test]
fn others_are_answered_beside_sixteen_instances_that_compute_for_ever() {
    let _machine = alone();
    let host = host("deadline = \"60s\"\ninstances = 16\nmetadata = { instances = \"several\" }");
    let before = host.facts().processor_time;
    let mut held = hold(&host, "loop", 16);
    until("the store to compute", PATIENCE, || {
        (host.facts().processor_time > before + Duration::from_millis(500)).then_some(())
    });
    others_are_answered(&host);
    assert!(
        held.iter_mut().all(|client| !client.has_ended()),
        "the store did not go on"
    );
}

#[test]
fn others_are_answered_beside_instances_that_print_for_ever_to_a_pipe_that_nobody_reads() {
    let _machine = alone();
    let host = host("deadline = \"60s\"\ninstances = 4\nmetadata = { instances = \"several\" }");
    let before = at_rest(&host).resident;
    // All that stores print goes there.
    host.stderr().pause();
    let mut held = hold(&host, "print", 4);
    // What waits for room does not compute.
    let grown = at_rest(&host).resident.saturating_sub(before);
    assert!(grown < 96 * MIB, "the host grew by {} MiB", grown / MIB);
    others_are_answered(&host);
    assert!(
        held.iter_mut().all(|client| !client.has_ended()),
        "the store did not go on"
    );
}

// ---- what was done when it broke ----

#[test]
fn a_write_that_was_done_before_the_trap_is_outcome_unknown() {
    let _machine = beside_others();
    let host = host(DEADLINE);
    for key in ["set-then-trap", "set-then-hang"] {
        serves_again(&host);
        until("a write to be begun", PATIENCE, || {
            (assert_broke_or_rests(&write(&host, key)) == 504).then_some(())
        });
    }
    serves_again(&host);
}

/// Each write of a transaction or bulk call may have been done, too.
#[test]
fn a_transaction_and_a_delete_that_end_in_a_trap_are_outcome_unknown() {
    let _machine = beside_others();
    let host = host(DEADLINE);
    let response = host.client().delete(&bad("trap"));
    assert_error(&response, 504, "outcome-unknown");
    serves_again(&host);
    until("a transaction to be begun", PATIENCE, || {
        let body = r#"[{"op": "set", "key": "a", "value": "1"}, {"op": "set", "key": "set-then-trap", "value": "1"}]"#;
        (assert_broke_or_rests(&host.client().post("/?store=bad", body)) == 504).then_some(())
    });
    serves_again(&host);
}

/// The slow call's own answer comes when its instance is gone: whoever asks next gets what it asked for.
#[test]
fn an_answer_after_the_deadline_is_nobodys() {
    let _machine = alone();
    let host = host("deadline = \"2s\"");
    for _ in 0..3 {
        serves_again(&host);
        let asked = Instant::now();
        let text = assert_error(&read(&host, "slow-5000"), 503, "unavailable");
        assert!(text.contains("no answer within 2s"), "{text}");
        let took = asked.elapsed();
        assert!(
            took < Duration::from_secs(5),
            "the host waited for the answer: {took:?}"
        );
        until("the store to serve", PATIENCE, || {
            (read(&host, "caller").status == 200).then_some(())
        });
        while asked.elapsed() < Duration::from_secs(6) {
            assert_eq!(read(&host, "caller").text(), "kv");
            assert_eq!(read(&host, "nothing").status, 404);
        }
    }
}

#[test]
fn a_write_after_the_deadline_is_outcome_unknown() {
    let _machine = alone();
    let host = host("deadline = \"2s\"");
    let text = assert_error(&write(&host, "slow-5000"), 504, "outcome-unknown");
    assert!(text.contains("no answer within 2s"), "{text}");
    others_are_answered(&host);
    serves_again(&host);
}

// ---- memory ----

#[test]
fn a_store_gets_the_memory_that_is_configured_and_gives_it_back_when_it_ends() {
    let _machine = alone();
    let host = host("memory = \"128MiB\"\ndeadline = \"5s\"");
    serves_again(&host);
    let before = at_rest(&host);
    for _ in 0..3 {
        assert_eq!(read(&host, "grow").status, 404);
        others_are_answered(&host);
    }
    let taken = host.facts().resident_at_most.saturating_sub(before.resident);
    assert!(taken > 64 * MIB, "it took {} MiB: nothing was shown", taken / MIB);
    assert!(taken < 160 * MIB, "it took {} MiB", taken / MIB);
    // An instance does not become smaller, and ends some time.
    assert_error(&read(&host, "trap"), 503, "unavailable");
    serves_again(&host);
    is_as_before(&host, before, KEPT);
}
