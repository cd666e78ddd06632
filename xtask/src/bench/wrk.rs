//! The load generator: `wrk`, and what it prints.

use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// A load on a server.
pub(super) struct Load<'a> {
    pub(super) connections: u32,
    pub(super) duration: Duration,
    /// Makes the requests; without it they are `GET /`.
    pub(super) script: Option<&'a Path>,
}

/// What a server did under load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Throughput {
    pub(super) requests: u64,
    /// Requests per second.
    pub(super) rate: f64,
    pub(super) p50: Duration,
    pub(super) p99: Duration,
}

/// Fails if there is no `wrk`, saying how to get it.
pub(super) fn require() -> Result<()> {
    version().map(drop)
}

/// The version of `wrk`.
pub(super) fn version() -> Result<String> {
    // It has no way to print its version that is not an error to it.
    let output = Command::new("wrk").arg("--version").output();
    let output = output.context("the benchmarks need the load generator `wrk`: apt-get install wrk")?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.split(' ')
        .nth(1)
        .map(str::to_owned)
        .with_context(|| format!("`wrk --version` printed {text:?}"))
}

impl Load<'_> {
    /// Puts the load on a server. An answer other than 2xx or a connection that breaks is an error.
    pub(super) fn on(&self, address: std::net::SocketAddr) -> Result<Throughput> {
        let mut wrk = Command::new("wrk");
        wrk.args(["--latency", "--threads", "2", "--timeout", "10s"]);
        wrk.args(["--connections", &self.connections.to_string()]);
        wrk.args(["--duration", &format!("{}s", self.duration.as_secs())]);
        if let Some(script) = self.script {
            wrk.arg("--script").arg(script);
        }
        parse(&crate::tools::output(wrk.arg(format!("http://{address}")))?)
    }
}

fn parse(text: &str) -> Result<Throughput> {
    let after = |name: &str| {
        text.lines()
            .find_map(|line| line.trim().strip_prefix(name))
            .map(str::trim)
    };
    let failures = ["Socket errors:", "Non-2xx or 3xx responses:"];
    if let Some(failures) = failures
        .iter()
        .find_map(|name| Some(format!("{name} {}", after(name)?)))
    {
        bail!("a load with errors is no result: {failures}\n{text}");
    }
    let read = || {
        let requests = text.lines().find(|line| line.contains(" requests in "))?;
        Some(Throughput {
            requests: requests.split_whitespace().next()?.parse().ok()?,
            rate: after("Requests/sec:")?.parse().ok()?,
            p50: duration(after("50%")?)?,
            p99: duration(after("99%")?)?,
        })
    };
    read().with_context(|| format!("wrk printed something else than it used to:\n{text}"))
}

/// A duration as `wrk` writes it: `88.00us`, `1.30ms`, `2.00s`, `1.00m`, `1.00h`.
fn duration(text: &str) -> Option<Duration> {
    let end = text.find(|char: char| char.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(end);
    let unit = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    Some(Duration::from_secs_f64(number.parse::<f64>().ok()? * unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "\
Running 2s test @ http://127.0.0.1:3000
  2 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.36ms    4.68ms  86.03ms   97.71%
    Req/Sec    21.83k     4.03k   30.80k    72.50%
  Latency Distribution
     50%  332.00us
     75%  502.00us
     90%    1.62ms
     99%   21.09ms
  87021 requests in 2.01s, 12.45MB read
Requests/sec:  43382.05
Transfer/sec:      6.21MB
";

    #[test]
    fn rate_and_latencies_are_read() {
        let expected = Throughput {
            requests: 87021,
            rate: 43382.05,
            p50: Duration::from_micros(332),
            p99: Duration::from_micros(21_090),
        };
        assert_eq!(parse(PRINTED).unwrap(), expected);
    }

    #[test]
    fn a_load_with_errors_is_no_result() {
        for line in [
            "  Non-2xx or 3xx responses: 3\n",
            "  Socket errors: connect 0, read 2, write 0, timeout 0\n",
        ] {
            let printed = PRINTED.replace("Requests/sec:", &format!("{line}Requests/sec:"));
            let error = parse(&printed).unwrap_err().to_string();
            assert!(error.contains(line.trim()), "{error}");
        }
    }

    #[test]
    fn durations_have_five_units() {
        let parsed = ["88.00us", "1.50ms", "2.00s", "1.00m", "1.00h"].map(|text| duration(text).unwrap().as_secs_f64());
        assert_eq!(parsed, [0.000_088, 0.001_5, 2.0, 60.0, 3600.0]);
        assert_eq!(duration("1.00d"), None);
    }
}
