//! Servers that die, stop, are full and come back under load, and replies that are cut, through the real host: on both layouts
//! with the policies that a store has as it comes, and on one with none.

use crate::ground::{Version, url};
use dapr_wasm_tests::chaos::{Chaos, DEADLINE};
use dapr_wasm_tests::servers::{Kind, Proxy, Server, Setup};
use dapr_wasm_tests::{Host, Launch, PATIENCE, until};
use std::time::{Duration, Instant};

/// What a call may take where nothing else is said.
const DEADLINE_AS_IT_COMES: Duration = Duration::from_secs(5);

/// The store's own timeout.
const TIMEOUT: Duration = DEADLINE;

/// Bytes of a small disk: a new database, and three files of its log.
const DISK: u64 = 128 << 20;

/// A layout, and what is tried again.
#[derive(Clone, Copy)]
struct Case {
    version: Version,
    /// What a table calls the store.
    store: &'static str,
    policies: &'static str,
}

const V1: Case = Case {
    version: Version::V1,
    store: "`postgresql` v1",
    policies: "",
};

const V2: Case = Case {
    version: Version::V2,
    store: "`postgresql` v2",
    policies: "",
};

const CASES: [Case; 3] = [
    V1,
    V2,
    Case {
        store: "`postgresql` v2 without retries",
        policies: "[resiliency.policies.retries.DefaultRetryPolicy]\nmaxRetries = 0\n",
        ..V2
    },
];

impl Case {
    /// The app on a store whose server is reached at this address.
    fn host(self, server: &Server, address: &str, deadline: Duration) -> Host {
        let version = match self.version {
            Version::V1 => "v1",
            Version::V2 => "v2",
        };
        let toml = format!(
            "[state.statestore]\ntype = \"postgresql\"\nversion = \"{version}\"\nconnectionString = \"{}\"\n\
             timeout = \"{TIMEOUT:?}\"\ndeadline = \"{deadline:?}\"\n{}",
            url(server, address),
            self.policies
        );
        Launch::guest("kv").components(&toml).watched().start()
    }

    fn serve(self, setup: Setup) -> (Server, Host) {
        let server = setup.start();
        let host = self.host(&server, &server.address(), DEADLINE);
        (server, host)
    }
}

fn says(host: &Host, status: u16) {
    until("the host to say how it is", PATIENCE, || {
        (host.health().status == status).then_some(())
    });
}

#[test]
fn a_server_that_is_killed_and_started_again_has_all_that_was_acknowledged() {
    for case in CASES {
        let (mut server, host) = case.serve(Setup::of(Kind::Postgresql));
        Chaos::under(case.store, "killed and started, three times", &host, |chaos| {
            for _ in 0..3 {
                server.kill();
                chaos.more_fail(20);
                says(&host, 503);
                server.restart();
                chaos.is_served_again();
                chaos.more_are_acknowledged();
                assert_eq!(host.health().status, 200, "{}", host.health().text());
            }
        });
    }
}

#[test]
fn a_server_that_comes_back_is_found_although_nobody_calls() {
    let (mut server, host) = V2.serve(Setup::of(Kind::Postgresql));
    server.kill();
    assert_eq!(host.get("/k").status, 503);
    assert_eq!(host.health().status, 503);
    server.restart();
    says(&host, 200);
}

/// As it comes: its timeout is four times the deadline of a call, which is what ends one.
#[test]
fn a_server_that_stands_still_is_told_of_and_found_again_with_the_timeouts_that_a_store_has_as_it_comes() {
    let server = Setup::of(Kind::Postgresql).start();
    let url = url(&server, &server.address());
    let toml = format!("[state.statestore]\ntype = \"postgresql\"\nconnectionString = \"{url}\"\n");
    let host = Launch::guest("kv").components(&toml).watched().start();
    assert_eq!(host.client().put("/k", "v").status, 204);
    server.pause();
    let begun = Instant::now();
    let answer = host.get("/k");
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(begun.elapsed() >= DEADLINE_AS_IT_COMES);
    let health = host.health();
    assert_eq!(health.status, 503, "{}", health.text());
    assert_eq!(
        health.json()["stores"]["statestore"]["reason"],
        "it did not answer in time"
    );
    server.resume();
    says(&host, 200);
    assert_eq!(host.get("/k").text(), "v");
}

#[test]
fn a_server_that_stands_still_opens_a_circuit_breaker_by_the_deadlines_of_calls() {
    let policies = "[resiliency.policies.circuitBreakers.DefaultCircuitBreakerPolicy]\n\
                    trip = \"consecutiveFailures >= 2\"\ntimeout = \"5s\"\n";
    let server = Setup::of(Kind::Postgresql).start();
    let url = url(&server, &server.address());
    let toml = format!(
        "[state.statestore]\ntype = \"postgresql\"\nconnectionString = \"{url}\"\ndeadline = \"1s\"\n{policies}"
    );
    let host = Launch::guest("kv").components(&toml).start();
    assert_eq!(host.client().put("/k", "v").status, 204);
    server.pause();
    for _ in 0..2 {
        let answer = host.get("/k").text();
        assert!(answer.contains("no answer within 1s"), "{answer}");
    }
    let refused = host.get("/k").text();
    assert!(refused.contains("its circuit breaker"), "{refused}");
    server.resume();
    until("the circuit breaker to close", PATIENCE, || {
        (host.get("/k").text() == "v").then_some(())
    });
}

#[test]
fn a_server_that_is_told_to_end_refuses_what_it_does_not_do() {
    for case in CASES {
        let (mut server, host) = case.serve(Setup::of(Kind::Postgresql));
        Chaos::under(case.store, "ended and started", &host, |chaos| {
            server.restart();
            chaos.is_served_again();
        });
    }
}

#[test]
fn a_server_that_stands_still_for_longer_than_the_timeout_is_used_again() {
    for case in CASES {
        let (server, host) = case.serve(Setup::of(Kind::Postgresql));
        Chaos::under(case.store, "stands still", &host, |chaos| {
            for _ in 0..2 {
                server.pause();
                chaos.more_fail(20);
                says(&host, 503);
                server.resume();
                chaos.is_served_again();
                chaos.more_are_acknowledged();
            }
        });
    }
}

#[test]
fn replies_that_are_cut_in_the_middle_say_nothing_that_is_not_so() {
    for case in CASES {
        let server = Setup::of(Kind::Postgresql).start();
        let proxy = Proxy::before(server.port());
        let host = case.host(&server, &proxy.address(), Duration::from_secs(10));
        Chaos::under(case.store, "replies cut in the middle, eleven times", &host, |chaos| {
            for bytes in [1, 5, 6, 20, 40, 60, 100, 150, 400, 1000, 5000] {
                proxy.cut_after(bytes);
                chaos.is_served_again();
                chaos.more_are_acknowledged();
            }
            if case.policies.is_empty() {
                assert_eq!(chaos.failed(), 0);
            }
            proxy.cut();
            chaos.is_served_again();
        });
    }
}

#[test]
fn a_server_whose_disk_is_full_refuses_writes_answers_reads_and_takes_writes_when_there_is_room_again() {
    for case in [V1, V2] {
        let (mut server, host) = case.serve(Setup::of(Kind::Postgresql).disk(DISK));
        assert_eq!(host.client().put("/before", "v").status, 204);
        Chaos::under(case.store, "its disk is full", &host, |chaos| {
            // A new file of the log, which has room where tables have none.
            server.client(&["SELECT pg_switch_wal()"]);
            chaos.more_are_acknowledged();
            server.fill_disk();
            chaos.more_fail(20);
            chaos.more_are_read(100);
            let refused = until("a write to be refused", PATIENCE, || {
                let answer = host.client().put("/full", "v".repeat(100_000));
                (answer.status == 503).then_some(answer)
            });
            assert!(
                refused.text().contains("the server's disk is full"),
                "{}",
                refused.text()
            );
            assert_eq!(host.client().delete("/before").status, 204);
            assert_eq!(host.health().status, 200, "{}", host.health().text());
            server.free_disk();
            chaos.is_served_again();
        });
    }
}

/// Then it ends, and often cannot even start, until somebody makes room.
#[test]
fn a_server_that_has_no_room_for_its_log_has_all_that_was_acknowledged_when_it_is_back() {
    let (mut server, host) = V2.serve(Setup::of(Kind::Postgresql).disk(DISK));
    Chaos::under(V2.store, "its disk is full, and its log with it", &host, |chaos| {
        server.fill_disk();
        // The next write needs a new file, and may be a part of this.
        server.client_if_it_answers(&["SELECT pg_switch_wal()"]);
        says(&host, 503);
        chaos.more_fail(20);
        server.free_disk();
        chaos.is_served_again();
    });
    says(&host, 200);
}

#[test]
fn the_log_names_the_store_whose_call_is_tried_again() {
    let server = Setup::of(Kind::Postgresql).start();
    let proxy = Proxy::before(server.port());
    let toml = format!(
        "[state.statestore]\ntype = \"postgresql\"\nversion = \"v2\"\nconnectionString = \"{}\"\n",
        url(&server, &proxy.address())
    );
    let host = Launch::guest("kv").components(&toml).option("--log=info").start();
    assert_eq!(host.client().put("/k", "v").status, 204);
    // The connection of before, and no new one: the first attempt fails, and all others.
    proxy.refuse();
    proxy.cut();
    assert_eq!(host.get("/k").status, 503);
    let line = host.wait_for_log("a call to a state store is tried again");
    for part in ["statestore", "operation", "get"] {
        assert!(line.contains(part), "{line}");
    }
}
