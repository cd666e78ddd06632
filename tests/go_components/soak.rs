//! Many operations of many callers on a store whose server stands still now and then, so that deadlines expire in the middle
//! of all that can be under way: no answer that differs from what was acknowledged, and nothing that grows.
//!
//! A few thousand operations unless `DAPR_WASM_SOAK` says how many: `cargo xtask soak` runs two million.

use crate::ground::Ground;
use crate::vendors::{REDIS, Vendor};
use dapr_wasm_tests::process::Facts;
use dapr_wasm_tests::servers::Server;
use dapr_wasm_tests::{Client, PATIENCE, Response, tell, until};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Callers, each with keys of its own.
const CALLERS: u64 = 32;

/// Keys of a caller.
const KEYS: u64 = 40;

/// How often the server stands still, and how long: longer than calls have.
const PAUSES: u64 = 40;
const PAUSE: Duration = Duration::from_secs(3);

/// An instance has little memory, so that Go, which gives none back, soon has all that it may: what grows after that is a leak.
const SETTINGS: &str = "deadline = \"2s\"\nmemory = \"128MiB\"";

/// When the host is looked at, in tenths of the operations. By the second time all instances are there, and have had the
/// largest values.
const LOOKS: [u64; 3] = [1, 5, 10];

/// What the host may use more of in the end than after five tenths.
const MORE: u64 = 16 << 20;
const MORE_SOCKETS: usize = 16;

#[test]
fn a_soak_of_redis_shows_no_difference_and_nothing_grows() {
    soak(REDIS);
}

fn soak(vendor: Vendor) {
    let operations: u64 = std::env::var("DAPR_WASM_SOAK").map_or(8_000, |count| count.parse().expect("it is a number"));
    let Ground { server, host } = Ground::with(vendor, SETTINGS);
    let soak = Soak {
        port: host.port(),
        operations,
        done: &AtomicU64::new(0),
    };
    let begun = Instant::now();
    let (facts, callers) = thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| scope.spawn(move || soak.call(caller)))
            .collect();
        let looks = scope.spawn(|| LOOKS.map(|tenths| soak.after(tenths, || host.facts())));
        soak.pause(&server);
        let callers = callers
            .into_iter()
            .map(|caller| caller.join().expect("no caller saw a difference"));
        let callers: Vec<_> = callers.collect();
        (looks.join().expect("something was done all the time"), callers)
    });
    let took = begun.elapsed();
    let [_, early, late] = facts;
    let mut seen = Seen::default();
    for caller in callers {
        seen.add(&caller.seen);
        caller.check_doubtful();
    }
    assert!(
        seen.unknown > 0 && seen.unavailable > 0,
        "no deadline expired: {seen:?}"
    );
    assert!(late.anonymous <= early.anonymous + MORE, "{early:?}, then {late:?}");
    assert!(late.sockets <= early.sockets + MORE_SOCKETS, "{early:?}, then {late:?}");
    tell_of(vendor, operations, took, &seen, facts);
}

/// What callers and the server have in common.
#[derive(Clone, Copy)]
struct Soak<'a> {
    port: u16,
    /// Of all callers.
    operations: u64,
    done: &'a AtomicU64,
}

/// What a caller saw.
#[derive(Debug, Default)]
struct Seen {
    /// Operations that were not begun, or reads.
    unavailable: u64,
    /// Writes of which nobody knows.
    unknown: u64,
}

impl Seen {
    fn add(&mut self, other: &Self) {
        self.unavailable += other.unavailable;
        self.unknown += other.unknown;
    }
}

impl Soak<'_> {
    /// Makes the operations of a caller.
    fn call(self, caller: u64) -> Caller {
        let mut caller = Caller::new(self.port, caller);
        for _ in 0..self.operations / CALLERS {
            caller.operate();
            self.done.fetch_add(1, Ordering::Relaxed);
        }
        caller
    }

    /// What there is to see after some tenths of the operations.
    fn after<T>(self, tenths: u64, look: impl FnOnce() -> T) -> T {
        // The last caller's share of a rounded number.
        self.until_done(self.operations / CALLERS * CALLERS * tenths / 10);
        look()
    }

    fn until_done(self, operations: u64) {
        // As long as some are made, it goes on.
        let (mut before, mut since) = (0, Instant::now());
        loop {
            let done = self.done.load(Ordering::Relaxed);
            if done >= operations {
                return;
            }
            if done > before {
                (before, since) = (done, Instant::now());
            }
            assert!(since.elapsed() < PATIENCE, "nothing is done after {done} operations");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Has the server stand still every now and then. A short soak has few pauses.
    fn pause(self, server: &Server) {
        let pauses = (PAUSES * self.operations / 2_000_000).max(2);
        for pause in 1..=pauses {
            self.until_done(self.operations * (pause + 1) / (pauses + 2));
            server.pause();
            thread::sleep(PAUSE);
            server.resume();
        }
    }
}

/// A value is made of these, so that it need not be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Value {
    seed: u64,
    size: usize,
}

impl Value {
    fn bytes(self) -> Vec<u8> {
        let mut random = Random(self.seed);
        let mut bytes: Vec<u8> = (0..self.size.div_ceil(8))
            .flat_map(|_| random.next().to_le_bytes())
            .collect();
        bytes.truncate(self.size);
        bytes
    }
}

/// SplitMix64: the same numbers in each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ (number >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Mostly small, some large.
    fn value(&mut self) -> Value {
        let bits = match self.below(500) {
            0 => 20,
            _ => self.below(17),
        };
        Value {
            size: self.below(1 << bits) as usize,
            seed: self.next(),
        }
    }
}

/// One who calls, and knows what was acknowledged.
struct Caller {
    client: Client,
    random: Random,
    name: u64,
    /// Names that it has used.
    names: u64,
    items: Vec<Item>,
    /// Items of which nobody knows whether the last write was done, or will yet be. They are left alone until the end.
    doubtful: Vec<(String, [Option<Value>; 2])>,
    seen: Seen,
}

struct Item {
    path: String,
    holds: Option<Value>,
}

impl Caller {
    fn new(port: u16, name: u64) -> Self {
        let mut caller = Self {
            client: Client::kept(port),
            random: Random(name),
            name,
            names: 0,
            items: Vec::new(),
            doubtful: Vec::new(),
            seen: Seen::default(),
        };
        caller.items = (0..KEYS).map(|_| caller.item()).collect();
        caller
    }

    fn item(&mut self) -> Item {
        self.names += 1;
        Item {
            path: format!("/{}-{}", self.name, self.names),
            holds: None,
        }
    }

    fn operate(&mut self) {
        let index = self.random.below(KEYS) as usize;
        let Item { path, holds } = &self.items[index];
        let (path, holds) = (path.clone(), *holds);
        match self.random.below(100) {
            0..45 => self.read(&path, holds),
            45..85 => {
                let value = self.random.value();
                let answer = self.client.put(&path, value.bytes());
                self.wrote(index, &answer, Some(value));
            }
            85..92 => {
                let value = self.random.value();
                let create = self.client.call("PUT", &path).header("If-None-Match", "*");
                let answer = create.body(value.bytes()).send();
                match (answer.status, holds) {
                    (412, Some(_)) => {}
                    (204, Some(_)) | (412, None) => {
                        panic!("{path} holds {holds:?}, and creating it is {}", answer.status)
                    }
                    _ => self.wrote(index, &answer, Some(value)),
                }
            }
            _ => {
                let answer = self.client.delete(&path);
                self.wrote(index, &answer, None);
            }
        }
    }

    fn read(&mut self, path: &str, holds: Option<Value>) {
        let answer = self.client.get(path);
        match (answer.status, holds) {
            (503, _) => self.seen.unavailable += 1,
            (404, None) => {}
            (200, Some(value)) => assert!(answer.body == value.bytes(), "{path} is not {value:?}"),
            (status, holds) => panic!("{path} holds {holds:?}, and reading it is {status}: {}", answer.text()),
        }
    }

    fn wrote(&mut self, index: usize, answer: &Response, value: Option<Value>) {
        match answer.status {
            204 => self.items[index].holds = value,
            503 => self.seen.unavailable += 1,
            504 => {
                self.seen.unknown += 1;
                let fresh = self.item();
                let Item { path, holds } = std::mem::replace(&mut self.items[index], fresh);
                self.doubtful.push((path, [holds, value]));
            }
            status => panic!("writing {} is {status}: {}", self.items[index].path, answer.text()),
        }
    }

    /// What nobody knew is one of the two that it can be.
    fn check_doubtful(&self) {
        for (path, either) in &self.doubtful {
            let answer = until("an answer", PATIENCE, || {
                let answer = self.client.get(path);
                (answer.status != 503).then_some(answer)
            });
            let held = match answer.status {
                404 => None,
                200 => Some(answer.body),
                status => panic!("reading {path} is {status}"),
            };
            let is_one = either.iter().any(|value| value.map(Value::bytes) == held);
            assert!(is_one, "{path} is neither of {either:?}");
        }
    }
}

fn tell_of(vendor: Vendor, operations: u64, took: Duration, seen: &Seen, facts: [Facts; 3]) {
    let mb = facts.map(|facts| format!("{:.0}", facts.anonymous as f64 / 1e6));
    let sockets = facts.map(|facts| facts.sockets.to_string());
    tell(&[
        format!("`{}`", vendor.component),
        operations.to_string(),
        format!("{:.0}", took.as_secs_f64()),
        format!("{:.0}", operations as f64 / took.as_secs_f64()),
        seen.unavailable.to_string(),
        seen.unknown.to_string(),
        mb.join(", "),
        sockets.join(", "),
    ]);
}
