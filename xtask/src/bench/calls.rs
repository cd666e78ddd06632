//! State calls as a guest feels them: it times itself, so that HTTP and making an instance are not in it.

use super::budget::{Budget, Missed};
use super::client;
use super::figure::{NONE, whole};
use super::report::{Section, Table};
use super::rounds::{interleaved, median};
use super::server::Server;
use super::subject::{Bench, Instances, Store};
use crate::guests;
use anyhow::{Context, Result};
use std::time::Duration;

const SIZES: [(&str, u32); 3] = [("100 B", 100), ("4 KiB", 4 << 10), ("1 MiB", 1 << 20)];

/// What one request may take: much less than the host's deadline of 30 s, and long beside what a clock can tell.
const REQUEST: Duration = Duration::from_millis(500);

/// Calls of the first request, which finds out how long one takes.
const FIRST: u64 = 20;

const MOST_CALLS: u64 = 100_000;

/// A call to time.
struct Call<'a> {
    server: &'a Server,
    store: Store,
    operation: &'static str,
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
    for (_, size) in SIZES {
        for (store, server) in &servers {
            for operation in ["get", "set"] {
                calls.push(
                    Call {
                        server,
                        store: *store,
                        operation,
                        size,
                        calls: FIRST,
                    }
                    .calibrated()?,
                );
            }
        }
    }
    let rounds = interleaved(bench.effort.rounds(), &calls, Call::time)?;
    let nanos = rounds.into_iter().map(median).collect::<Vec<_>>();
    let of = |store: Store, operation: &str, size: u32| {
        let same = |call: &Call<'_>| call.store == store && call.operation == operation && call.size == size;
        calls.iter().position(same).and_then(|index| nanos.get(index).copied())
    };

    let mut table = Table::new(&[
        "call",
        "100 B, ns",
        "4 KiB, ns",
        "1 MiB, ns",
        "budget at 100 B",
        "x budget",
        "",
    ]);
    let mut missed = Missed::default();
    for store in Store::ALL {
        for operation in ["get", "set"] {
            let name = format!("{operation}, {}", store.name());
            let cells = SIZES.map(|(_, size)| of(store, operation, size).map_or(NONE.to_owned(), whole));
            let smallest = of(store, operation, SIZES[0].1).unwrap_or(f64::NAN);
            let what = format!("state calls: {name}, 100 B: {} ns", whole(smallest));
            let judged = missed.judge(&what, smallest, promised(store, operation));
            let mut row = vec![name];
            row.extend(cells);
            row.extend(judged);
            table.row(row);
        }
    }
    Ok(Section {
        name: "calls",
        table,
        missed,
    })
}

fn promised(store: Store, operation: &str) -> Option<Budget> {
    (store == Store::Memory && operation == "get").then_some(Budget::AtMost(1000.0))
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
