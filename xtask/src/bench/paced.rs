//! So many requests a second, whatever becomes of them, and how long each was waited for.

use super::client::{Answer, Connection};
use super::rounds::quantile;
use anyhow::{Context, Result, anyhow};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Requests at a steady pace, on connections that stay open.
pub(super) struct Paced<'a> {
    pub(super) path: &'a str,
    /// Requests a second, of all connections together.
    pub(super) rate: u32,
    pub(super) connections: u32,
}

/// How long was waited, in seconds from when a request was due: what a server that stands still keeps from being sent counts.
pub(super) struct Waits(Vec<f64>);

impl Paced<'_> {
    /// Requests for so long, each answered with what is expected. The connections take turns.
    pub(super) fn during(
        &self,
        address: SocketAddr,
        duration: Duration,
        expected: fn(&Answer) -> bool,
    ) -> Result<Waits> {
        let stop = AtomicBool::new(false);
        let waits = thread::scope(|scope| {
            let load = scope.spawn(|| self.until(&stop, address, expected));
            thread::sleep(duration);
            stop.store(true, Ordering::Relaxed);
            load.join()
        });
        waits.map_err(|_| anyhow!("a client panicked"))?
    }

    /// Requests until it is told to stop.
    pub(super) fn until(&self, stop: &AtomicBool, address: SocketAddr, expected: fn(&Answer) -> bool) -> Result<Waits> {
        let (next, waits) = (AtomicU32::new(0), Mutex::new(Vec::new()));
        let began = Instant::now();
        let client = || -> Result<()> {
            let mut connection = Connection::open(address)?;
            let mut mine = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let due = began + Duration::from_secs(1) * next.fetch_add(1, Ordering::Relaxed) / self.rate;
                thread::sleep(due.saturating_duration_since(Instant::now()));
                let answer = connection.ask("GET", self.path, "")?;
                mine.push(due.elapsed().as_secs_f64());
                if !expected(&answer) {
                    let Answer { status, body } = answer;
                    return Err(anyhow!("GET {} was answered with {status}: {body}", self.path));
                }
            }
            waits
                .lock()
                .map_err(|_| anyhow!("a client panicked"))?
                .append(&mut mine);
            Ok(())
        };
        thread::scope(|scope| {
            let clients: Vec<_> = (0..self.connections).map(|_| scope.spawn(client)).collect();
            let mut ends = clients.into_iter().map(|client| client.join());
            ends.try_for_each(|end| end.map_err(|_| anyhow!("a client panicked"))?)
        })?;
        let waits = waits.into_inner().context("a client panicked")?;
        Ok(Waits(waits))
    }
}

impl Waits {
    /// What this part of all requests did not wait longer than.
    pub(super) fn quantile(&self, part: f64) -> f64 {
        quantile(self.0.iter().copied(), part)
    }
}
