//! Where, when and with what a run was made.

use super::budget::Missed;
use super::memory::field;
use super::options::Options;
use super::report::Section;
use super::rounds::median;
use super::subject::{self, Bench};
use super::wrk;
use crate::document::Table;
use crate::figure::micros;
use crate::tools::{output, root};
use anyhow::{Context, Result};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::process::Command;
use std::time::{Duration, Instant};

pub(super) fn section(options: &Options, bench: &Bench) -> Result<Section> {
    let mut facts = machine(bench)?;
    facts.extend(versions()?);
    let wasmtime = match &options.wasmtime {
        Some(wasmtime) => output(Command::new(wasmtime).arg("--version"))?,
        None => "not given".to_owned(),
    };
    let command = format!("cargo xtask bench {}", options.arguments);
    let (rounds, turn, starts) = (options.effort.rounds(), options.effort.turn(), options.effort.starts());
    facts.extend([
        ("`wasmtime serve` of", wasmtime),
        ("wrk", format!("{}, 2 threads, 16 connections", wrk::version()?)),
        ("date", said("date", &["-u", "+%F"])?),
        ("command", format!("`{}`", command.trim_end())),
        (
            "medians of",
            format!("{rounds} rounds, under load of {turn:?} each; {starts} starts"),
        ),
    ]);
    let mut table = Table::new([""], [""], []);
    for (name, value) in facts {
        table.row([name.to_owned()], [value], []);
    }
    Ok(Section {
        name: "machine",
        table,
        missed: Missed::default(),
        headlines: Vec::new(),
    })
}

fn machine(bench: &Bench) -> Result<Vec<(&'static str, String)>> {
    let read = |path: &str| std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"));
    let cores = std::thread::available_parallelism()?;
    let memory = field(&read("/proc/meminfo")?, "MemTotal")? as f64 / f64::from(1 << 30);
    let load: Vec<_> = read("/proc/loadavg")?.split(' ').take(3).map(str::to_owned).collect();
    Ok(vec![
        (
            "processor",
            format!("{cores} cores, {}", processor(&read("/proc/cpuinfo")?)),
        ),
        ("memory", format!("{memory:.1} GiB")),
        (
            "disk",
            format!("{} us for 4 KiB to be on it (`fdatasync`)", micros(disk(bench)?)),
        ),
        ("kernel", said("uname", &["-sr"])?),
        ("load before the run", load.join(", ")),
    ])
}

fn versions() -> Result<Vec<(&'static str, String)>> {
    let lock = std::fs::read_to_string(root().join("Cargo.lock"))?;
    let mut versions = vec![
        (
            "dapr-wasm",
            output(Command::new(subject::released("dapr-wasm")).arg("--version"))?,
        ),
        ("rustc", said("rustc", &["--version"])?),
    ];
    for krate in ["wasmtime", "hyper", "tokio", "rusqlite"] {
        let version = locked(&lock, krate).with_context(|| format!("Cargo.lock has no {krate}"))?;
        versions.push((krate, version.to_owned()));
    }
    Ok(versions)
}

fn said(program: &str, arguments: &[&str]) -> Result<String> {
    output(Command::new(program).args(arguments))
}

/// How long the disk takes to keep a page: what a store that waits for it cannot be faster than, writing alone.
fn disk(bench: &Bench) -> Result<Duration> {
    const WRITES: u64 = 101;
    const PAGE: [u8; 4096] = [0xa5; 4096];
    let file = File::create(bench.file("page", "")?)?;
    let mut times = Vec::new();
    for page in 0..WRITES {
        file.write_all_at(&PAGE, page % 8 * 4096)?;
        let start = Instant::now();
        file.sync_data()?;
        times.push(start.elapsed().as_secs_f64());
    }
    Ok(Duration::from_secs_f64(median(times)))
}

fn processor(cpuinfo: &str) -> &str {
    let name = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or("unnamed", |(_, name)| name.trim())
}

/// The version of a crate in `Cargo.lock`.
fn locked<'a>(lock: &'a str, krate: &str) -> Option<&'a str> {
    let (_, rest) = lock.split_once(&format!("name = \"{krate}\"\nversion = \""))?;
    rest.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locked_version_is_that_of_the_crate_itself() {
        let lock = "[[package]]\nname = \"hyper-util\"\nversion = \"0.1.21\"\n\n[[package]]\nname = \"hyper\"\nversion = \"1.12.0\"\n";
        assert_eq!(locked(lock, "hyper"), Some("1.12.0"));
        assert_eq!(locked(lock, "axum"), None);
    }
}
