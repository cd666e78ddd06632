//! While a guest misbehaves, others get their answers within a second.

use crate::in_time::{OnDrop, at_rest, within_a_second};
use crate::{alone, launch};
use dapr_wasm_tests::{Host, Launch, PATIENCE, Raw, until};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

fn are_answered_within_a_second(host: &Host) {
    within_a_second(|| {
        let response = host.get("/ok");
        assert_eq!((response.status, response.text().as_str()), (200, "ok"));
    });
}

/// A host on which a misdeed may go on for as long as a test takes.
fn patient() -> Launch {
    launch("request-timeout = \"120s\"")
}

/// Requests for a path under way, from clients that read nothing.
fn hold(host: &Host, path: &str, count: usize) -> Vec<Raw> {
    let hold = |_| {
        let mut client = host.connect();
        client.send_get(path);
        client
    };
    (0..count).map(hold).collect()
}

/// Waits until the host computes, which without requests it does not.
fn until_it_computes(host: &Host, before: Duration) {
    let enough = before + Duration::from_millis(500);
    until("the guests to compute", PATIENCE, || {
        (host.facts().processor_time > enough).then_some(())
    });
}

// ---- misdeeds that go on ----

#[test]
fn beside_guests_that_compute_for_ever() {
    let _machine = alone();
    let host = patient().start();
    let before = host.facts().processor_time;
    // Many times as many as a machine of today's CI has processors.
    let mut held = hold(&host, "/loop", 16);
    until_it_computes(&host, before);
    are_answered_within_a_second(&host);
    assert!(
        held.iter_mut().all(|client| !client.has_ended()),
        "the guests did not go on"
    );
}

#[test]
fn beside_guests_that_wait_for_ever() {
    let _machine = alone();
    let host = patient().start();
    let mut held = hold(&host, "/sleep", 200);
    are_answered_within_a_second(&host);
    assert!(
        held.iter_mut().all(|client| !client.has_ended()),
        "the guests did not go on"
    );
}

#[test]
fn beside_guests_that_wait_for_a_body_that_does_not_come() {
    let _machine = alone();
    let host = patient().start();
    let mut held: Vec<_> = (0..200).map(|_| host.connect()).collect();
    for client in &mut held {
        client.send("POST /read-body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\n\r\nhalf");
    }
    are_answered_within_a_second(&host);
    assert!(
        held.iter_mut().all(|client| !client.has_ended()),
        "the guests did not go on"
    );
}

#[test]
fn beside_bodies_without_end_that_nobody_reads() {
    let _machine = alone();
    let host = patient().start();
    let mut held = hold(&host, "/endless-body", 50);
    for client in &mut held {
        client.receive_until("xxxx", PATIENCE);
    }
    are_answered_within_a_second(&host);
}

#[test]
fn beside_bodies_without_end_that_are_read() {
    let _machine = alone();
    let host = patient().start();
    let (stop, received) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for mut client in hold(&host, "/endless-body", 4) {
            let (stop, received) = (&stop, &received);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    received.fetch_add(client.receive_and_forget(PATIENCE), Ordering::Relaxed);
                }
            });
        }
        let stop = OnDrop(|| stop.store(true, Ordering::Relaxed));
        let some = 10 << 20;
        until("bodies to be received", PATIENCE, || {
            (received.load(Ordering::Relaxed) > some).then_some(())
        });
        let before = received.load(Ordering::Relaxed);
        are_answered_within_a_second(&host);
        until("the guests to go on", PATIENCE, || {
            (received.load(Ordering::Relaxed) > before).then_some(())
        });
        drop(stop);
    });
}

/// Each is cut after 16 MiB, and its client begins anew.
#[test]
fn beside_request_bodies_without_end() {
    const AT_ONCE: usize = 4;
    let _machine = alone();
    let host = patient().start();
    let chunk = [b"10000\r\n".to_vec(), vec![b'b'; 1 << 16], b"\r\n".to_vec()].concat();
    let (stop, sent, cut) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let send = || {
        while !stop.load(Ordering::Relaxed) {
            let mut client = host.connect();
            client.send("POST /read-body HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
            while client.try_send(&chunk).is_ok() {
                sent.fetch_add(chunk.len(), Ordering::Relaxed);
            }
            cut.fetch_add(1, Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(send);
        }
        // Each body has an end all the same, so that each of them looks at it.
        let stop = OnDrop(|| stop.store(true, Ordering::Relaxed));
        until("bodies to be cut", PATIENCE, || {
            (cut.load(Ordering::Relaxed) >= AT_ONCE).then_some(())
        });
        let before = sent.load(Ordering::Relaxed);
        are_answered_within_a_second(&host);
        until("bodies to go on", PATIENCE, || {
            (sent.load(Ordering::Relaxed) > before).then_some(())
        });
        drop(stop);
    });
}

#[test]
fn beside_guests_that_print_without_end() {
    let _machine = alone();
    let host = patient().start();
    let mut held = hold(&host, "/flood", 2);
    until("the guests to print", PATIENCE, || {
        (host.stdout().len() > 1 << 20).then_some(())
    });
    let before = host.stdout().len();
    are_answered_within_a_second(&host);
    until("the guests to go on", PATIENCE, || {
        (host.stdout().len() > before).then_some(())
    });
    assert!(
        held.iter_mut().all(|client| !client.has_ended()),
        "the guests did not go on"
    );
}

#[test]
fn beside_guests_that_print_without_end_to_a_pipe_that_nobody_reads() {
    let _machine = alone();
    let host = patient().unread().start();
    let before = host.facts().resident;
    let mut held = hold(&host, "/flood", 4);
    // What nobody takes waits in the guests, which do not compute then, and not in the host's memory.
    let grown = at_rest(&host).resident.saturating_sub(before);
    assert!(grown < 64 << 20, "the host grew by {grown} bytes");
    are_answered_within_a_second(&host);
    assert!(
        held.iter_mut().all(|client| !client.has_ended()),
        "the guests did not go on"
    );
}

// ---- misdeeds that end badly, again and again ----

/// What comes of a misdeed.
#[derive(Clone, Copy)]
enum Outcome {
    Status(u16),
    /// 500, or a transfer that breaks: see `bodies`.
    NoWholeAnswer,
}

fn again_and_again(path: &str, outcome: Outcome) {
    const AT_ONCE: usize = 4;
    let _machine = alone();
    let host = patient().start();
    let (stop, done) = (AtomicBool::new(false), AtomicUsize::new(0));
    let misbehave = || {
        while !stop.load(Ordering::Relaxed) {
            match (host.call("GET", path).try_send(), outcome) {
                (Ok(response), Outcome::Status(status)) => assert_eq!(response.status, status, "{}", response.text()),
                (Err(_), Outcome::NoWholeAnswer) => {}
                (Ok(response), Outcome::NoWholeAnswer) => assert_eq!(response.status, 500, "{}", response.text()),
                (Err(error), Outcome::Status(_)) => panic!("{error}"),
            }
            done.fetch_add(1, Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        let misdeeds: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(misbehave)).collect();
        let answered = until("the guests to misbehave", PATIENCE, || {
            assert!(
                misdeeds.iter().all(|misdeed| !misdeed.is_finished()),
                "{path} had another outcome"
            );
            Some(done.load(Ordering::Relaxed)).filter(|done| *done >= AT_ONCE)
        });
        // Whatever comes of it, the misdeeds must end for the scope to end.
        let stop = OnDrop(|| stop.store(true, Ordering::Relaxed));
        are_answered_within_a_second(&host);
        until("the guests to go on", PATIENCE, || {
            (done.load(Ordering::Relaxed) > answered).then_some(())
        });
        drop(stop);
    });
}

#[test]
fn beside_guests_that_trap() {
    again_and_again("/trap", Outcome::Status(500));
}

#[test]
fn beside_guests_that_panic() {
    again_and_again("/panic", Outcome::Status(500));
}

#[test]
fn beside_guests_that_call_themselves_for_ever() {
    again_and_again("/recursion", Outcome::Status(500));
}

#[test]
fn beside_guests_that_take_all_memory() {
    again_and_again("/memory", Outcome::Status(200));
}

#[test]
fn beside_guests_that_lose_handles() {
    again_and_again("/handles", Outcome::Status(500));
}

#[test]
fn beside_guests_that_add_headers_without_end() {
    again_and_again("/headers", Outcome::Status(500));
}

#[test]
fn beside_guests_that_hand_over_too_much_in_one_call() {
    again_and_again("/large-call", Outcome::Status(500));
}

#[test]
fn beside_guests_that_never_answer() {
    again_and_again("/no-response", Outcome::Status(500));
}

#[test]
fn beside_guests_that_trap_in_the_middle_of_an_answer() {
    again_and_again("/trap-mid-response", Outcome::NoWholeAnswer);
}

// ---- all at once ----

#[test]
fn beside_guests_that_misbehave_in_every_way() {
    let _machine = alone();
    let host = patient().start();
    let before = host.facts().processor_time;
    let lasting = ["/loop", "/loop", "/sleep", "/flood", "/endless-body"];
    let mut held: Vec<_> = lasting.iter().flat_map(|path| hold(&host, path, 1)).collect();
    until_it_computes(&host, before);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let misbehave = || {
            let misdeeds = [
                "/trap",
                "/panic",
                "/recursion",
                "/memory",
                "/handles",
                "/headers",
                "/no-response",
            ];
            for path in misdeeds.iter().cycle().take_while(|_| !stop.load(Ordering::Relaxed)) {
                host.get(path);
            }
        };
        let misdeeds = scope.spawn(misbehave);
        let stop = OnDrop(|| stop.store(true, Ordering::Relaxed));
        are_answered_within_a_second(&host);
        assert!(!misdeeds.is_finished(), "the guests did not go on");
        drop(stop);
    });
    assert!(
        held.iter_mut().all(|client| !client.has_ended()),
        "the guests did not go on"
    );
}
