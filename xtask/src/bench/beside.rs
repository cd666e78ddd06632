//! The app `counter` beside the same loop in a native program, on one store each; and beside the native program that counts
//! through a daprd, where there is one (`--daprd PATH`).

use super::budget::{Budget, Missed};
use super::daprd::Daprd;
use super::redis::Redis;
use super::report::Section;
use super::server::Server;
use super::subject::{Bench, Instances, released};
use super::turn::{self, Turn};
use crate::document::Table;
use crate::figure::{NONE, whole};
use crate::guests;
use anyhow::Result;
use std::process::Command;

/// The load of the section `counter`.
const SCRIPT: &str = include_str!("spread.lua");

/// Where numbers are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Memory,
    Sqlite,
    Redis,
}

/// Who counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Native,
    Host(Instances),
    /// The native program, through a sidecar.
    Daprd,
}

struct Measured {
    subject: Subject,
    turns: Vec<Turn>,
}

impl Place {
    const ALL: [Self; 3] = [Self::Memory, Self::Sqlite, Self::Redis];

    fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite => "SQLite",
            Self::Redis => "Redis",
        }
    }
}

impl Subject {
    fn name(self) -> String {
        match self {
            Self::Native => "native".to_owned(),
            Self::Host(instances) => format!("dapr-wasm, {}", instances.name()),
            Self::Daprd => "native through daprd".to_owned(),
        }
    }
}

pub(super) fn measure(bench: &Bench) -> Result<Section> {
    eprintln!("counter beside the same natively");
    let script = bench.file("spread.lua", SCRIPT)?;
    let mut beside = Beside::default();
    for place in Place::ALL {
        // One after the other, so that the servers of the others do not run meanwhile.
        let ground = Ground::start(bench, place)?;
        let turns = turn::turns(bench, &ground.servers, Some(&script))?;
        let measured = ground.subjects.iter().zip(turns);
        let measured: Vec<_> = measured
            .map(|(subject, turns)| Measured {
                subject: *subject,
                turns,
            })
            .collect();
        beside.add(place, &measured);
    }
    Ok(beside.section())
}

/// What counts on one store.
struct Ground {
    subjects: Vec<Subject>,
    servers: Vec<Server>,
    _daprd: Option<Daprd>,
    _redis: Option<Redis>,
}

impl Ground {
    fn start(bench: &Bench, place: Place) -> Result<Self> {
        let redis = match place {
            Place::Redis => Some(Redis::start()?),
            Place::Memory | Place::Sqlite => None,
        };
        let address = redis.as_ref().map(|redis| redis.address().to_string());
        let address = address.unwrap_or_default();
        let file = |name: &str| bench.file(&format!("{}-{name}.db", place.name()), "");
        let native = match place {
            Place::Memory => vec!["memory".to_owned()],
            Place::Sqlite => vec!["sqlite".to_owned(), file("native")?.display().to_string()],
            Place::Redis => vec!["redis".to_owned(), address.clone()],
        };
        let mut subjects = vec![Subject::Native];
        let mut servers = vec![baseline(Subject::Native, &native)?];
        let table = match place {
            Place::Memory => "type = \"in-memory\"".to_owned(),
            Place::Sqlite => "type = \"sqlite\"\nconnectionString = \"state.db\"".to_owned(),
            Place::Redis => format!("type = \"redis\"\nredisHost = \"{address}\""),
        };
        for instances in [Instances::Fresh, Instances::Reused] {
            let configuration = format!("{}[state.statestore]\n{table}\n", instances.table());
            let name = format!("beside native, {}, {}", place.name(), instances.name());
            let host = bench.host_with(guests::example("counter"), &name, &configuration)?;
            subjects.push(Subject::Host(instances));
            servers.push(host.start()?);
        }
        let daprd = match (&bench.daprd, place) {
            (Some(program), Place::Sqlite) => {
                let path = file("daprd")?.display().to_string();
                Some(Daprd::start(
                    bench,
                    program,
                    "state.sqlite",
                    &[("connectionString", &path)],
                )?)
            }
            (Some(program), Place::Redis) => {
                Some(Daprd::start(bench, program, "state.redis", &[("redisHost", &address)])?)
            }
            // What nobody keeps, nobody needs a sidecar for.
            (Some(_), Place::Memory) | (None, _) => None,
        };
        if let Some(daprd) = &daprd {
            subjects.push(Subject::Daprd);
            let through = ["daprd".to_owned(), daprd.address().to_string()];
            servers.push(baseline(Subject::Daprd, &through)?);
        }
        Ok(Self {
            subjects,
            servers,
            _daprd: daprd,
            _redis: redis,
        })
    }
}

fn baseline(subject: Subject, arguments: &[String]) -> Result<Server> {
    Server::start(
        &subject.name(),
        Command::new(released("counter-baseline")).args(arguments),
    )
}

/// The table as it grows.
struct Beside {
    table: Table,
    missed: Missed,
    headlines: Vec<[String; 2]>,
}

impl Default for Beside {
    fn default() -> Self {
        let beside = [
            "x native",
            "budget",
            "",
            "x daprd",
            "budget",
            "",
            "p99 x daprd's",
            "budget",
            "",
        ];
        Self {
            table: Table::new(["store, who counts"], turn::HEAD, beside),
            missed: Missed::default(),
            headlines: Vec::new(),
        }
    }
}

impl Beside {
    fn add(&mut self, place: Place, measured: &[Measured]) {
        let of = |subject| measured.iter().find(|measured| measured.subject == subject);
        let (native, daprd) = (of(Subject::Native), of(Subject::Daprd));
        for one in measured {
            let name = format!("{}, {}", place.name(), one.subject.name());
            let mut cells = Vec::new();
            let host = matches!(one.subject, Subject::Host(_));
            // Promised is what a user gets without configuring anything, on the store that this is about.
            let promised = one.subject == Subject::Host(Instances::Fresh) && place == Place::Redis;
            let budget = |budget: Budget| promised.then_some(budget);
            let rate = |other: Option<&Measured>| other.map(|other| turn::ratio(&one.turns, &other.turns));
            let native = rate(native.filter(|_| host));
            cells.extend(self.judged(&name, "native", native, budget(Budget::AtLeast(0.8))));
            let daprd = daprd.filter(|_| host);
            let by_daprd = rate(daprd);
            cells.extend(self.judged(&name, "daprd", by_daprd, budget(Budget::AtLeast(3.0))));
            let p99 = daprd.map(|daprd| turn::p99_ratio(&one.turns, &daprd.turns));
            cells.extend(self.judged(&name, "daprd's p99", p99, budget(Budget::AtMost(0.333))));
            if promised {
                let what = format!("counter over HTTP, a get and a set in each request, {}", place.name());
                let beside = by_daprd.map(|times| format!(", {times:.2} x a native app through daprd"));
                let measured = format!("{} req/s{}", whole(turn::rate(&one.turns)), beside.unwrap_or_default());
                self.headlines.push([what, measured]);
            }
            self.table.row([name], turn::cells(&one.turns), cells);
        }
    }

    /// Three cells: the ratio, what is promised, and what came of it.
    fn judged(&mut self, name: &str, other: &str, ratio: Option<f64>, budget: Option<Budget>) -> [String; 3] {
        let Some(ratio) = ratio else {
            return [NONE; 3].map(str::to_owned);
        };
        let what = format!("counter beside others: {name} is {ratio:.2} x {other}");
        let [budget, _, result] = self.missed.judge(&what, ratio, budget);
        [format!("{ratio:.2}"), budget, result]
    }

    fn section(self) -> Section {
        Section {
            name: "beside",
            table: self.table,
            missed: self.missed,
            headlines: self.headlines,
        }
    }
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
    fn hosts_are_compared_round_by_round_and_others_are_not() {
        let mut beside = Beside::default();
        beside.add(
            Place::Redis,
            &[
                measured(Subject::Native, [100.0, 50.0, 10.0]),
                measured(Subject::Host(Instances::Fresh), [70.0, 35.0, 9.0]),
                measured(Subject::Daprd, [20.0, 10.0, 5.0]),
            ],
        );
        let section = beside.section();
        let table = section.table.to_string();
        let rows: Vec<Vec<_>> = table
            .lines()
            .map(|line| line.split('|').map(str::trim).collect())
            .collect();
        assert_eq!(rows[2][7..10], ["–", "–", "–"]);
        assert_eq!(
            rows[3][7..13],
            ["0.70", "0.8", "**missed by 13 %**", "3.50", "3", "met"]
        );
        // The rate beside the native one, and the p99, which is the same for all.
        assert_eq!(section.missed.sentences().len(), 2);
    }
}
