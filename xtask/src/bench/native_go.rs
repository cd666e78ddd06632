//! A component of Dapr's beside the same Go code in a native program, both on one Redis.
//!
//! The native program calls the store directly; the component is called by an app, through the host.

use super::budget::{Budget, Missed};
use super::client;
use super::memory::Resident;
use super::native::{Calls, Native, Seen};
use super::redis::Redis;
use super::report::Section;
use super::rounds::{interleaved, median};
use super::server::Server;
use super::subject::{Bench, Host, released};
use crate::document::Table;
use crate::figure::{megabytes, millis, whole};
use crate::{components, guests};
use anyhow::{Result, anyhow};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

const COMPONENT: &str = "state.redis";

/// Callers at once.
const CALLERS: [u32; 3] = [1, 16, 64];

/// What starts the two.
struct Ground {
    redis: Redis,
    program: PathBuf,
    host: Host,
}

/// One of the two, running.
enum Subject {
    Native(Native),
    Component(Server),
}

/// A figure of both, in the rounds.
struct Row {
    what: String,
    figures: Vec<Vec<f64>>,
    shown: fn(f64) -> String,
    budget: Option<Budget>,
}

pub(super) fn measure(bench: &Bench) -> Result<Section> {
    eprintln!("a component of Dapr's beside native Go");
    let ground = Ground::new(bench)?;
    let starts = [Ground::native as fn(&Ground) -> Result<Subject>, Ground::component];
    let touched = interleaved(bench.effort.starts(), &starts, |start| {
        let begin = Instant::now();
        start(&ground)?.touch()?;
        Ok(begin.elapsed().as_secs_f64())
    })?;
    let mut rows = vec![Row {
        what: "start to first answer, ms".to_owned(),
        figures: touched,
        shown: |seconds| millis(Duration::from_secs_f64(seconds)),
        budget: None,
    }];
    let subjects = [ground.native()?, ground.component()?];
    for operation in ["get", "set"] {
        for callers in CALLERS {
            let calls = Calls {
                operation,
                callers,
                seconds: bench.effort.turn().as_secs().div_ceil(2),
            };
            let seen = interleaved(bench.effort.rounds(), &subjects, |subject| subject.load(&calls))?;
            rows.extend(calls.rows(&seen));
        }
    }
    let memory = interleaved(1, &subjects, Subject::resident)?;
    rows.push(Row {
        what: "memory after all of these, MB".to_owned(),
        figures: memory,
        shown: |bytes| megabytes(bytes as u64),
        budget: None,
    });
    Ok(section(&rows))
}

fn section(rows: &[Row]) -> Section {
    let measured = ["native Go", "component", "x native"];
    let mut table = Table::new(["redis"], measured, ["budget", "x budget", ""]);
    let mut missed = Missed::default();
    for Row {
        what,
        figures,
        shown,
        budget,
    } in rows
    {
        let [native, component] = figures.as_slice() else {
            continue;
        };
        let times = median(
            native
                .iter()
                .zip(component)
                .map(|(native, component)| component / native),
        );
        let cells = [native, component].map(|figures| shown(median(figures.iter().copied())));
        let judged = missed.judge(&format!("beside native Go: {what}: {times:.2} times"), times, *budget);
        table.row([what.clone()], cells.into_iter().chain([format!("{times:.2}")]), judged);
    }
    Section {
        name: "native-go",
        table,
        missed,
        headlines: Vec::new(),
    }
}

impl Calls {
    /// One caller is about how long a call takes, too, several about how many there are.
    fn rows(&self, seen: &[Vec<Seen>]) -> Vec<Row> {
        let Self { operation, callers, .. } = self;
        let row = |what: &str, figure: fn(&Seen) -> f64, budget| Row {
            what: match callers {
                1 => format!("{operation}, 1 caller, {what}"),
                _ => format!("{operation}, {callers} callers, {what}"),
            },
            figures: seen.iter().map(|rounds| rounds.iter().map(figure).collect()).collect(),
            shown: whole,
            budget,
        };
        match callers {
            1 => vec![
                row("p50, us", |seen| seen.p50 / 1e3, Some(Budget::AtMost(1.5))),
                row("p99, us", |seen| seen.p99 / 1e3, None),
                row("calls/s", |seen| seen.per_second, None),
            ],
            16 => vec![row("calls/s", |seen| seen.per_second, Some(Budget::AtLeast(0.5)))],
            _ => vec![row("calls/s", |seen| seen.per_second, None)],
        }
    }
}

impl Ground {
    fn new(bench: &Bench) -> Result<Self> {
        let program = components::native_go()?;
        components::build(&released("dapr-wasm"), &[COMPONENT])?;
        let redis = Redis::start()?;
        let address = redis.address();
        let configuration = format!(
            "[state.statestore]\ntype = \"redis\"\nsource = \"dapr\"\nredisHost = \"{address}\"\nallow-hosts = [\"{address}\"]\n"
        );
        let host = bench.host_with(guests::test_guest("bench-state"), "native go", &configuration)?;
        // Fills the cache of compiled code.
        host.start()?.stop()?;
        Ok(Self { redis, program, host })
    }

    fn native(&self) -> Result<Subject> {
        let address = self.redis.address().to_string();
        Ok(Subject::Native(Native::start(
            &self.program,
            COMPONENT,
            &[("redisHost", &address)],
        )?))
    }

    fn component(&self) -> Result<Subject> {
        Ok(Subject::Component(self.host.start()?))
    }
}

impl Subject {
    /// Has a call answered.
    fn touch(&self) -> Result<()> {
        match self {
            Self::Native(native) => native.touch(),
            Self::Component(server) => client::get(server.address(), "/get?n=1").map(drop),
        }
    }

    fn load(&self, calls: &Calls) -> Result<Seen> {
        match self {
            Self::Native(native) => native.load(calls),
            Self::Component(server) => of_all(server, calls).map_err(|error| server.failed(error)),
        }
    }

    /// Bytes.
    fn resident(&self) -> Result<f64> {
        let process = match self {
            Self::Native(native) => native.id(),
            Self::Component(server) => server.id(),
        };
        Ok(Resident::of(process)?.total as f64)
    }
}

/// What all callers of the app see: each is a request, with an instance of its own.
fn of_all(server: &Server, calls: &Calls) -> Result<Seen> {
    let ask = |caller| {
        let Calls { operation, seconds, .. } = calls;
        let path = format!("/{operation}?seconds={seconds}&key={caller}&size={}", Calls::SIZE);
        Seen::read(&client::get(server.address(), &path)?)
    };
    let seen = thread::scope(|scope| {
        let callers: Vec<_> = (0..calls.callers)
            .map(|caller| scope.spawn(move || ask(caller)))
            .collect();
        let seen = callers.into_iter().map(|caller| {
            let seen = caller.join();
            seen.map_err(|_| anyhow!("a caller panicked"))?
        });
        seen.collect::<Result<Vec<_>>>()
    })?;
    Ok(Seen {
        per_second: seen.iter().map(|seen| seen.per_second).sum(),
        p50: median(seen.iter().map(|seen| seen.p50)),
        p99: median(seen.iter().map(|seen| seen.p99)),
    })
}
