//! State calls as a guest feels them: it times itself, so that HTTP and making an instance are not in it.
//!
//! Several callers are as many requests at once, each with an instance of its own; the time is that of one call of one of
//! them, in the median of the callers.

use super::budget::{Budget, Missed};
use super::client;
use super::report::Section;
use super::rounds::{interleaved, median};
use super::server::Server;
use super::subject::{Bench, Instances, Store};
use crate::document::Table;
use crate::figure::whole;
use crate::guests;
use anyhow::{Context, Result};
use std::thread;
use std::time::Duration;

/// In bytes, as the head of the table names them.
const SIZES: [u32; 3] = [100, 4 << 10, 1 << 20];

/// What one request may take: much less than the host's deadline of 30 s, and long beside what a clock can tell.
const REQUEST: Duration = Duration::from_millis(500);

/// Calls of the first request, which finds out how long one takes.
const FIRST: u64 = 20;

const MOST_CALLS: u64 = 100_000;

/// Callers at once.
const CALLERS: [usize; 2] = [1, 16];

/// A call to time.
struct Call<'a> {
    server: &'a Server,
    store: Store,
    operation: &'static str,
    callers: usize,
    size: u32,
    calls: u64,
}

pub(super) fn measure(bench: &Bench) -> Result<Section> {
    eprintln!("state calls, seen from the guest");
    let start = |store| {
        let host = bench.host(guests::test_guest("bench-state"), store, Instances::Fresh)?;
        Ok((store, host.start()?))
    };
    let servers = Store::ALL.into_iter().map(start).collect::<Result<Vec<_>>>()?;
    let mut calls = Vec::new();
    for (store, server) in &servers {
        for (operation, callers) in ["get", "set"]
            .into_iter()
            .flat_map(|operation| CALLERS.map(|callers| (operation, callers)))
        {
            for size in SIZES {
                let call = Call {
                    server,
                    store: *store,
                    operation,
                    callers,
                    size,
                    calls: FIRST,
                };
                calls.push(call.calibrated()?);
            }
        }
    }
    let nanos = interleaved(bench.effort.rounds(), &calls, Call::time)?;
    let nanos: Vec<f64> = nanos.into_iter().map(median).collect();
    Ok(section(&calls, &nanos))
}

/// The calls come by store and operation, and of these by size.
fn section(calls: &[Call<'_>], nanos: &[f64]) -> Section {
    let mut table = Table::new(
        ["call"],
        ["100 B, ns", "4 KiB, ns", "1 MiB, ns"],
        ["budget at 100 B", "x budget", ""],
    );
    let mut missed = Missed::default();
    let mut headlines = Vec::new();
    for (calls, nanos) in calls.chunks(SIZES.len()).zip(nanos.chunks(SIZES.len())) {
        let ([call, ..], [smallest, ..]) = (calls, nanos) else {
            continue;
        };
        let name = match call.callers {
            1 => format!("{}, {}", call.operation, call.store.name()),
            callers => format!("{}, {}, {callers} callers", call.operation, call.store.name()),
        };
        let what = format!("state calls: {name}, 100 B: {} ns", whole(*smallest));
        let judged = missed.judge(&what, *smallest, promised(call));
        if call.callers == 1 {
            headlines.push([
                format!("state {name}, 100 B, seen from the app"),
                format!("{:.1} us", smallest / 1e3),
            ]);
        }
        table.row([name], nanos.iter().copied().map(whole), judged);
    }
    Section {
        name: "calls",
        table,
        missed,
        headlines,
    }
}

/// Of the smallest value.
fn promised(call: &Call<'_>) -> Option<Budget> {
    match (call.operation, call.callers, call.store) {
        ("get", 1, Store::Memory) => Some(Budget::AtMost(1000.0)),
        ("get" | "set", 1, Store::Provider) => Some(Budget::AtMost(4000.0)),
        _ => None,
    }
}

impl Call<'_> {
    /// The same with as many calls as fit into a request.
    fn calibrated(mut self) -> Result<Self> {
        let nanos = self.time()?.max(1.0);
        self.calls = ((REQUEST.as_nanos() as f64 / nanos) as u64).clamp(FIRST, MOST_CALLS);
        Ok(self)
    }

    /// The time of one call in nanoseconds.
    fn time(&self) -> Result<f64> {
        let times = thread::scope(|scope| {
            let callers: Vec<_> = (0..self.callers).map(|_| scope.spawn(|| self.ask())).collect();
            let times = callers
                .into_iter()
                .map(|caller| caller.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            times.collect::<Result<Vec<_>>>()
        })?;
        Ok(median(times))
    }

    fn ask(&self) -> Result<f64> {
        let Self {
            operation, size, calls, ..
        } = self;
        let answer = client::get(self.server.address(), &format!("/{operation}?n={calls}&size={size}"));
        let answer = answer.map_err(|error| self.server.failed(error))?;
        nanos(&answer).with_context(|| format!("the guest answered {answer:?}"))
    }
}

/// The number in `{"median_ns": NUMBER, …}`.
fn nanos(answer: &str) -> Option<f64> {
    let (_, rest) = answer.split_once("\"median_ns\": ")?;
    rest.split(',').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guests_median_is_read() {
        assert_eq!(nanos(r#"{"median_ns": 731, "best_ns": 700}"#), Some(731.0));
        assert_eq!(nanos("error"), None);
    }
}
