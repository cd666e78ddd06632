//! `hello` over HTTP: what the host costs, beside a server without Wasm and beside `wasmtime serve`.

use super::budget::{Budget, Missed};
use super::figure::{NONE, micros, millis, whole};
use super::report::{Section, Table};
use super::rounds::{interleaved, median, range};
use super::server::Server;
use super::subject::{Bench, Instances, Store};
use super::wrk::{Load, Throughput};
use crate::guests;
use anyhow::Result;
use std::path::Path;
use std::time::Duration;

const CONNECTIONS: u32 = 16;

/// Long enough that pools are filled and code has been seen by the processor.
const WARM_UP: Duration = Duration::from_secs(1);

const MODES: [Instances; 2] = [Instances::Fresh, Instances::Reused];

/// One of the servers side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Hyper,
    Host(Instances),
    WasmtimeServe(Instances),
}

/// A server's rounds.
struct Measured {
    subject: Subject,
    rounds: Vec<Throughput>,
}

impl Subject {
    fn name(self) -> String {
        match self {
            Self::Hyper => "bare hyper".to_owned(),
            Self::Host(instances) => format!("dapr-wasm, {}", instances.name()),
            Self::WasmtimeServe(instances) => format!("wasmtime serve, {}", instances.name()),
        }
    }

    /// What is promised beside another.
    fn budget(self, other: Self) -> Option<Budget> {
        match (self, other) {
            (Self::Host(Instances::Fresh), Self::Hyper) => Some(Budget::AtLeast(0.4)),
            (Self::Host(Instances::Reused), Self::Hyper) => Some(Budget::AtLeast(0.65)),
            (Self::Host(Instances::Fresh), Self::WasmtimeServe(_)) => Some(Budget::AtLeast(3.5)),
            (Self::Host(Instances::Reused), Self::WasmtimeServe(_)) => Some(Budget::AtLeast(1.2)),
            _ => None,
        }
    }
}

pub(super) fn measure(bench: &Bench) -> Result<Section> {
    eprintln!("hello over HTTP");
    let mut subjects = vec![Subject::Hyper];
    let mut servers = vec![bench.hyper()?];
    for instances in MODES {
        subjects.push(Subject::Host(instances));
        servers.push(
            bench
                .host(guests::test_guest("hello"), Store::None, instances)?
                .start()?,
        );
    }
    for instances in MODES {
        if let Some(server) = bench.wasmtime_serve(instances)? {
            subjects.push(Subject::WasmtimeServe(instances));
            servers.push(server);
        }
    }
    let rounds = rounds(bench, &servers, None)?;
    let measured = subjects
        .into_iter()
        .zip(rounds)
        .map(|(subject, rounds)| Measured { subject, rounds });
    Ok(section(&measured.collect::<Vec<_>>()))
}

/// Loads servers in turn, after a turn that does not count.
pub(super) fn rounds(bench: &Bench, servers: &[Server], script: Option<&Path>) -> Result<Vec<Vec<Throughput>>> {
    let load = |server: &Server, duration| {
        let load = Load {
            connections: CONNECTIONS,
            duration,
            script,
        };
        load.on(server.address()).map_err(|error| server.failed(error))
    };
    for server in servers {
        load(server, WARM_UP)?;
    }
    interleaved(bench.effort.rounds(), servers, |server| {
        load(server, bench.effort.turn())
    })
}

fn section(measured: &[Measured]) -> Section {
    let mut table = Table::new(&[
        "server",
        "req/s",
        "least to most",
        "p50, us",
        "p99, ms",
        "x bare hyper",
        "budget",
        "",
        "x wasmtime serve",
        "budget",
        "",
    ]);
    let mut missed = Missed::default();
    for one in measured {
        let mut row = vec![one.subject.name()];
        row.extend(throughput(&one.rounds));
        let others = match one.subject {
            Subject::Host(instances) => [Some(Subject::Hyper), Some(Subject::WasmtimeServe(instances))],
            Subject::WasmtimeServe(_) => [Some(Subject::Hyper), None],
            Subject::Hyper => [None, None],
        };
        for other in others {
            let other = other.and_then(|other| measured.iter().find(|measured| measured.subject == other));
            row.extend(compared(one, other, &mut missed));
        }
        table.row(row);
    }
    Section {
        name: "hello",
        table,
        missed,
    }
}

/// Three cells: the ratio in the median of the rounds, the one that is promised, and what came of it.
fn compared(one: &Measured, other: Option<&Measured>, missed: &mut Missed) -> [String; 3] {
    let Some(other) = other else {
        return [NONE; 3].map(str::to_owned);
    };
    let ratio = median(
        one.rounds
            .iter()
            .zip(&other.rounds)
            .map(|(one, other)| one.rate / other.rate),
    );
    let what = format!("hello: {} is {ratio:.2} x {}", one.subject.name(), other.subject.name());
    let [budget, _, result] = missed.judge(&what, ratio, one.subject.budget(other.subject));
    [format!("{ratio:.2}"), budget, result]
}

/// Four cells: rate, its range, p50 and p99.
pub(super) fn throughput(rounds: &[Throughput]) -> [String; 4] {
    let rates = || rounds.iter().map(|round| round.rate);
    let latency = |of: fn(&Throughput) -> Duration| {
        Duration::from_secs_f64(median(rounds.iter().map(|round| of(round).as_secs_f64())))
    };
    let (least, most) = range(rates());
    [
        whole(median(rates())),
        format!("{} to {}", whole(least), whole(most)),
        micros(latency(|round| round.p50)),
        millis(latency(|round| round.p99)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(subject: Subject, rates: [f64; 3]) -> Measured {
        let round = |rate| Throughput {
            rate,
            p50: Duration::from_micros(88),
            p99: Duration::from_millis(4),
        };
        Measured {
            subject,
            rounds: rates.map(round).into(),
        }
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        let hyper = measured(Subject::Hyper, [100.0, 50.0, 10.0]);
        let host = measured(Subject::Host(Instances::Fresh), [40.0, 20.0, 10.0]);
        assert_eq!(
            compared(&host, Some(&hyper), &mut Missed::default()),
            ["0.40", "0.4", "met"]
        );
    }

    #[test]
    fn each_mode_is_compared_with_its_own_of_wasmtime_serve() {
        let section = section(&[
            measured(Subject::Hyper, [100.0; 3]),
            measured(Subject::Host(Instances::Fresh), [40.0; 3]),
            measured(Subject::Host(Instances::Reused), [60.0; 3]),
            measured(Subject::WasmtimeServe(Instances::Fresh), [10.0; 3]),
            measured(Subject::WasmtimeServe(Instances::Reused), [50.0; 3]),
        ]);
        assert_eq!(
            section.missed.sentences(),
            ["hello: dapr-wasm, reused is 0.60 x bare hyper, by 8 %"]
        );
    }
}
