//! A component that panics while others wait for it: `tests/go-store-panics` in one instance, and `tests/go-postgresql-panics`,
//! whose items are on a server. What ends is the guest, with its sockets, so that it is the same for all servers.

use crate::ground::{assert_done, assert_error, assert_one_of, other_is_answered, with_installed};
use crate::vendors::POSTGRESQL;
use dapr_wasm_tests::{Client, Host, PATIENCE, Response, tell, until};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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

/// A client that writes one item again and again, and what it heard.
struct Writer {
    client: Client,
    path: String,
    /// What the item may hold: the last that was acknowledged, and what nobody knew about.
    acknowledged: u64,
    doubtful: Vec<u64>,
    longest: Duration,
}

impl Writer {
    fn new(host: &Host, number: usize) -> Self {
        Self {
            client: Client::kept(host.port()),
            path: format!("/counts-{number}"),
            acknowledged: 0,
            doubtful: Vec::new(),
            longest: Duration::ZERO,
        }
    }

    fn write(&mut self, value: u64) {
        let asked = Instant::now();
        let answer = self.client.put(&self.path, value.to_string());
        self.longest = self.longest.max(asked.elapsed());
        match answer.status {
            204 => self.acknowledged = value,
            _ => {
                assert_one_of(&answer, &[(503, "unavailable"), (504, "outcome-unknown")]);
                if answer.status == 504 {
                    self.doubtful.push(value);
                }
            }
        }
    }

    fn check(&self, host: &Host) {
        let held: u64 = host.get(&self.path).text().parse().expect("it is a number");
        let may_be = held == self.acknowledged || self.doubtful.contains(&held);
        assert!(
            may_be,
            "{} holds {held}, not {} or {:?}",
            self.path, self.acknowledged, self.doubtful
        );
    }
}

#[test]
fn a_panic_in_the_middle_of_64_writes_loses_nothing_that_was_acknowledged() {
    let server = POSTGRESQL.serve();
    let address = server.address();
    let mut table = format!(
        "[state.statestore]\ntype = \"go-postgresql-panics\"\ninstances = 1\ndeadline = \"25s\"\nallow-hosts = [{address:?}]\n"
    );
    for (name, value) in POSTGRESQL.settings(&server, &address) {
        table.push_str(&format!("{name} = {value:?}\n"));
    }
    let table = format!("{table}\n[state.other]\ntype = \"in-memory\"\n");
    let host = with_installed("kv").components(&table).start();
    let (stop, written) = (AtomicBool::new(false), AtomicU64::new(0));
    let (longest, again) = thread::scope(|scope| {
        let writers: Vec<_> = (0..MANY)
            .map(|number| {
                let (mut writer, stop, written) = (Writer::new(&host, number), &stop, &written);
                scope.spawn(move || {
                    for value in 1.. {
                        writer.write(value);
                        if writer.acknowledged == value {
                            written.fetch_add(1, Ordering::Relaxed);
                        }
                        if stop.load(Ordering::Relaxed) && writer.acknowledged == value {
                            break;
                        }
                    }
                    writer
                })
            })
            .collect();
        let more = |count: u64| {
            let before = written.load(Ordering::Relaxed);
            until("writes to be done", PATIENCE, || {
                (written.load(Ordering::Relaxed) >= before + count).then_some(())
            });
        };
        let (mut again, rounds) = (Duration::ZERO, 3);
        for _ in 0..rounds {
            more(3 * MANY as u64);
            assert_error(&host.get("/ends"), 503, "unavailable");
            let ended = Instant::now();
            more(1);
            again = again.max(ended.elapsed());
            other_is_answered(&host);
        }
        stop.store(true, Ordering::Relaxed);
        let mut longest = Duration::ZERO;
        for writer in writers {
            let writer = writer.join().expect("it heard nothing else");
            writer.check(&host);
            longest = longest.max(writer.longest);
        }
        (longest, again)
    });
    assert!(host.stderr().lines_with("an instance of the store broke").len() >= 3);
    tell(&[
        "`state.postgresql`".to_owned(),
        "the component panics under 64 writers".to_owned(),
        longest.as_millis().to_string(),
        again.as_millis().to_string(),
    ]);
}
