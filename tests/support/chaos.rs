//! Many clients that write and read all the time while something happens to the server of their store, and what came of it:
//! what was acknowledged is there, what was refused is not, no transaction is there by half, and every answer comes in time.

use crate::client::{Client, Response};
use crate::host::Host;
use crate::told::tell;
use crate::wait::{PATIENCE, until};
use serde_json::{Value, json};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The deadline that the store of a host under load is to have.
pub const DEADLINE: Duration = Duration::from_secs(2);

/// How long an answer may take: the deadline, and what a busy machine adds. Less than the stores' own patience where a test
/// gives them more than the deadline.
const IN_TIME: Duration = Duration::from_secs(9);

/// Clients, each with a connection that it keeps.
const CLIENTS: usize = 24;

/// How often each of them asks: a steady load, which also a slow machine can serve, and which does not become a flood where
/// everything is refused at once.
const EVERY: Duration = Duration::from_millis(25);

/// Writes that are acknowledged between two faults.
const BETWEEN: usize = 100;

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

/// What there is of a client's writes that should be otherwise.
#[derive(Default)]
struct Wrong {
    lost: Vec<Write>,
    there: Vec<Write>,
    torn: Vec<Write>,
}

/// The clients at work.
pub struct Chaos {
    ends: AtomicBool,
    acknowledged: AtomicUsize,
    failed: AtomicUsize,
    read: AtomicUsize,
    longest_ms: AtomicU64,
    /// The longest that it took to be served again, if it ever was not.
    again: Mutex<Option<Duration>>,
}

impl Chaos {
    /// Has clients at work while `fault` happens to the server of `store`, holds what they were told to what is there, and
    /// tells what was seen.
    ///
    /// # Panics
    ///
    /// If anything that was acknowledged is lost, anything that was refused is there, or a transaction is there by half.
    pub fn under(store: &str, fault: &str, host: &Host, happens: impl FnOnce(&Self)) {
        let chaos = Self {
            ends: AtomicBool::new(false),
            acknowledged: AtomicUsize::new(0),
            failed: AtomicUsize::new(0),
            read: AtomicUsize::new(0),
            longest_ms: AtomicU64::new(0),
            again: Mutex::default(),
        };
        let all = thread::scope(|scope| {
            let chaos = &chaos;
            let client = |number| {
                let client = Client::kept(host.port());
                scope.spawn(move || chaos.work(number, &client))
            };
            let clients: Vec<_> = (0..CLIENTS).map(client).collect();
            // Also if a claim fails, so that the test ends.
            let ended = Ends(&chaos.ends);
            chaos.more_are_acknowledged();
            happens(chaos);
            chaos.more_are_acknowledged();
            drop(ended);
            let work = clients.into_iter().map(|client| client.join().unwrap());
            work.collect::<Vec<_>>()
        });
        let count = |said| all.iter().flatten().filter(|write| write.said == said).count();
        let (done, refused, in_doubt) = (count(Said::Done), count(Said::NotDone), count(Said::Perhaps));
        let wrong = looked_at(host, all);
        let row = [
            store.to_owned(),
            fault.to_owned(),
            done.to_string(),
            refused.to_string(),
            in_doubt.to_string(),
            wrong.lost.len().to_string(),
            wrong.torn.len().to_string(),
            chaos.longest_ms.into_inner().to_string(),
            chaos
                .again
                .into_inner()
                .unwrap()
                .map_or_else(String::new, |again| again.as_millis().to_string()),
        ];
        println!("{}", row.join(" | "));
        assert!(wrong.lost.is_empty(), "acknowledged and lost: {:?}", wrong.lost);
        assert!(wrong.torn.is_empty(), "there by half: {:?}", wrong.torn);
        assert!(wrong.there.is_empty(), "refused and there: {:?}", wrong.there);
        tell(&row);
    }

    /// Writes and reads until it is enough: a key of its own, two keys and a delete in a transaction, then what was
    /// acknowledged last.
    fn work(&self, client: usize, asks: &Client) -> Vec<Write> {
        let (mut writes, mut last) = (Vec::new(), None::<String>);
        let mut next = Instant::now();
        for number in 0.. {
            if self.ends.load(Ordering::Relaxed) {
                break;
            }
            thread::sleep(next.saturating_duration_since(Instant::now()));
            next = Instant::now() + EVERY;
            let keys: Vec<_> = match number % 3 {
                0 => vec![format!("own/{client}/{number}")],
                1 => ["left", "right"]
                    .map(|side| format!("pair/{client}/{number}/{side}"))
                    .into(),
                _ => {
                    if let Some(key) = &last {
                        self.read(asks, key);
                    }
                    continue;
                }
            };
            let said = self.write(asks, client, &keys);
            if said == Said::Done {
                last = keys.first().cloned();
            }
            writes.push(Write { keys, said });
        }
        writes
    }

    fn write(&self, asks: &Client, client: usize, keys: &[String]) -> Said {
        let answer = self.timed(|| match keys {
            [key] => asks.put(&format!("/{key}"), key.as_str()),
            keys => {
                let sets = keys.iter().map(|key| json!({ "op": "set", "key": key, "value": key }));
                let delete = json!({ "op": "delete", "key": format!("pair/{client}/none") });
                asks.post("/", sets.chain([delete]).collect::<Value>().to_string())
            }
        });
        let (said, count) = match answer.status {
            204 => (Said::Done, &self.acknowledged),
            503 => (Said::NotDone, &self.failed),
            504 => (Said::Perhaps, &self.failed),
            other => panic!("{other}: {}", answer.text()),
        };
        match said {
            Said::Done => {}
            Said::NotDone => assert_eq!(error(&answer), "unavailable"),
            Said::Perhaps => assert_eq!(error(&answer), "outcome-unknown"),
        }
        count.fetch_add(1, Ordering::Relaxed);
        said
    }

    /// Reads what was acknowledged: it is there, or the store cannot be asked.
    fn read(&self, asks: &Client, key: &str) {
        let answer = self.timed(|| asks.get(&format!("/{key}")));
        match answer.status {
            200 => {
                assert_eq!(answer.text(), key);
                self.read.fetch_add(1, Ordering::Relaxed);
            }
            503 => assert_eq!(error(&answer), "unavailable"),
            other => panic!("{key} was acknowledged: {other} {}", answer.text()),
        }
    }

    fn timed(&self, ask: impl FnOnce() -> Response) -> Response {
        let asked = Instant::now();
        let answer = ask();
        let took = asked.elapsed();
        self.longest_ms.fetch_max(took.as_millis() as u64, Ordering::Relaxed);
        assert!(took < IN_TIME, "{took:?}: {}", answer.text());
        answer
    }

    /// How many writes have failed so far.
    pub fn failed(&self) -> usize {
        self.failed.load(Ordering::Relaxed)
    }

    /// Waits until some more writes are acknowledged.
    pub fn more_are_acknowledged(&self) {
        self.more("writes to be acknowledged", &self.acknowledged, BETWEEN);
    }

    /// Waits until so many more writes have failed.
    pub fn more_fail(&self, count: usize) {
        self.more("writes to fail", &self.failed, count);
    }

    /// Waits until so many more reads are answered.
    pub fn more_are_read(&self, count: usize) {
        self.more("reads to be answered", &self.read, count);
    }

    fn more(&self, what: &str, of: &AtomicUsize, count: usize) {
        let before = of.load(Ordering::Relaxed);
        until(what, PATIENCE, || {
            (of.load(Ordering::Relaxed) >= before + count).then_some(())
        });
    }

    /// From now on the server is there again.
    pub fn is_served_again(&self) {
        let (begun, before) = (Instant::now(), self.acknowledged.load(Ordering::Relaxed));
        until("the store to serve again", PATIENCE, || {
            (self.acknowledged.load(Ordering::Relaxed) > before).then_some(())
        });
        let mut longest = self.again.lock().unwrap();
        *longest = (*longest).max(Some(begun.elapsed()));
    }
}

/// Tells clients to end.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The case of an error that the app tells.
fn error(answer: &Response) -> String {
    let said = answer.json();
    let case = said.get("error").and_then(Value::as_str);
    case.unwrap_or_else(|| panic!("{}: {said}", answer.status)).to_owned()
}

/// Holds what clients were told to what is there.
fn looked_at(host: &Host, all: Vec<Vec<Write>>) -> Wrong {
    let look = |writes: Vec<Write>| {
        let (mut wrong, client) = (Wrong::default(), Client::kept(host.port()));
        for write in writes {
            let there = write.keys.iter().filter(|key| is_there(&client, key)).count();
            let (none, each) = (there == 0, there == write.keys.len());
            match write.said {
                _ if !none && !each => wrong.torn.push(write),
                Said::Done if none => wrong.lost.push(write),
                Said::NotDone if each => wrong.there.push(write),
                _ => {}
            }
        }
        wrong
    };
    let mut wrong = Wrong::default();
    thread::scope(|scope| {
        let looks: Vec<_> = all
            .into_iter()
            .map(|writes| scope.spawn(move || look(writes)))
            .collect();
        for of_one in looks {
            let of_one = of_one.join().unwrap();
            wrong.lost.extend(of_one.lost);
            wrong.there.extend(of_one.there);
            wrong.torn.extend(of_one.torn);
        }
    });
    wrong
}

fn is_there(client: &Client, key: &str) -> bool {
    let found = client.get(&format!("/{key}"));
    match found.status {
        200 => found.body == key.as_bytes(),
        404 => false,
        other => panic!("{key}: {other} {}", found.text()),
    }
}
