//! The kinds of guest: {WASI 0.2, 0.3} × {plain, async imports} × {a fresh instance for each request, one for several}.
//!
//! | guest | imports | one instance serves at once |
//! |---|---|---|
//! | `probe-p2-sync` | `dapr:state/store` | 1 |
//! | `probe-p3-sync` | `dapr:state/store` | 1, since a plain import makes all of the instance wait |
//! | `probe-p3-async` | `dapr:state/store-async` | several |
//! | 0.2 with async imports | `dapr:state/store-async` | refused: each call would trap |

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use dapr_wasm_tests::built::guest;
use dapr_wasm_tests::{Host, Launch, PATIENCE, component, until};
use std::thread;
use std::time::{Duration, Instant};

const MEMORY: &str = "[state.statestore]\ntype = \"in-memory\"\n";

/// A store that is WebAssembly itself: an instance within a call of another.
fn wasm() -> String {
    let component = guest("store-memory").display().to_string();
    format!("[state.statestore]\ntype = \"wasm\"\ncomponent = {component:?}\n")
}

fn launch(guest: &str, reuse: Option<usize>) -> Host {
    launch_on(MEMORY, guest, reuse)
}

fn launch_on(store: &str, guest: &str, reuse: Option<usize>) -> Host {
    let app = reuse.map_or(String::new(), |reuse| format!("[app]\nreuse = {reuse}\n"));
    Launch::guest(guest).components(&format!("{app}{store}")).start()
}

/// Which request of its instance one was, counted from 1.
fn served(host: &Host) -> usize {
    let response = host.get("/served");
    assert_eq!(response.status, 200, "{}", response.text());
    response.text().parse().expect("it is a number")
}

/// Every request sees an instance that has served nobody before.
fn is_always_fresh(host: &Host) {
    for _ in 0..10 {
        assert_eq!(served(host), 1);
    }
}

/// An instance comes to serve `most` requests, and none ever serves more.
fn is_reused_up_to(host: &Host, most: usize) {
    let mut after = 0;
    until("an instance to serve its last request", PATIENCE, || {
        let number = served(host);
        assert!(
            number <= most,
            "an instance served {number} requests, and may serve {most}"
        );
        (number == most).then_some(())
    });
    // And the next ones begin anew.
    while after < 2 * most {
        assert!(served(host) <= most);
        after += 1;
    }
}

/// Additions from several threads at once are all there in the end.
fn counts_right(host: &Host) {
    const THREADS: usize = 8;
    const EACH: usize = 10;
    assert_eq!(host.get("/count").text(), "0");
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..EACH {
                    let response = host.client().post("/count", "");
                    assert_eq!(response.status, 200, "{}", response.text());
                }
            });
        }
    });
    assert_eq!(host.get("/count").text(), (THREADS * EACH).to_string());
}

macro_rules! cells {
    ($($kind:ident: $guest:literal),+) => {
        $(mod $kind {
            use super::*;

            #[test]
            fn with_a_reuse_of_1_every_request_has_a_fresh_instance() {
                let host = launch($guest, Some(1));
                is_always_fresh(&host);
                counts_right(&host);
            }

            #[test]
            fn with_a_reuse_of_3_an_instance_serves_three_requests() {
                let host = launch($guest, Some(3));
                is_reused_up_to(&host, 3);
                counts_right(&host);
                is_reused_up_to(&host, 3);
            }

            #[test]
            fn on_a_store_in_webassembly_it_counts_as_on_any() {
                for reuse in [Some(1), None] {
                    counts_right(&launch_on(&wasm(), $guest, reuse));
                }
            }
        })+
    };
}

cells! { wasi_0_2_sync: "probe-p2-sync", wasi_0_3_sync: "probe-p3-sync", wasi_0_3_async: "probe-p3-async" }

// ---- what is the default ----

#[test]
fn a_0_2_app_is_fresh_for_each_request_unless_configured() {
    let host = launch("probe-p2-sync", None);
    host.wait_for_log("a fresh instance for each request");
    is_always_fresh(&host);
}

#[test]
fn a_0_3_app_is_reused_unless_configured() {
    for (guest, said) in [("probe-p3-sync", "one at a time"), ("probe-p3-async", "16 at once")] {
        let host = launch(guest, None);
        host.wait_for_log(said);
        is_reused_up_to(&host, 128);
    }
}

#[test]
fn an_instance_without_requests_ends() {
    /// Beyond the second that an idle instance is kept.
    const IDLE: Duration = Duration::from_millis(1500);
    let host = launch("probe-p3-async", None);
    until("an instance to serve a second request", PATIENCE, || {
        (served(&host) > 1).then_some(())
    });
    until("a new instance after a pause", PATIENCE, || {
        thread::sleep(IDLE);
        (served(&host) == 1).then_some(())
    });
}

// ---- how many at once ----

/// A host whose store waits while the test holds its file: SQLite without a write-ahead log, where who writes keeps readers
/// out. So a request can be held under way for as long as a test likes.
fn with_a_store_to_hold(guest: &str) -> (Host, rusqlite::Connection) {
    with_a_store_that_waits(guest, Duration::from_secs(60))
}

/// The same with a store that answers `unavailable` after a while.
fn with_a_store_that_waits(guest: &str, deadline: Duration) -> (Host, rusqlite::Connection) {
    let deadline = deadline.as_secs();
    let toml = format!(
        "[app]\nreuse = 1000\n[state.statestore]\ntype = \"sqlite\"\nconnectionString = \"held.db\"\n\
         disableWAL = true\nbusyTimeout = \"60s\"\ntimeout = \"60s\"\ndeadline = \"{deadline}s\"\n"
    );
    let host = Launch::guest(guest).components(&toml).start();
    let file = rusqlite::Connection::open(host.folder().join("held.db")).unwrap();
    file.busy_timeout(PATIENCE).unwrap();
    (host, file)
}

/// How long a request takes that reads three times from a store which lets each read wait for a second.
fn three_reads_of_a_second(guest: &str) -> Duration {
    let (host, file) = with_a_store_that_waits(guest, Duration::from_secs(1));
    file.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let response = host.get("/patience?n=3");
    assert_eq!(response.status, 200, "{}", response.text());
    Duration::from_millis(response.text().parse().expect("it is a number of milliseconds"))
}

#[test]
fn the_async_calls_of_a_request_wait_at_the_same_time() {
    let took = three_reads_of_a_second("probe-p3-async");
    assert!(
        (Duration::from_secs(1)..Duration::from_secs(3)).contains(&took),
        "{took:?}"
    );
}

#[test]
fn the_plain_calls_of_a_request_wait_one_after_the_other() {
    for guest in ["probe-p2-sync", "probe-p3-sync"] {
        let took = three_reads_of_a_second(guest);
        assert!(took >= Duration::from_secs(3), "{guest}: {took:?}");
    }
}

#[test]
fn an_async_app_serves_others_in_the_same_instance_while_one_request_waits() {
    let (host, file) = with_a_store_to_hold("probe-p3-async");
    file.execute_batch("BEGIN EXCLUSIVE").unwrap();
    thread::scope(|scope| {
        let waiting: Vec<_> = (0..4).map(|_| scope.spawn(|| host.get("/overlap?n=2"))).collect();
        let mut answers = Vec::new();
        // No request but ours is over. So an instance in which none waits has answered 1, 2, 3 and so on, and of all answers
        // together there are no more of any number than of the one before it, however many instances there are.
        until(
            "an answer from an instance in which another request waits",
            PATIENCE,
            || {
                let number = served(&host);
                answers.push(number);
                let times = |number| answers.iter().filter(|answer| **answer == number).count();
                (number > 1 && times(number) > times(number - 1)).then_some(())
            },
        );
        assert!(
            waiting.iter().all(|request| !request.is_finished()),
            "the store did not wait"
        );
        file.execute_batch("ROLLBACK").unwrap();
        for request in waiting {
            let response = request.join().unwrap();
            assert_eq!(response.status, 200, "{}", response.text());
        }
    });
}

/// While a request waits in an instance of this guest, no other is in that instance, and all are answered.
fn serves_one_at_a_time(guest: &str) {
    const HELD: Duration = Duration::from_secs(3);
    let (host, file) = with_a_store_to_hold(guest);
    file.execute_batch("BEGIN EXCLUSIVE").unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let response = host.get("/overlap?n=1");
            (response, Instant::now())
        });
        let held = Instant::now();
        let mut answers = Vec::new();
        while held.elapsed() < HELD {
            answers.push((Instant::now(), served(&host)));
        }
        file.execute_batch("ROLLBACK").unwrap();
        let (response, over) = waiting.join().unwrap();
        assert_eq!(response.status, 200, "{}", response.text());
        // The guest measured how long it waited: what was asked after it began was asked while it waited.
        let waited = Duration::from_millis(response.text().parse().expect("it is a number of milliseconds"));
        let meanwhile = answers
            .iter()
            .enumerate()
            .filter(|(_, (asked, _))| *asked > over - waited);
        let meanwhile: Vec<_> = meanwhile.map(|(index, (_, number))| (index + 1, *number)).collect();
        assert!(!meanwhile.is_empty(), "the request did not wait: {waited:?}");
        for (asked, number) in meanwhile {
            assert!(
                number <= asked,
                "request {asked} was number {number} in an instance where another one waits"
            );
        }
    });
}

#[test]
fn a_0_3_app_with_plain_imports_serves_one_request_at_a_time() {
    serves_one_at_a_time("probe-p3-sync");
}

#[test]
fn a_0_2_app_that_is_reused_serves_one_request_at_a_time() {
    serves_one_at_a_time("probe-p2-sync");
}

// ---- 0.2 with async imports ----

#[test]
fn a_0_2_app_with_async_imports_is_refused_before_the_port_opens() {
    let world = "package tests:refused;
        world app {
            import dapr:state/store-async@0.1.0;
            export wasi:http/incoming-handler@0.2.10;
        }";
    let folder = tempfile::tempdir().unwrap();
    let app = folder.path().join("refused.wasm");
    std::fs::write(&app, component::empty(world)).unwrap();
    let ended = Launch::file(&app).components(MEMORY).run(b"");
    assert_eq!(ended.status.code(), Some(2), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("dapr:state/store-async@0.1.0"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("each call would trap"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("serving"), "{}", ended.stderr);
}
