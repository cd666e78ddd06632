//! A server's turn under load: what it answered, and the processor time that it took.
//!
//! The time per request is there because the load generator shares the cores: it does not change with what else runs.

use super::rounds::{interleaved, median, range};
use super::server::Server;
use super::subject::Bench;
use super::wrk::{Load, Throughput};
use crate::figure::{micros, millis, whole};
use anyhow::{Context, Result};
use std::path::Path;
use std::time::Duration;

const CONNECTIONS: u32 = 16;

/// Long enough that pools are filled and code has been seen by the processor.
const WARM_UP: Duration = Duration::from_secs(1);

/// The unit of `/proc/PID/stat`: `USER_HZ` is 100 on every Linux that this host supports.
const TICK: Duration = Duration::from_millis(10);

/// The head of [`cells`].
pub(super) const HEAD: [&str; 5] = ["req/s", "least to most", "p50, us", "p99, ms", "CPU, us/req"];

/// What a server did in a turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    pub(super) throughput: Throughput,
    /// Processor time of a request, in the server and in the kernel on its behalf.
    pub(super) cpu: Duration,
}

/// Loads servers in turns, after a turn that does not count: for each server its turns.
pub(super) fn turns(bench: &Bench, servers: &[Server], script: Option<&Path>) -> Result<Vec<Vec<Turn>>> {
    let turn = |server: &Server, duration| {
        let load = Load {
            connections: CONNECTIONS,
            duration,
            script,
        };
        Turn::of(server, &load).map_err(|error| server.failed(error))
    };
    for server in servers {
        turn(server, WARM_UP)?;
    }
    interleaved(bench.effort.rounds(), servers, |server| {
        turn(server, bench.effort.turn())
    })
}

impl Turn {
    /// One of this rate.
    #[cfg(test)]
    pub(super) fn at(rate: f64) -> Self {
        let throughput = Throughput {
            requests: 1,
            rate,
            p50: Duration::ZERO,
            p99: Duration::from_millis(1),
        };
        Self {
            throughput,
            cpu: Duration::ZERO,
        }
    }

    fn of(server: &Server, load: &Load<'_>) -> Result<Self> {
        let before = cpu_time(server.id())?;
        let throughput = load.on(server.address())?;
        let cpu = cpu_time(server.id())?.saturating_sub(before);
        Ok(Self {
            throughput,
            cpu: cpu.div_f64(throughput.requests.max(1) as f64),
        })
    }
}

/// Rate, its range, p50, p99 and processor time: medians.
pub(super) fn cells(turns: &[Turn]) -> [String; 5] {
    let of = |duration: fn(&Turn) -> Duration| {
        Duration::from_secs_f64(median(turns.iter().map(|turn| duration(turn).as_secs_f64())))
    };
    let (least, most) = range(turns.iter().map(|turn| turn.throughput.rate));
    [
        whole(rate(turns)),
        format!("{} to {}", whole(least), whole(most)),
        micros(of(|turn| turn.throughput.p50)),
        millis(of(|turn| turn.throughput.p99)),
        format!("{:.1}", of(|turn| turn.cpu).as_secs_f64() * 1e6),
    ]
}

/// The rate in the median.
pub(super) fn rate(turns: &[Turn]) -> f64 {
    median(turns.iter().map(|turn| turn.throughput.rate))
}

/// The rate of one as a multiple of another's: the median of the rounds' ratios.
pub(super) fn ratio(one: &[Turn], other: &[Turn]) -> f64 {
    let rounds = one.iter().zip(other);
    median(rounds.map(|(one, other)| one.throughput.rate / other.throughput.rate))
}

/// The p99 of one as a multiple of another's: the median of the rounds' ratios.
pub(super) fn p99_ratio(one: &[Turn], other: &[Turn]) -> f64 {
    let p99 = |turn: &Turn| turn.throughput.p99.as_secs_f64();
    median(one.iter().zip(other).map(|(one, other)| p99(one) / p99(other)))
}

/// The processor time that a process has used.
fn cpu_time(process: u32) -> Result<Duration> {
    let path = format!("/proc/{process}/stat");
    let stat = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let ticks = cpu_ticks(&stat).with_context(|| format!("{path} holds something else than it used to: {stat}"))?;
    Ok(TICK.mul_f64(ticks as f64))
}

/// The fields `utime` and `stime`: the 12th and 13th after the program's name, which may hold spaces.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(11).map(str::parse::<u64>);
    Some(fields.next()?.ok()? + fields.next()?.ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_that_of_user_and_kernel() {
        let stat = "42 (a b) c) S 1 42 42 0 -1 4194304 100 0 0 0 250 50 7 7 20 0 3 0 999 1000 200";
        assert_eq!(cpu_ticks(stat), Some(300));
        assert!(cpu_time(std::process::id()).is_ok());
    }
}
