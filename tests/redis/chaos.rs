//! Servers that die, stop, are full and come back under load, and connections that are cut, each with the policies that a store
//! has as it comes, and with none: nobody starts the host again.

use crate::ground::launch;
use dapr_wasm_tests::chaos::{Chaos, DEADLINE};
use dapr_wasm_tests::servers::{Kind, Proxy, Server, Setup};
use dapr_wasm_tests::{Host, PATIENCE, until};

/// Bytes of a small disk.
const DISK: u64 = 32 << 20;

/// What is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    /// What is safe, as it comes.
    AsItComes,
    /// Nothing: the store is on its own.
    Nothing,
}

impl Again {
    const BOTH: [Self; 2] = [Self::AsItComes, Self::Nothing];

    /// What a table calls the store.
    fn store(self) -> &'static str {
        match self {
            Self::AsItComes => "`redis`",
            Self::Nothing => "`redis` without retries",
        }
    }

    fn policies(self) -> &'static str {
        match self {
            Self::AsItComes => "",
            Self::Nothing => "[resiliency.policies.retries.DefaultRetryPolicy]\nmaxRetries = 0",
        }
    }
}

fn serve(setup: Setup, again: Again) -> (Server, Host) {
    let server = setup.start();
    let more = format!("deadline = \"{DEADLINE:?}\"\n{}", again.policies());
    let host = launch(&server.address(), &more).watched().start();
    (server, host)
}

/// A store whose connections pass through what cuts them. It has more time than an answer may take: nobody waits for what will
/// not come.
fn behind_a_proxy(again: Again) -> (Server, Proxy, Host) {
    let server = Setup::of(Kind::Redis).start();
    let proxy = Proxy::before(server.port());
    let more = format!("deadline = \"10s\"\nreadTimeout = \"10s\"\n{}", again.policies());
    let host = launch(&proxy.address(), &more).start();
    (server, proxy, host)
}

fn says(host: &Host, status: u16) {
    until("the host to say how it is", PATIENCE, || {
        (host.health().status == status).then_some(())
    });
}

#[test]
fn a_server_that_is_killed_and_started_again_has_what_was_acknowledged_and_nothing_that_was_refused() {
    for again in Again::BOTH {
        let (mut server, host) = serve(Setup::of(Kind::Redis), again);
        Chaos::under(again.store(), "killed and started, three times", &host, |chaos| {
            for _ in 0..3 {
                server.kill();
                chaos.more_fail(20);
                says(&host, 503);
                server.restart();
                chaos.is_served_again();
                assert_eq!(host.health().status, 200, "{}", host.health().text());
                chaos.more_are_acknowledged();
            }
        });
    }
}

#[test]
fn a_server_that_stands_still_for_longer_than_a_call_may_take_is_used_again_when_it_goes_on() {
    for again in Again::BOTH {
        let (server, host) = serve(Setup::of(Kind::Redis), again);
        Chaos::under(again.store(), "stands still", &host, |chaos| {
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
fn connections_that_are_cut_in_the_middle_of_a_reply_leave_nothing_by_half() {
    for again in Again::BOTH {
        let (_server, proxy, host) = behind_a_proxy(again);
        Chaos::under(again.store(), "replies cut in the middle, 21 times", &host, |chaos| {
            for bytes in (1..40).step_by(2).chain([150]) {
                proxy.cut_after(bytes);
                chaos.is_served_again();
                chaos.more_are_acknowledged();
            }
            match again {
                // Writes without a condition may be tried again: nobody feels it.
                Again::AsItComes => assert_eq!(chaos.failed(), 0),
                // A cut behind all replies that wait is felt by nobody.
                Again::Nothing => assert!(chaos.failed() >= 10, "{}", chaos.failed()),
            }
        });
    }
}

#[test]
fn a_server_that_nobody_reaches_for_a_while_is_used_again() {
    for again in Again::BOTH {
        let (_server, proxy, host) = behind_a_proxy(again);
        Chaos::under(again.store(), "not reached, three times", &host, |chaos| {
            for _ in 0..3 {
                proxy.refuse();
                proxy.cut();
                chaos.more_fail(20);
                proxy.accept();
                chaos.is_served_again();
                chaos.more_are_acknowledged();
            }
        });
    }
}

#[test]
fn a_server_whose_disk_is_full_refuses_writes_answers_reads_and_has_all_when_there_is_room_again() {
    let again = Again::AsItComes;
    let (mut server, host) = serve(Setup::of(Kind::Redis).disk(DISK), again);
    Chaos::under(again.store(), "its disk is full", &host, |chaos| {
        server.fill_disk();
        let refused = until("a write to be refused", PATIENCE, || {
            let answer = host.client().put("/full", "v");
            (answer.status == 503).then_some(answer)
        });
        assert!(
            refused.text().contains("Redis takes no writes now"),
            "{}",
            refused.text()
        );
        chaos.more_fail(20);
        chaos.more_are_read(100);
        assert_eq!(host.health().status, 200, "{}", host.health().text());
        server.free_disk();
        chaos.is_served_again();
        // What was acknowledged while it could not be written to the disk is there by now.
        server.kill();
        server.restart();
    });
}

#[test]
fn a_server_whose_memory_is_full_refuses_writes_answers_reads_and_takes_writes_when_there_is_room_again() {
    let again = Again::AsItComes;
    let (server, host) = serve(Setup::of(Kind::Redis), again);
    Chaos::under(again.store(), "its memory is full", &host, |chaos| {
        server.client(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
        server.client(&["CONFIG", "SET", "maxmemory", "1mb"]);
        chaos.more_fail(20);
        chaos.more_are_read(100);
        assert_eq!(host.health().status, 200, "{}", host.health().text());
        server.client(&["CONFIG", "SET", "maxmemory", "0"]);
        chaos.is_served_again();
    });
}

#[test]
fn a_server_that_stands_still_while_nobody_calls_is_told_of_and_found_again() {
    let (server, host) = serve(Setup::of(Kind::Redis), Again::AsItComes);
    assert_eq!(host.health().status, 200);
    server.pause();
    says(&host, 503);
    server.resume();
    says(&host, 200);
    assert_eq!(host.client().put("/k", "v").status, 204);
}

#[test]
fn the_log_names_the_store_whose_call_is_tried_again() {
    let (mut server, host) = {
        let server = Setup::of(Kind::Redis).start();
        let host = launch(&server.address(), "").option("--log=info").start();
        (server, host)
    };
    assert_eq!(host.client().put("/k", "v").status, 204);
    server.kill();
    assert_eq!(host.get("/k").status, 503);
    let line = host.wait_for_log("a call to a state store is tried again");
    for part in ["statestore", "operation", "get", "there is no connection to Redis"] {
        assert!(line.contains(part), "{line}");
    }
}
