//! The app `counter` over HTTP, a get and a set in each request, on 1000 counters.

use super::budget::{Budget, Missed};
use super::figure::whole;
use super::report::{Section, Table};
use super::subject::{Bench, Instances, Store};
use super::turn;
use crate::guests;
use anyhow::Result;

/// Spreads the load, so that an etag that does not match stays the exception that it is.
const SCRIPT: &str = include_str!("spread.lua");

pub(super) fn measure(bench: &Bench) -> Result<Section> {
    eprintln!("counter over HTTP");
    let script = bench.file("spread.lua", SCRIPT)?;
    let mut modes = Vec::new();
    let mut servers = Vec::new();
    for store in Store::ALL {
        for instances in [Instances::Fresh, Instances::Reused] {
            modes.push((store, instances));
            servers.push(bench.host(guests::example("counter"), store, instances)?.start()?);
        }
    }
    let turns = turn::turns(bench, &servers, Some(&script))?;
    let mut table = Table::new(["store, instances"], turn::HEAD, ["budget", "x budget", ""]);
    let mut missed = Missed::default();
    let mut headlines = Vec::new();
    for ((store, instances), turns) in modes.into_iter().zip(turns) {
        let name = format!("{}, {}", store.name(), instances.name());
        let rate = turn::rate(&turns);
        let judged = missed.judge(
            &format!("counter: {name}: {} req/s", whole(rate)),
            rate,
            promised(store, instances),
        );
        if promised(store, instances).is_some() {
            headlines.push([
                format!("counter over HTTP, a get and a set in each request, {}", store.name()),
                format!("{} req/s", whole(rate)),
            ]);
        }
        table.row([name], turn::cells(&turns), judged);
    }
    Ok(Section {
        name: "counter",
        table,
        missed,
        headlines,
    })
}

/// Promised is what a user gets without configuring anything: a fresh instance for each request.
fn promised(store: Store, instances: Instances) -> Option<Budget> {
    match (store, instances) {
        (Store::Memory, Instances::Fresh) => Some(Budget::AtLeast(30_000.0)),
        (Store::Sqlite, Instances::Fresh) => Some(Budget::AtLeast(10_000.0)),
        _ => None,
    }
}
