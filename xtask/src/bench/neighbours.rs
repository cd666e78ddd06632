//! What a store that breaks does to apps on other stores: one traps at every call, one hangs.

use super::budget::{Budget, Missed};
use super::client;
use super::figure::{micros, millis, whole};
use super::report::{Section, Table};
use super::rounds::{interleaved, median};
use super::server::Server;
use super::subject::Bench;
use super::wrk::{Load, Throughput};
use crate::guests;
use anyhow::Result;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The app's requests for an item in memory: less than what fills the machine, so that what is seen is waiting.
const CONNECTIONS: u32 = 4;

/// Calls of the store that breaks, a second.
const CALLS_A_SECOND: u64 = 1000;

/// Clients that make them. One that hangs makes as many calls as it has answers.
const CALLERS: u64 = 8;

const CONFIGURATION: &str = "\
[state.statestore]
type = \"in-memory\"

[state.broken]
type = \"wasm\"
deadline = \"1s\"
";

/// What happens beside the app.
#[derive(Clone, Copy)]
enum Beside {
    Nothing,
    /// Calls of a key of the store that breaks.
    Calls(&'static str),
}

/// What the app's clients saw, and how many calls there were beside it.
struct Seen {
    throughput: Throughput,
    calls: u64,
}

impl Beside {
    const ALL: [Self; 3] = [Self::Nothing, Self::Calls("trap"), Self::Calls("hang")];

    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Calls("trap") => "a store that traps",
            Self::Calls(_) => "a store that hangs",
        }
    }
}

pub(super) fn measure(bench: &Bench) -> Result<Section> {
    eprintln!("beside a store that breaks");
    let component = guests::test_guest("hostile-store").display().to_string();
    let configuration = format!("{CONFIGURATION}component = {component:?}\n");
    let server = bench
        .host_with(guests::example("kv"), "broken store", &configuration)?
        .start()?;
    client::put(server.address(), "/k", "value").map_err(|error| server.failed(error))?;
    let script = bench.file("item.lua", "wrk.path = \"/k\"\n")?;
    let load = Load {
        connections: CONNECTIONS,
        duration: bench.effort.turn(),
        script: Some(&script),
    };
    let rounds = interleaved(bench.effort.rounds(), &Beside::ALL, |beside| {
        beside.during(&server, &load).map_err(|error| server.failed(error))
    })?;
    Ok(section(&rounds))
}

fn section(rounds: &[Vec<Seen>]) -> Section {
    let measured = ["calls of it/s", "req/s", "p50, us", "p99, ms", "p99 x quiet"];
    let mut table = Table::new(["beside"], measured, ["budget", "x budget", ""]);
    let mut missed = Missed::default();
    let quiet: Vec<f64> = rounds.first().into_iter().flatten().map(Seen::p99).collect();
    for (beside, seen) in Beside::ALL.into_iter().zip(rounds) {
        let times = median(seen.iter().zip(&quiet).map(|(seen, quiet)| seen.p99() / quiet));
        let budget = match beside {
            Beside::Nothing => None,
            Beside::Calls(_) => Some(Budget::AtMost(2.0)),
        };
        let of = |figure: fn(&Seen) -> f64| median(seen.iter().map(figure));
        let cells = [
            whole(of(|seen| seen.calls as f64)),
            whole(of(|seen| seen.throughput.rate)),
            micros(Duration::from_secs_f64(of(|seen| seen.throughput.p50.as_secs_f64()))),
            millis(Duration::from_secs_f64(of(Seen::p99))),
            format!("{times:.2}"),
        ];
        let what = format!("beside {}: p99 is {times:.2} times the quiet one", beside.name());
        table.row([beside.name().to_owned()], cells, missed.judge(&what, times, budget));
    }
    Section {
        name: "neighbours",
        table,
        missed,
        headlines: Vec::new(),
    }
}

impl Seen {
    fn p99(&self) -> f64 {
        self.throughput.p99.as_secs_f64()
    }
}

impl Beside {
    /// Loads the app while the other store is called.
    fn during(self, server: &Server, load: &Load<'_>) -> Result<Seen> {
        let Self::Calls(key) = self else {
            let throughput = load.on(server.address())?;
            return Ok(Seen { throughput, calls: 0 });
        };
        let (stop, calls) = (AtomicBool::new(false), AtomicU64::new(0));
        let began = Instant::now();
        let throughput = thread::scope(|scope| {
            for _ in 0..CALLERS {
                scope.spawn(|| call(server.address(), key, &stop, &calls));
            }
            let throughput = load.on(server.address());
            stop.store(true, Ordering::Relaxed);
            throughput
        })?;
        let seconds = began.elapsed().as_secs_f64();
        Ok(Seen {
            throughput,
            calls: (calls.load(Ordering::Relaxed) as f64 / seconds) as u64,
        })
    }
}

/// Calls the store that breaks, as often as its part of [`CALLS_A_SECOND`] says, until told to stop.
fn call(address: SocketAddr, key: &str, stop: &AtomicBool, calls: &AtomicU64) {
    let pause = Duration::from_secs(1) * CALLERS as u32 / CALLS_A_SECOND as u32;
    let mut next = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        // That it fails is what it is there for.
        let _ = client::get(address, &format!("/{key}?store=broken"));
        calls.fetch_add(1, Ordering::Relaxed);
        next = Instant::now().max(next + pause);
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}
