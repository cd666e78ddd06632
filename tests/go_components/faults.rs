//! Servers that die, stop and come back: apps hear of it in the stated time, others hear nothing of it, nothing that was
//! acknowledged is lost, and nobody starts the host again.

use crate::ground::{Ground, assert_error, launch};
use dapr_wasm_tests::servers::{Kind, Setup};
use dapr_wasm_tests::{PATIENCE, until};
use std::time::{Duration, Instant};

/// The deadline of the stores in these tests.
const DEADLINE: &str = "deadline = \"2s\"";

/// How long an answer may take: the deadline, and what a busy machine adds.
const IN_TIME: Duration = Duration::from_secs(4);

fn serves_again(ground: &Ground) {
    until("the store to serve again", PATIENCE, || {
        (ground.put("/again", "and again").status == 204).then_some(())
    });
    assert_eq!(ground.get("/again").text(), "and again");
}

#[test]
fn a_server_that_dies_is_an_error_in_time_and_is_used_again_when_it_is_back() {
    let mut ground = Ground::with(Kind::Redis, DEADLINE);
    assert_eq!(ground.put("/kept", "acknowledged").status, 204);
    ground.server.kill();
    for _ in 0..3 {
        let asked = Instant::now();
        assert_error(&ground.get("/kept"), 503, "unavailable");
        assert!(asked.elapsed() < IN_TIME, "{:?}", asked.elapsed());
        let asked = Instant::now();
        let write = ground.put("/lost", "perhaps");
        assert!(matches!(write.status, 503 | 504), "{}", write.text());
        assert!(asked.elapsed() < IN_TIME, "{:?}", asked.elapsed());
        ground.other_is_answered();
    }
    ground.server.restart();
    serves_again(&ground);
    assert_eq!(ground.get("/kept").text(), "acknowledged");
}

#[test]
fn a_server_that_stands_still_is_an_error_in_time_and_is_used_again_when_it_goes_on() {
    let ground = Ground::with(Kind::Redis, DEADLINE);
    assert_eq!(ground.put("/kept", "acknowledged").status, 204);
    ground.server.pause();
    let asked = Instant::now();
    assert_error(&ground.get("/kept"), 503, "unavailable");
    assert_error(&ground.put("/lost", "perhaps"), 504, "outcome-unknown");
    assert!(asked.elapsed() < IN_TIME * 2, "{:?}", asked.elapsed());
    ground.other_is_answered();
    ground.server.resume();
    serves_again(&ground);
    assert_eq!(ground.get("/kept").text(), "acknowledged");
}

#[test]
fn a_server_that_is_not_there_at_the_start_is_told_of_and_waited_for_if_the_store_starts_with_its_first_use() {
    let mut server = Setup::of(Kind::Redis).start();
    server.stop();
    let ended = launch(&server, "deadline = \"10s\"").run(b"");
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("does not start"), "{}", ended.stderr);

    let host = launch(&server, "start = \"first-use\"\ndeadline = \"2s\"").start();
    let mut ground = Ground { server, host };
    assert_error(&ground.get("/k"), 503, "unavailable");
    ground.other_is_answered();
    ground.server.restart();
    serves_again(&ground);
}
