//! From starting the process to its first answer.

use super::budget::{Budget, Missed};
use super::client;
use super::report::Section;
use super::rounds::{interleaved, median, range};
use super::subject::{Bench, Host, Instances, Store};
use crate::document::Table;
use crate::figure::millis;
use crate::guests;
use anyhow::Result;
use std::time::{Duration, Instant};

/// The cache of compiled code that a host starts with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Cache {
    /// Holds the compiled code.
    Warm,
    /// Is empty: the host compiles.
    Cold,
}

/// A start to time.
pub(super) struct Start {
    host: Host,
    cache: Cache,
}

const WARM: Budget = Budget::AtMost(50.0);

pub(super) fn measure(bench: &Bench) -> Result<Section> {
    eprintln!("start to first answer");
    let (mut starts, mut names) = (Vec::new(), Vec::new());
    for (guest, app, store) in [
        (guests::test_guest("hello"), "hello", Store::None),
        (guests::example("counter"), "counter", Store::Sqlite),
    ] {
        let host = || bench.host(guest.clone(), store, Instances::Fresh);
        // Fills the cache, and makes the file of the store.
        host()?.start()?.stop()?;
        for (cache, word) in [(Cache::Warm, "warm"), (Cache::Cold, "cold")] {
            starts.push(Start::of(host()?, cache));
            names.push(format!("{app}, {}, {word} cache", store.name()));
        }
    }
    let rounds = interleaved(bench.effort.starts(), &starts, Start::time)?;
    let mut table = Table::new(["app"], ["ms", "least to most"], ["budget", "x budget", ""]);
    let mut missed = Missed::default();
    let mut promised = Vec::new();
    for ((start, name), rounds) in starts.iter().zip(names).zip(rounds) {
        let time = median(rounds.iter().copied());
        let shown = |ms: f64| millis(Duration::from_secs_f64(ms / 1e3));
        let budget = (start.cache == Cache::Warm).then_some(WARM);
        let (least, most) = range(rounds);
        let judged = missed.judge(&format!("start: {name}: {} ms", shown(time)), time, budget);
        let measured = [shown(time), format!("{} to {}", shown(least), shown(most))];
        table.row([name], measured, judged);
        promised.extend(budget.map(|_| time));
    }
    let (least, most) = range(promised);
    Ok(Section {
        name: "start",
        table,
        missed,
        headlines: vec![[
            "start to first answer, warm cache".to_owned(),
            format!("{least:.0} to {most:.0} ms"),
        ]],
    })
}

impl Start {
    /// Of a host that has filled its cache before, if it is to be warm.
    pub(super) fn of(host: Host, cache: Cache) -> Self {
        Self { host, cache }
    }

    /// Milliseconds.
    pub(super) fn time(&self) -> Result<f64> {
        let cold;
        let host = match self.cache {
            Cache::Warm => &self.host,
            Cache::Cold => {
                cold = self.host.with_cold_cache()?;
                &cold
            }
        };
        let start = Instant::now();
        let server = host.start()?;
        client::get(server.address(), "/").map_err(|error| server.failed(error))?;
        let time = start.elapsed();
        // Ended in order, so that the next start finds a store without a log to play back.
        server.stop()?;
        Ok(time.as_secs_f64() * 1e3)
    }
}
