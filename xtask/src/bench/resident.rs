//! The memory of a host with one app: idle, after a thousand requests, after a burst.

use super::budget::{Budget, Missed};
use super::client;
use super::memory::Resident;
use super::options::Effort;
use super::report::Section;
use super::rounds::range;
use super::server::Server;
use super::subject::{Bench, Instances, Store};
use super::wrk::Load;
use crate::document::Table;
use crate::figure::megabytes;
use crate::guests;
use anyhow::{Result, anyhow};
use std::time::Duration;

const HOST: Budget = Budget::AtMost(20.0);

const REQUESTS: usize = 1000;
const CLIENTS: usize = 16;

/// Connections of the burst.
const BURST: u32 = 200;

/// Longer than an instance without a request is kept, 1 s.
const SETTLE: Duration = Duration::from_secs(3);

pub(super) fn measure(bench: &Bench) -> Result<Section> {
    eprintln!("resident memory");
    let mut table = Table::new(
        ["app, when"],
        ["resident, MB", "private, MB"],
        ["budget", "x budget", ""],
    );
    let mut missed = Missed::default();
    let mut promised = Vec::new();
    for (guest, app, store) in [
        (guests::test_guest("hello"), "hello", Store::None),
        (guests::example("counter"), "counter", Store::Memory),
        (guests::example("counter"), "counter", Store::Sqlite),
    ] {
        let app = format!("{app}, {}", store.name());
        eprintln!("  {app}");
        let host = bench.host(guest, store, Instances::Fresh)?;
        // The compiler runs in a process of its own, but a host that has just waited for it is not one of every day.
        host.start()?.stop()?;
        let server = host.start()?;
        for (when, resident, budget) in life(bench, &server).map_err(|error| server.failed(error))? {
            let name = format!("{app}, {when}");
            let total = resident.total as f64 / 1e6;
            let what = format!("resident memory: {name}: {} MB", megabytes(resident.total));
            let judged = missed.judge(&what, total, budget);
            promised.extend(budget.map(|_| total));
            table.row([name], [resident.total, resident.private].map(megabytes), judged);
        }
    }
    let (least, most) = range(promised);
    Ok(Section {
        name: "resident",
        table,
        missed,
        headlines: vec![[
            "resident memory of a host with one app".to_owned(),
            format!("{least:.0} to {most:.0} MB"),
        ]],
    })
}

/// What a server holds at each point of its life.
fn life(bench: &Bench, server: &Server) -> Result<Vec<(String, Resident, Option<Budget>)>> {
    let resident = || Resident::of(server.id());
    let mut life = vec![("idle, no request yet".to_owned(), resident()?, None)];
    requests(server)?;
    life.push((format!("after {REQUESTS} requests"), resident()?, Some(HOST)));
    let duration = if bench.effort == Effort::Quick {
        Duration::from_secs(1)
    } else {
        Duration::from_secs(5)
    };
    Load {
        connections: BURST,
        duration,
        script: None,
    }
    .on(server.address())?;
    life.push((format!("right after {BURST} connections"), resident()?, None));
    std::thread::sleep(SETTLE);
    life.push((format!("{} s later", SETTLE.as_secs()), resident()?, None));
    Ok(life)
}

/// From several clients at once, each request on a connection of its own.
fn requests(server: &Server) -> Result<()> {
    let client = || (0..REQUESTS.div_ceil(CLIENTS)).try_for_each(|_| client::get(server.address(), "/").map(drop));
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        clients
            .into_iter()
            .try_for_each(|client| client.join().map_err(|_| anyhow!("a client panicked"))?)
    })
}
