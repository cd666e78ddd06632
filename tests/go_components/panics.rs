//! A component that panics while others wait for it: `tests/go-store-panics`, in one instance.

use crate::ground::{assert_done, assert_error, other_is_answered, with_installed};
use dapr_wasm_tests::{Host, PATIENCE, Response, until};
use std::thread;
use std::time::{Duration, Instant};

/// Requests that wait in the component, half of them reads.
const MANY: usize = 64;

/// What is answered at once may take on a busy machine; far less than the deadline of the store.
const AT_ONCE: Duration = Duration::from_secs(3);

fn host() -> Host {
    with_installed("kv")
        .components(
            "[state.statestore]\ntype = \"go-store-panics\"\ninstances = 1\ndeadline = \"25s\"\n\n\
             [state.other]\ntype = \"in-memory\"\n",
        )
        .start()
}

/// What becomes of those that wait.
struct Waited {
    reads: Vec<Response>,
    writes: Vec<Response>,
}

/// Does something once all wait, and answers what became of them.
fn while_many_wait(host: &Host, act: impl FnOnce()) -> Waited {
    thread::scope(|scope| {
        let ask = |number| {
            let target = format!("/waits-{number}");
            match number % 2 {
                0 => host.get(&target),
                _ => host.client().put(&target, "begun"),
            }
        };
        let asked: Vec<_> = (0..MANY).map(|number| scope.spawn(move || ask(number))).collect();
        until("all to wait", PATIENCE, || {
            (host.get("/waiting").text() == MANY.to_string()).then_some(())
        });
        act();
        let mut waited = Waited {
            reads: Vec::new(),
            writes: Vec::new(),
        };
        for (number, answer) in asked.into_iter().enumerate() {
            let answer = answer.join().unwrap();
            match number % 2 {
                0 => waited.reads.push(answer),
                _ => waited.writes.push(answer),
            }
        }
        waited
    })
}

#[test]
fn a_panic_in_a_request_ends_that_request_and_no_other() {
    let host = host();
    assert_done(&host.client().put("/kept", "in the instance"));
    let waited = while_many_wait(&host, || {
        assert_error(&host.get("/panics"), 500, "internal");
        assert_error(&host.client().put("/panics", "perhaps"), 504, "outcome-unknown");
        assert_error(&host.client().delete("/panics"), 504, "outcome-unknown");
        other_is_answered(&host);
        assert_eq!(host.get("/waiting").text(), MANY.to_string());
        assert_done(&host.client().put("/releases", "all"));
    });
    // Those that write have other keys.
    assert!(waited.reads.iter().all(|read| read.status == 404), "{:?}", waited.reads);
    waited.writes.iter().for_each(assert_done);
    assert_eq!(host.get("/kept").text(), "in the instance");
}

#[test]
fn a_panic_that_ends_the_instance_is_told_to_all_at_once_and_the_next_instance_serves() {
    let host = host();
    assert_done(&host.client().put("/kept", "in the instance"));
    let mut asked = Instant::now();
    let waited = while_many_wait(&host, || {
        other_is_answered(&host);
        asked = Instant::now();
        assert_error(&host.get("/ends"), 503, "unavailable");
        other_is_answered(&host);
    });
    let took = asked.elapsed();
    assert!(took < AT_ONCE, "{took:?}");
    for read in &waited.reads {
        assert_error(read, 503, "unavailable");
    }
    for write in &waited.writes {
        assert_error(write, 504, "outcome-unknown");
    }
    // The next request waits for the next instance, which has nothing of the first.
    let asked = Instant::now();
    assert_done(&host.client().put("/again", "and again"));
    assert!(asked.elapsed() < AT_ONCE, "{:?}", asked.elapsed());
    assert_eq!(host.get("/again").text(), "and again");
    assert_eq!(host.get("/waiting").text(), "0");
    assert_eq!(host.get("/kept").status, 404);
}
