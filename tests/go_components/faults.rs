//! Servers that die, stop and come back, and connections that break: apps hear of it in the stated time, others hear nothing of
//! it, nothing that was acknowledged is lost, and nobody starts the host again.

use crate::ground::{Ground, assert_done, assert_error, assert_one_of, launch, other_is_answered};
use crate::vendors::{Feature, POSTGRESQL, Start, Vendor, each};
use dapr_wasm_tests::servers::Proxy;
use dapr_wasm_tests::{Host, PATIENCE, Response, tell, until};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The deadline of the stores in these tests.
const DEADLINE: &str = "deadline = \"4s\"";

/// How long an answer may take: the deadline, and what a busy machine adds.
const IN_TIME: Duration = Duration::from_secs(10);

/// What a read may be that has no answer, and what a write may be. `unavailable` says that nothing was written.
const UNREAD: [(u16, &str); 1] = [(503, "unavailable")];
const UNWRITTEN: [(u16, &str); 2] = [(503, "unavailable"), (504, "outcome-unknown")];

thread_local! {
    /// The longest that an answer took, and until the store served again, of a claim about one store.
    static LONGEST: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    static AGAIN: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// Checks a claim about each store, and tells what was seen of it.
fn each_in(fault: &str, claim: impl Fn(Vendor) + Sync) {
    each(|vendor| {
        claim(vendor);
        let ms = |took: Duration| took.as_millis().to_string();
        tell(&[
            format!("`{}`", vendor.component),
            fault.to_owned(),
            ms(LONGEST.get()),
            AGAIN.get().map_or_else(String::new, ms),
        ]);
    });
}

/// The answer, which comes in time.
fn timed(ask: impl FnOnce() -> Response) -> Response {
    let asked = Instant::now();
    let response = ask();
    let took = asked.elapsed();
    LONGEST.set(LONGEST.get().max(took));
    assert!(took < IN_TIME, "{took:?}: {}", response.text());
    response
}

fn serves_again(ground: &Ground) {
    let begun = Instant::now();
    until("the store to serve again", PATIENCE, || {
        (timed(|| ground.put("/again", "and again")).status == 204).then_some(())
    });
    AGAIN.set(Some(begun.elapsed()));
    assert_eq!(ground.get("/again").text(), "and again");
}

/// Waits for `/healthz`, on which the other store stays `ok`.
fn says(ground: &Ground, status: u16) {
    let health = until("the host to say how it is", PATIENCE, || {
        Some(ground.host.health()).filter(|health| health.status == status)
    });
    let health = health.json();
    let is = |store: &str| health["stores"][store]["status"].clone();
    let said = if status == 200 { "ok" } else { "failing" };
    assert_eq!((is("statestore"), is("other")), (said.into(), "ok".into()), "{health}");
}

/// Reads and writes fail in time, both at once, and the other store answers.
fn fails_in_time(ground: &Ground, reads: &[(u16, &str)], writes: &[(u16, &str)]) {
    let asked = Instant::now();
    thread::scope(|scope| {
        let write = scope.spawn(|| timed(|| ground.put("/lost", "perhaps")));
        assert_one_of(&timed(|| ground.get("/kept")), reads);
        assert_one_of(&write.join().unwrap(), writes);
    });
    LONGEST.set(LONGEST.get().max(asked.elapsed()));
    ground.other_is_answered();
}

/// Writes from several clients until something happens to the server, and answers what was acknowledged.
fn written_until(ground: &mut Ground, happens: impl FnOnce(&mut Ground)) -> Vec<String> {
    const CLIENTS: usize = 4;
    const ENOUGH: usize = 100;
    let acknowledged = AtomicUsize::new(0);
    let client = ground.host.client().clone();
    thread::scope(|scope| {
        let write = |of: usize| {
            let mut keys = Vec::new();
            loop {
                let key = format!("/{of}-{}", keys.len());
                let response = timed(|| client.put(&key, &*key));
                if response.status != 204 {
                    assert_one_of(&response, &UNWRITTEN);
                    return keys;
                }
                keys.push(key);
                acknowledged.fetch_add(1, Ordering::Relaxed);
            }
        };
        let writers: Vec<_> = (0..CLIENTS).map(|of| scope.spawn(move || write(of))).collect();
        until("some writes", PATIENCE, || {
            (acknowledged.load(Ordering::Relaxed) >= ENOUGH).then_some(())
        });
        happens(ground);
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    })
}

#[test]
fn a_server_that_dies_is_an_error_in_time_and_has_all_that_was_acknowledged_when_it_is_back() {
    each_in("it is killed under four writers", |vendor| {
        let mut ground = Ground::with(vendor, DEADLINE);
        assert_done(&ground.put("/kept", "acknowledged"));
        let mut keys = written_until(&mut ground, |ground| ground.server.kill());
        for _ in 0..3 {
            fails_in_time(&ground, &UNREAD, &UNWRITTEN);
        }
        says(&ground, 503);
        ground.server.restart();
        // Although nobody asks.
        says(&ground, 200);
        serves_again(&ground);
        if vendor.kind.keeps_data() {
            assert_eq!(ground.get("/kept").text(), "acknowledged");
            keys.retain(|key| ground.get(key).body != key.as_bytes());
            assert_eq!(keys, [""; 0], "acknowledged and lost");
        }
    });
}

#[test]
fn a_server_that_is_started_again_is_used_again() {
    each_in("it is started again", |vendor| {
        let mut ground = Ground::with(vendor, DEADLINE);
        assert_done(&ground.put("/kept", "acknowledged"));
        ground.server.restart();
        // Connections of before may be found broken, each once.
        let read = timed(|| ground.get("/kept"));
        if !matches!(read.status, 200 | 404) {
            assert_one_of(&read, &UNREAD);
        }
        ground.other_is_answered();
        serves_again(&ground);
        if vendor.kind.keeps_data() {
            assert_eq!(ground.get("/kept").text(), "acknowledged");
        }
    });
}

#[test]
fn a_server_that_stands_still_is_an_error_in_time_and_is_used_again_when_it_goes_on() {
    each_in("it stands still", |vendor| {
        let ground = Ground::with(vendor, DEADLINE);
        assert_done(&ground.put("/kept", "acknowledged"));
        ground.server.pause();
        for _ in 0..2 {
            fails_in_time(&ground, &UNREAD, &UNWRITTEN);
        }
        says(&ground, 503);
        ground.server.resume();
        says(&ground, 200);
        serves_again(&ground);
        assert_eq!(ground.get("/kept").text(), "acknowledged");
    });
}

#[test]
fn a_server_that_is_not_there_at_the_start_is_told_of_and_waited_for() {
    each_in("it is not there at the start", |vendor| {
        let mut server = vendor.serve();
        server.stop();
        let address = server.address();
        if vendor.start == Start::Asks {
            let ended = launch(vendor, &server, &address, "deadline = \"20s\"").run(b"");
            assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
            assert!(ended.stderr.contains("does not start"), "{}", ended.stderr);
        }
        let more = match vendor.start {
            Start::Asks => "start = \"first-use\"\ndeadline = \"2s\"",
            Start::Trusts => DEADLINE,
        };
        let host = launch(vendor, &server, &address, more).start();
        let mut ground = Ground { server, host };
        assert_error(&timed(|| ground.get("/k")), 503, "unavailable");
        assert_one_of(&timed(|| ground.put("/k", "perhaps")), &UNWRITTEN);
        ground.other_is_answered();
        ground.server.restart();
        serves_again(&ground);
    });
}

#[test]
fn a_host_that_starts_without_a_server_says_so_and_has_it_once_it_is_there_although_nobody_asks() {
    let vendor = POSTGRESQL;
    let mut server = vendor.serve();
    server.stop();
    let more = "ignoreErrors = true\ndeadline = \"2s\"";
    let host = launch(vendor, &server, &server.address(), more).watched().start();
    host.wait_for_log("the host starts without it, since `ignoreErrors` is set");
    let health = host.health();
    let status = |store: &str| health.json()["stores"][store]["status"].clone();
    assert_eq!(
        (health.status, status("statestore"), status("other")),
        (503, "failing".into(), "ok".into())
    );
    assert_eq!(host.health_of("/healthz/live").status, 200);
    assert_eq!(host.health_of("/healthz/ready").status, 503);
    assert_error(&timed(|| host.get("/k")), 503, "unavailable");
    other_is_answered(&host);
    server.restart();
    until("the host to be ready", PATIENCE, || {
        (host.health().status == 200).then_some(())
    });
    let ground = Ground { server, host };
    assert_done(&ground.put("/k", "value"));
    assert_eq!(ground.get("/k").text(), "value");
}

/// A store whose connections pass through what cuts them. It has more time than a cut takes to be noticed.
fn behind_a_proxy(vendor: Vendor) -> (Ground, Proxy) {
    let server = vendor.serve();
    let proxy = Proxy::before(server.port());
    let host = launch(vendor, &server, &proxy.address(), "deadline = \"20s\"").start();
    (Ground { server, host }, proxy)
}

/// The answer to a read that is repeated while there is none.
fn read(host: &Host, target: &str) -> Response {
    until("an answer", PATIENCE, || {
        let response = timed(|| host.get(target));
        matches!(response.status, 200 | 404).then_some(response)
    })
}

#[test]
fn a_reply_to_a_read_that_is_cut_in_the_middle_is_an_error_or_the_whole_value() {
    each_in("a reply to a read is cut", |vendor| {
        let (ground, proxy) = behind_a_proxy(vendor);
        let value: String = (0..20_000).map(|number| format!("{number:05}")).collect();
        assert_done(&ground.put("/large", &value));
        for bytes in [1, 30, 5000, 90_000] {
            proxy.cut_after(bytes);
            let response = timed(|| ground.get("/large"));
            match response.status {
                200 => assert!(response.body == value.as_bytes(), "{bytes}"),
                _ => assert_one_of(&response, &UNREAD),
            }
            ground.other_is_answered();
            assert!(read(&ground.host, "/large").body == value.as_bytes(), "{bytes}");
        }
    });
}

#[test]
fn a_reply_to_a_write_that_is_cut_in_the_middle_says_nothing_that_is_not_so() {
    each_in("a reply to a write is cut", |vendor| {
        let (ground, proxy) = behind_a_proxy(vendor);
        for bytes in 1..4 {
            let (target, value) = (format!("/{bytes}"), format!("value {bytes}"));
            proxy.cut_after(bytes);
            let write = timed(|| ground.put(&target, &value));
            says_what_is_so(&ground, &target, &write, &value);
        }
        ground.other_is_answered();
        if vendor.etags == Feature::Lacking {
            return;
        }
        // What is read before such a write is cut, too. Of Redis that is 46 bytes.
        for bytes in [1, 12, 24, 47, 48, 49, 80, 110, 140, 170] {
            let (target, value) = (format!("/conditional-{bytes}"), format!("value {bytes}"));
            until("a first value", PATIENCE, || {
                (ground.put(&target, "before").status == 204).then_some(())
            });
            let etag = read(&ground.host, &target).header("etag").unwrap().to_owned();
            proxy.cut_after(bytes);
            let call = ground.host.call("PUT", &target).header("if-match", &etag);
            let write = timed(|| call.body(&*value).send());
            says_what_is_so(&ground, &target, &write, &value);
        }
    });
}

/// Holds what was said of a write to what is there: done is there, not done is not, and a mismatch there was none.
fn says_what_is_so(ground: &Ground, target: &str, write: &Response, value: &str) {
    let is_there = read(&ground.host, target).body == value.as_bytes();
    match write.status {
        204 => assert!(is_there, "{target} was acknowledged and is not there"),
        503 => assert!(!is_there, "{target} is there: {}", write.text()),
        _ => assert_error(write, 504, "outcome-unknown"),
    }
}
