//! Servers that die, stop and come back under load, and replies that are cut, through the real host: nothing that was
//! acknowledged is lost, nothing that was refused is there, no transaction is there by half, and every answer comes in time.

use crate::ground::{VERSIONS, Version, url};
use dapr_wasm_tests::client::Client;
use dapr_wasm_tests::servers::{Kind, Proxy, Server};
use dapr_wasm_tests::{Host, Launch, PATIENCE, Response, until};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The store's own timeout, and how long an answer may take: that, and what a busy machine adds.
const TIMEOUT: Duration = Duration::from_secs(2);
const IN_TIME: Duration = Duration::from_secs(5);

/// How many write at once.
const WRITERS: usize = 4;

/// Writes that are acknowledged before each fault.
const ENOUGH: usize = 100;

/// A server, what stands before it, and a host with an app.
struct Ground {
    server: Server,
    proxy: Proxy,
    host: Host,
}

impl Ground {
    fn new(version: Version) -> Self {
        let server = Kind::Postgresql.start();
        let proxy = Proxy::before(server.port());
        let toml = format!(
            "[state.statestore]\ntype = \"postgresql\"\nversion = \"{version:?}\"\nconnectionString = \"{}\"\n\
             timeout = \"{TIMEOUT:?}\"\ndeadline = \"10s\"\n",
            url(&server, &proxy.address())
        );
        let host = Launch::guest("kv")
            .components(&toml.replace("\"V", "\"v"))
            .watched()
            .start();
        Self { server, proxy, host }
    }
}

/// What one of several writers knows of its writes, each of which has a number.
#[derive(Default)]
struct Known {
    /// The last pair that was acknowledged.
    pair: usize,
    /// Pairs of which nobody knows.
    perhaps: BTreeSet<usize>,
    /// Keys of its own that were acknowledged.
    done: Vec<usize>,
    /// Keys of its own that were refused.
    refused: Vec<usize>,
    longest: Duration,
}

enum Outcome {
    Done,
    Refused,
    Unknown,
}

impl Known {
    /// What is said of a write, which is said in time.
    fn outcome(&mut self, send: impl FnOnce() -> Response) -> Outcome {
        let begun = Instant::now();
        let response = send();
        let took = begun.elapsed();
        self.longest = self.longest.max(took);
        assert!(took < IN_TIME, "{took:?}: {}", response.text());
        if response.status == 204 {
            return Outcome::Done;
        }
        let said = response.json();
        match (response.status, said.get("error").and_then(Value::as_str)) {
            (503, Some("unavailable")) => Outcome::Refused,
            (504, Some("outcome-unknown")) => Outcome::Unknown,
            _ => panic!("{} {said}", response.status),
        }
    }

    /// Writes a pair that must stay equal and a key of its own, over and over.
    fn write(&mut self, name: usize, client: &Client, acknowledged: &AtomicUsize, is_over: &AtomicBool) {
        for number in 1.. {
            if is_over.load(Ordering::SeqCst) {
                return;
            }
            let pair = json!([
                { "op": "set", "key": format!("pair/{name}/left"), "value": number.to_string() },
                { "op": "set", "key": format!("pair/{name}/right"), "value": number.to_string() },
                { "op": "delete", "key": format!("pair/{name}/none") },
            ]);
            match self.outcome(|| client.call("POST", "/").body(pair.to_string()).send()) {
                Outcome::Done => {
                    self.pair = number;
                    acknowledged.fetch_add(1, Ordering::SeqCst);
                }
                Outcome::Unknown => {
                    self.perhaps.insert(number);
                }
                Outcome::Refused => {}
            }
            match self.outcome(|| client.put(&format!("/own/{name}/{number}"), number.to_string())) {
                Outcome::Done => {
                    self.done.push(number);
                    acknowledged.fetch_add(1, Ordering::SeqCst);
                }
                Outcome::Refused => self.refused.push(number),
                Outcome::Unknown => {}
            }
        }
    }

    /// Holds what it knows to what is there.
    fn check(&self, name: usize, host: &Host) {
        let side = |side: &str| -> usize { host.get(&format!("/pair/{name}/{side}")).text().parse().unwrap() };
        let (left, right) = (side("left"), side("right"));
        assert_eq!(left, right, "a transaction of writer {name} is torn");
        assert!(
            left == self.pair || self.perhaps.contains(&left),
            "writer {name} has {left}: {} was acknowledged, and {:?} may be",
            self.pair,
            self.perhaps
        );
        for number in &self.done {
            let found = host.get(&format!("/own/{name}/{number}"));
            assert_eq!(
                (found.status, found.text()),
                (200, number.to_string()),
                "lost: {name}/{number}"
            );
        }
        for number in &self.refused {
            let found = host.get(&format!("/own/{name}/{number}"));
            assert_eq!(found.status, 404, "refused, and there: {name}/{number}");
        }
    }
}

/// Writes from several clients while something happens to the server, then checks all that they know. `happens` leaves the
/// server well, and answers since when.
fn under_load(what: &str, version: Version, happens: impl FnOnce(&mut Ground, &dyn Fn(usize)) -> Instant) {
    let mut ground = Ground::new(version);
    let (acknowledged, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let client = ground.host.client().clone();
    let mut all: Vec<_> = (0..WRITERS).map(|_| Known::default()).collect();
    let recovered = thread::scope(|scope| {
        for (name, known) in all.iter_mut().enumerate() {
            let (client, acknowledged, is_over) = (&client, &acknowledged, &is_over);
            scope.spawn(move || known.write(name, client, acknowledged, is_over));
        }
        let wait = |more: usize| {
            let before = acknowledged.load(Ordering::SeqCst);
            until("some writes", PATIENCE, || {
                (acknowledged.load(Ordering::SeqCst) >= before + more).then_some(())
            });
        };
        // Whatever fails here, the writers end.
        let happened = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait(ENOUGH);
            let well = happens(&mut ground, &wait);
            wait(1);
            let recovered = well.elapsed();
            wait(ENOUGH);
            recovered
        }));
        is_over.store(true, Ordering::SeqCst);
        happened.unwrap_or_else(|cause| std::panic::resume_unwind(cause))
    });
    for (name, known) in all.iter().enumerate() {
        known.check(name, &ground.host);
    }
    let health = ground.host.health();
    assert_eq!(health.status, 200, "{}", health.text());
    let count = |of: fn(&Known) -> usize| all.iter().map(of).sum::<usize>();
    let longest = all.iter().map(|known| known.longest).max().unwrap();
    eprintln!(
        "{version:?}, {what}: {} acknowledged, {} refused, {} pairs unknown, longest {longest:?}, well after {recovered:?}",
        count(|known| known.done.len()),
        count(|known| known.refused.len()),
        count(|known| known.perhaps.len()),
    );
    assert!(recovered < Duration::from_secs(10), "{recovered:?}");
}

#[test]
fn a_server_that_is_killed_and_started_again_has_all_that_was_acknowledged() {
    for version in VERSIONS {
        under_load("killed three times", version, |ground, wait| {
            let mut well = Instant::now();
            for _ in 0..3 {
                ground.server.kill();
                let health = until("the host to tell", PATIENCE, || {
                    let health = ground.host.health();
                    (health.status == 503).then_some(health)
                });
                assert!(health.text().contains("failing"), "{}", health.text());
                ground.server.restart();
                well = Instant::now();
                wait(ENOUGH);
            }
            well
        });
    }
}

#[test]
fn a_server_that_comes_back_is_found_although_nobody_calls() {
    let mut ground = Ground::new(Version::V2);
    ground.server.kill();
    assert_eq!(ground.host.get("/k").status, 503);
    assert_eq!(ground.host.health().status, 503);
    ground.server.restart();
    until("the host to be well", PATIENCE, || {
        (ground.host.health().status == 200).then_some(())
    });
}

#[test]
fn a_server_that_is_told_to_end_refuses_what_it_does_not_do() {
    for version in VERSIONS {
        under_load("ended and started", version, |ground, _| {
            ground.server.restart();
            Instant::now()
        });
    }
}

#[test]
fn a_server_that_stands_still_for_longer_than_the_timeout_is_used_again() {
    for version in VERSIONS {
        under_load("stopped", version, |ground, _| {
            ground.server.pause();
            let stopped = Instant::now();
            until("longer than the timeout", PATIENCE, || {
                (stopped.elapsed() > TIMEOUT * 2).then_some(())
            });
            ground.server.resume();
            Instant::now()
        });
    }
}

#[test]
fn replies_that_are_cut_in_the_middle_say_nothing_that_is_not_so() {
    for version in VERSIONS {
        under_load("cut", version, |ground, wait| {
            for bytes in [1, 5, 6, 20, 40, 60, 100, 150, 400, 1000, 5000] {
                ground.proxy.cut_after(bytes);
                wait(10);
            }
            ground.proxy.cut();
            Instant::now()
        });
    }
}
