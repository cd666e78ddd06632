//! What a store that breaks does to apps on other stores: one traps at every call, one at every other, one hangs.

use super::budget::{Budget, Missed};
use super::client::{self, Answer, Connection};
use super::paced::{Paced, Waits};
use super::report::Section;
use super::rounds::{interleaved, median};
use super::server::Server;
use super::subject::Bench;
use crate::document::Table;
use crate::figure::whole;
use crate::guests;
use anyhow::{Result, anyhow};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The app's requests for an item in memory: some tenth of what fills the machine, so that what is seen is waiting for others
/// and not for its own.
const APP: Paced<'_> = Paced {
    path: "/k",
    rate: 2000,
    connections: 4,
};

/// Calls of the other store, a second. They take processor time of their own, whatever it answers: hence the row of one that
/// answers.
const CALLS: u32 = 1000;

/// Clients that make them. One that hangs gets as many calls as it has answers.
const CALLERS: u32 = 8;

const CONFIGURATION: &str = "\
[state.statestore]
type = \"in-memory\"

[state.other]
type = \"wasm\"
deadline = \"1s\"
";

/// What happens beside the app.
struct Beside {
    name: &'static str,
    /// The keys that are asked of the other store, one after the other, if any.
    keys: &'static [&'static str],
    breaks: bool,
}

const BESIDE: [Beside; 5] = [
    Beside {
        name: "nothing",
        keys: &[],
        breaks: false,
    },
    Beside {
        name: "a store that answers",
        keys: &["item"],
        breaks: false,
    },
    Beside {
        name: "a store that traps",
        keys: &["trap"],
        breaks: true,
    },
    Beside {
        name: "a store that traps every other time",
        keys: &["trap", "item"],
        breaks: true,
    },
    Beside {
        name: "a store that hangs",
        keys: &["hang"],
        breaks: true,
    },
];

/// What the app's clients saw, and how many calls a second there were beside it.
struct Seen {
    app: Waits,
    calls: f64,
}

pub(super) fn measure(bench: &Bench) -> Result<Section> {
    eprintln!("beside a store that breaks");
    let component = guests::test_guest("hostile-store").display().to_string();
    let configuration = format!("{CONFIGURATION}component = {component:?}\n");
    let start = || -> Result<Server> {
        let server = bench.host_with(guests::example("kv"), "other store", &configuration)?;
        let server = server.start()?;
        client::put(server.address(), "/k", "value").map_err(|error| server.failed(error))?;
        client::put(server.address(), "/item?store=other", "value").map_err(|error| server.failed(error))?;
        Ok(server)
    };
    // A server for each, since a store that broke in one round rests in the next.
    let servers = BESIDE.iter().map(|_| start()).collect::<Result<Vec<_>>>()?;
    let subjects: Vec<_> = BESIDE.iter().zip(&servers).collect();
    let rounds = interleaved(bench.effort.rounds(), &subjects, |(beside, server)| {
        let seen = beside.during(server.address(), bench.effort.turn());
        seen.map_err(|error| server.failed(error))
    })?;
    Ok(section(&rounds))
}

fn section(rounds: &[Vec<Seen>]) -> Section {
    let measured = ["calls of it/s", "p50, us", "p99, us", "p99 x quiet"];
    let mut table = Table::new(["beside"], measured, ["budget", "x budget", ""]);
    let mut missed = Missed::default();
    let quiet: Vec<f64> = rounds.first().into_iter().flatten().map(Seen::p99).collect();
    for (beside, seen) in BESIDE.iter().zip(rounds) {
        let times = median(seen.iter().zip(&quiet).map(|(seen, quiet)| seen.p99() / quiet));
        let of = |figure: fn(&Seen) -> f64| median(seen.iter().map(figure));
        let cells = [
            whole(of(|seen| seen.calls)),
            whole(of(|seen| seen.app.quantile(0.5) * 1e6)),
            whole(of(Seen::p99) * 1e6),
            format!("{times:.2}"),
        ];
        let what = format!("beside {}: p99 is {times:.2} times the quiet one", beside.name);
        let budget = beside.breaks.then_some(Budget::AtMost(2.0));
        table.row([beside.name.to_owned()], cells, missed.judge(&what, times, budget));
    }
    Section {
        name: "neighbours",
        table,
        missed,
        headlines: Vec::new(),
    }
}

impl Seen {
    /// In seconds.
    fn p99(&self) -> f64 {
        self.app.quantile(0.99)
    }
}

impl Beside {
    /// Loads the app while the other store is called.
    fn during(&self, address: SocketAddr, turn: Duration) -> Result<Seen> {
        let (stop, calls) = (AtomicBool::new(false), AtomicU32::new(0));
        let began = Instant::now();
        thread::scope(|scope| {
            let callers = if self.keys.is_empty() { 0 } else { CALLERS };
            let callers: Vec<_> = (0..callers)
                .map(|caller| {
                    scope.spawn({
                        let (stop, calls) = (&stop, &calls);
                        move || self.call(caller, address, stop, calls)
                    })
                })
                .collect();
            let app = APP.during(address, turn, |Answer { status, .. }| *status == 200);
            stop.store(true, Ordering::Relaxed);
            for caller in callers {
                caller.join().map_err(|_| anyhow!("a caller panicked"))??;
            }
            let calls = f64::from(calls.load(Ordering::Relaxed)) / began.elapsed().as_secs_f64();
            Ok(Seen { app: app?, calls })
        })
    }

    /// Calls the other store, as often as its part of [`CALLS`] says, until told to stop.
    fn call(&self, caller: u32, address: SocketAddr, stop: &AtomicBool, calls: &AtomicU32) -> Result<()> {
        let pause = Duration::from_secs(1) * CALLERS / CALLS;
        let mut connection = Connection::open(address)?;
        let mut next = Instant::now() + pause * caller / CALLERS;
        for key in self.keys.iter().cycle() {
            thread::sleep(next.saturating_duration_since(Instant::now()));
            if stop.load(Ordering::Relaxed) {
                break;
            }
            // That it fails is what it is there for.
            connection.ask("GET", &format!("/{key}?store=other"), "")?;
            calls.fetch_add(1, Ordering::Relaxed);
            // What a store that hangs took too long is not made up for, and its callers do not fall into step.
            let late = next.elapsed().as_secs_f64() / pause.as_secs_f64();
            next += pause * (late as u32 + 1);
        }
        Ok(())
    }
}
