//! Servers that die, stop and come back under load, and connections that are cut: what was acknowledged is there, what was
//! refused is not, no transaction is there by half, answers come in time, and nobody starts the host again.

use crate::ground::launch;
use dapr_wasm_tests::client::Client;
use dapr_wasm_tests::servers::{Kind, Proxy, Server, Setup};
use dapr_wasm_tests::{Host, PATIENCE, until};
use serde_json::{Value, json};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The deadline of the store.
const DEADLINE: &str = "deadline = \"2s\"";

/// Leaves the store on its own: nothing is tried again.
const ALONE: &str = "[resiliency.policies.retries.DefaultRetryPolicy]\nmaxRetries = 0";

/// How long an answer may take: the deadline of two seconds, and what a busy machine adds.
const IN_TIME: Duration = Duration::from_secs(4);

/// How many write at once.
const WRITERS: usize = 6;

/// Writes that are acknowledged between two faults.
const BETWEEN: usize = 40;

/// What was said of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Done,
    NotDone,
    Perhaps,
}

/// A write of keys that nobody else writes, and never again.
#[derive(Debug)]
struct Write {
    keys: Vec<String>,
    said: Said,
}

/// Several that write at once, and what they were told.
#[derive(Default)]
struct Load {
    ends: AtomicBool,
    acknowledged: AtomicUsize,
    failed: AtomicUsize,
    longest_ms: AtomicU64,
    writes: Mutex<Vec<Write>>,
    /// The longest that it took to be served again.
    again: Mutex<Duration>,
}

impl Load {
    /// Has writers at work while faults happen, and then holds what they were told to what is there.
    fn under(fault: &str, host: &Host, happens: impl FnOnce(&Self)) {
        let load = Self::default();
        thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (load, client) = (&load, host.client().clone());
                scope.spawn(move || load.write(writer, &client));
            }
            // Also if a claim fails, so that the test ends.
            let ended = Ends(&load.ends);
            load.more_are_acknowledged();
            happens(&load);
            load.more_are_acknowledged();
            drop(ended);
        });
        let writes = load.writes.into_inner().unwrap();
        let count = |said| writes.iter().filter(|write| write.said == said).count();
        let (done, not, perhaps) = (count(Said::Done), count(Said::NotDone), count(Said::Perhaps));
        let (longest, again) = (load.longest_ms.into_inner(), load.again.into_inner().unwrap());
        println!(
            "{fault}: {done} done, {not} not done, {perhaps} perhaps; longest answer {longest} ms, served again after \
             {again:?}"
        );
        let is_there = |key: &String| match host.get(&format!("/{key}")) {
            found if found.status == 200 => found.body == key.as_bytes(),
            missing => {
                assert_eq!(missing.status, 404, "{key}: {}", missing.text());
                false
            }
        };
        for Write { keys, said } in &writes {
            let there = keys.iter().filter(|key| is_there(key)).count();
            let expected = match said {
                Said::Done => there == keys.len(),
                Said::NotDone => there == 0,
                Said::Perhaps => there == 0 || there == keys.len(),
            };
            assert!(expected, "{said:?}, and {there} of {keys:?} are there");
        }
    }

    fn write(&self, writer: usize, client: &Client) {
        for number in 0.. {
            if self.ends.load(Ordering::Relaxed) {
                return;
            }
            let keys: Vec<_> = match number % 2 {
                0 => vec![format!("own/{writer}/{number}")],
                _ => ["left", "right"]
                    .map(|side| format!("pair/{writer}/{number}/{side}"))
                    .into(),
            };
            let said = self.ask(client, &keys);
            self.writes.lock().unwrap().push(Write { keys, said });
        }
    }

    fn ask(&self, client: &Client, keys: &[String]) -> Said {
        let asked = Instant::now();
        let answer = match keys {
            [key] => client.put(&format!("/{key}"), key.as_str()),
            keys => {
                let sets = keys.iter().map(|key| json!({ "op": "set", "key": key, "value": key }));
                client.post("/", sets.collect::<Value>().to_string())
            }
        };
        let took = asked.elapsed();
        assert!(took < IN_TIME, "{took:?}: {}", answer.text());
        self.longest_ms.fetch_max(took.as_millis() as u64, Ordering::Relaxed);
        let said = match answer.status {
            204 => Said::Done,
            503 => Said::NotDone,
            504 => Said::Perhaps,
            other => panic!("{other}: {}", answer.text()),
        };
        let count = match said {
            Said::Done => &self.acknowledged,
            Said::NotDone | Said::Perhaps => &self.failed,
        };
        count.fetch_add(1, Ordering::Relaxed);
        said
    }

    fn more_are_acknowledged(&self) {
        let before = self.acknowledged.load(Ordering::Relaxed);
        until("writes to be acknowledged", PATIENCE, || {
            (self.acknowledged.load(Ordering::Relaxed) >= before + BETWEEN).then_some(())
        });
    }

    fn more_fail(&self, count: usize) {
        let before = self.failed.load(Ordering::Relaxed);
        until("writes to fail", PATIENCE, || {
            (self.failed.load(Ordering::Relaxed) >= before + count).then_some(())
        });
    }

    /// From now on the server is there again.
    fn is_served_again(&self) {
        let (begun, before) = (Instant::now(), self.acknowledged.load(Ordering::Relaxed));
        until("the store to serve again", PATIENCE, || {
            (self.acknowledged.load(Ordering::Relaxed) > before).then_some(())
        });
        let mut longest = self.again.lock().unwrap();
        *longest = longest.max(begun.elapsed());
    }
}

/// Tells writers to end.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn serve() -> (Server, Host) {
    let server = Setup::of(Kind::Redis).start();
    let host = launch(&server.address(), &format!("{DEADLINE}\n{ALONE}"))
        .watched()
        .start();
    (server, host)
}

/// A store whose connections pass through what cuts them. It has more time than an answer may take: nobody waits for what will
/// not come.
fn behind_a_proxy(policies: &str) -> (Server, Proxy, Host) {
    let server = Setup::of(Kind::Redis).start();
    let proxy = Proxy::before(server.port());
    let more = format!("deadline = \"10s\"\nreadTimeout = \"10s\"\n{policies}");
    let host = launch(&proxy.address(), &more).start();
    (server, proxy, host)
}

#[test]
fn a_server_that_is_killed_and_started_again_has_what_was_acknowledged_and_nothing_that_was_refused() {
    let (mut server, host) = serve();
    Load::under("killed", &host, |load| {
        for _ in 0..5 {
            server.kill();
            load.more_fail(20);
            until("the host to say so", PATIENCE, || {
                (host.health().status == 503).then_some(())
            });
            server.restart();
            load.is_served_again();
            assert_eq!(host.health().status, 200, "{}", host.health().text());
            load.more_are_acknowledged();
        }
    });
}

#[test]
fn a_server_that_stands_still_for_longer_than_a_call_may_take_is_used_again_when_it_goes_on() {
    let (server, host) = serve();
    Load::under("stopped", &host, |load| {
        for _ in 0..2 {
            server.pause();
            load.more_fail(3 * WRITERS);
            until("the host to say so", PATIENCE, || {
                (host.health().status == 503).then_some(())
            });
            server.resume();
            load.is_served_again();
            load.more_are_acknowledged();
        }
    });
}

#[test]
fn connections_that_are_cut_in_the_middle_of_a_reply_leave_nothing_by_half() {
    let (_server, proxy, host) = behind_a_proxy(ALONE);
    Load::under("cut in a reply", &host, |load| {
        for bytes in (1..40).chain([60, 100, 150]) {
            proxy.cut_after(bytes);
            load.is_served_again();
            load.more_are_acknowledged();
        }
        // A cut behind all replies that wait is felt by nobody.
        assert!(load.failed.load(Ordering::Relaxed) >= 20);
    });
}

#[test]
fn connections_that_are_cut_are_felt_by_nobody_whose_writes_may_be_tried_again() {
    let (_server, proxy, host) = behind_a_proxy("");
    Load::under("cut, and tried again", &host, |load| {
        for bytes in (1..40).chain([60, 100, 150]) {
            proxy.cut_after(bytes);
            load.more_are_acknowledged();
        }
        assert_eq!(load.failed.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn a_server_that_nobody_reaches_for_a_while_is_used_again() {
    let (_server, proxy, host) = behind_a_proxy(ALONE);
    Load::under("unreachable", &host, |load| {
        for _ in 0..5 {
            proxy.refuse();
            proxy.cut();
            load.more_fail(20);
            proxy.accept();
            load.is_served_again();
            load.more_are_acknowledged();
        }
    });
}

#[test]
fn a_server_that_stands_still_while_nobody_calls_is_told_of_and_found_again() {
    let (server, host) = serve();
    assert_eq!(host.health().status, 200);
    server.pause();
    until("the host to say so", PATIENCE, || {
        (host.health().status == 503).then_some(())
    });
    server.resume();
    until("the host to be well", PATIENCE, || {
        (host.health().status == 200).then_some(())
    });
    assert_eq!(host.client().put("/k", "v").status, 204);
}
