//! `hello` over HTTP: what the host costs, beside a server without Wasm and beside `wasmtime serve`.

use super::budget::{Budget, Missed};
use super::report::Section;
use super::subject::{Bench, Instances, Store};
use super::turn::{self, Turn};
use crate::document::Table;
use crate::figure::{NONE, whole};
use crate::guests;
use anyhow::Result;

const MODES: [Instances; 2] = [Instances::Fresh, Instances::Reused];

/// One of the servers side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Hyper,
    Host(Instances),
    WasmtimeServe(Instances),
}

/// A server and its turns.
struct Measured {
    subject: Subject,
    turns: Vec<Turn>,
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
    let turns = turn::turns(bench, &servers, None)?;
    let measured = subjects
        .into_iter()
        .zip(turns)
        .map(|(subject, turns)| Measured { subject, turns });
    Ok(section(&measured.collect::<Vec<_>>()))
}

fn section(measured: &[Measured]) -> Section {
    let mut table = Table::new(
        ["server"],
        turn::HEAD,
        ["x bare hyper", "budget", "", "x wasmtime serve", "budget", ""],
    );
    let mut missed = Missed::default();
    let mut headlines = Vec::new();
    for one in measured {
        let others = match one.subject {
            Subject::Host(instances) => [Some(Subject::Hyper), Some(Subject::WasmtimeServe(instances))],
            Subject::WasmtimeServe(_) => [Some(Subject::Hyper), None],
            Subject::Hyper => [None, None],
        };
        let beside = others.map(|other| {
            let other = other.and_then(|other| measured.iter().find(|measured| measured.subject == other));
            compared(one, other, &mut missed)
        });
        if let Subject::Host(instances) = one.subject {
            let times = beside[1].first().filter(|ratio| *ratio != NONE);
            headlines.push([
                format!("hello over HTTP, {} instances", instances.name()),
                format!("{} req/s", whole(turn::rate(&one.turns)))
                    + &times.map_or(String::new(), |ratio| format!(", {ratio} x `wasmtime serve` beside it")),
            ]);
        }
        table.row(
            [one.subject.name()],
            turn::cells(&one.turns),
            beside.into_iter().flatten(),
        );
    }
    Section {
        name: "hello",
        table,
        missed,
        headlines,
    }
}

/// Three cells: the ratio in the median of the rounds, the one that is promised, and what came of it.
fn compared(one: &Measured, other: Option<&Measured>, missed: &mut Missed) -> [String; 3] {
    let Some(other) = other else {
        return [NONE; 3].map(str::to_owned);
    };
    let ratio = turn::ratio(&one.turns, &other.turns);
    let what = format!("hello: {} is {ratio:.2} x {}", one.subject.name(), other.subject.name());
    let [budget, _, result] = missed.judge(&what, ratio, one.subject.budget(other.subject));
    [format!("{ratio:.2}"), budget, result]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(subject: Subject, rates: [f64; 3]) -> Measured {
        Measured {
            subject,
            turns: rates.map(Turn::at).into(),
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
