//! The app `counter` over HTTP, a get and a set in each request, on 1000 counters: beside a server without Wasm, which is
//! sent the same requests and keeps nothing.

use super::budget::{Budget, Missed};
use super::report::Section;
use super::subject::{Bench, Instances, Store};
use super::turn::{self, Turn};
use crate::document::Table;
use crate::figure::{NONE, whole};
use crate::guests;
use anyhow::Result;

/// Spreads the load, so that an etag that does not match stays the exception that it is.
const SCRIPT: &str = include_str!("spread.lua");

/// A store, and how many requests an instance serves.
type Mode = (Store, Instances);

pub(super) fn measure(bench: &Bench) -> Result<Section> {
    eprintln!("counter over HTTP");
    let script = bench.file("spread.lua", SCRIPT)?;
    let mut modes = Vec::new();
    let mut servers = vec![bench.hyper()?];
    for store in Store::ALL {
        for instances in [Instances::Fresh, Instances::Reused] {
            modes.push((store, instances));
            servers.push(bench.host(guests::example("counter"), store, instances)?.start()?);
        }
    }
    let mut turns = turn::turns(bench, &servers, Some(&script))?.into_iter();
    let hyper = turns.next().unwrap_or_default();
    let measured: Vec<_> = modes.into_iter().zip(turns).collect();
    Ok(section(&hyper, &measured))
}

fn section(hyper: &[Turn], measured: &[(Mode, Vec<Turn>)]) -> Section {
    let beside = ["x bare hyper", "budget", "x budget", ""];
    let mut table = Table::new(["store, instances"], turn::HEAD, beside);
    let mut missed = Missed::default();
    let mut headlines = Vec::new();
    table.row(
        ["bare hyper".to_owned()],
        turn::cells(hyper),
        beside.map(|_| NONE.to_owned()),
    );
    for ((store, instances), turns) in measured {
        let name = format!("{}, {}", store.name(), instances.name());
        let rate = turn::rate(turns);
        let budget = promised(*store, *instances);
        let judged = missed.judge(&format!("counter: {name}: {} req/s", whole(rate)), rate, budget);
        if budget.is_some() {
            headlines.push([
                format!("counter over HTTP, a get and a set in each request, {}", store.name()),
                format!("{} req/s", whole(rate)),
            ]);
        }
        let ratio = format!("{:.2}", turn::ratio(turns, hyper));
        table.row([name], turn::cells(turns), [ratio].into_iter().chain(judged));
    }
    Section {
        name: "counter",
        table,
        missed,
        headlines,
    }
}

/// Promised is what a user gets without configuring anything: a fresh instance for each request.
fn promised(store: Store, instances: Instances) -> Option<Budget> {
    match (store, instances) {
        (Store::Memory, Instances::Fresh) => Some(Budget::AtLeast(30_000.0)),
        (Store::Sqlite, Instances::Fresh) => Some(Budget::AtLeast(10_000.0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mode_stands_beside_bare_hyper_round_by_round() {
        let mode = (Store::Memory, Instances::Fresh);
        let section = section(
            &[100.0, 50.0, 10.0].map(Turn::at),
            &[(mode, [40.0, 20.0, 10.0].map(Turn::at).into())],
        );
        let table = section.table.to_string();
        let [_, _, hyper, host] = table.lines().collect::<Vec<_>>()[..] else {
            panic!("{table}");
        };
        let cells = |row: &str| row.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
        assert_eq!(cells(hyper)[1], "bare hyper");
        assert_eq!(cells(host)[7..9], ["0.40", "30 000"]);
        assert_eq!(section.missed.sentences().len(), 1);
    }
}
