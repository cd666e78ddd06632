//! Where, when and with what a run was made.

use super::budget::Missed;
use super::memory::field;
use super::options::{Effort, Options};
use super::report::{Section, Table};
use super::{subject, wrk};
use crate::tools::{output, root};
use anyhow::{Context, Result};
use std::process::Command;

pub(super) fn section(options: &Options) -> Result<Section> {
    let read = |path: &str| std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"));
    let said = |program: &str, arguments: &[&str]| output(Command::new(program).args(arguments));
    let lock = std::fs::read_to_string(root().join("Cargo.lock"))?;
    let memory = field(&read("/proc/meminfo")?, "MemTotal")? as f64 / f64::from(1 << 30);
    let folder = root().display().to_string();
    let mut facts = vec![
        (
            "processor",
            format!(
                "{} cores, {}",
                std::thread::available_parallelism()?,
                processor(&read("/proc/cpuinfo")?)
            ),
        ),
        ("memory", format!("{memory:.1} GiB")),
        ("kernel", said("uname", &["-sr"])?),
        (
            "disk of the stores",
            said("stat", &["--file-system", "--format=%T", &folder])?,
        ),
        (
            "load before the run",
            read("/proc/loadavg")?.split(' ').take(3).collect::<Vec<_>>().join(" "),
        ),
        ("date", said("date", &["-u", "+%F"])?),
        (
            "dapr-wasm",
            output(Command::new(subject::released("dapr-wasm")).arg("--version"))?,
        ),
        ("rustc", said("rustc", &["--version"])?),
    ];
    for krate in ["wasmtime", "hyper", "tokio", "rusqlite"] {
        facts.push((krate, locked(&lock, krate).unwrap_or("not in use").to_owned()));
    }
    facts.push(("wrk", format!("{}, 2 threads", wrk::version()?)));
    facts.push((
        "compared with",
        match &options.wasmtime {
            Some(wasmtime) => output(Command::new(wasmtime).arg("--version"))?,
            None => "no wasmtime was given".to_owned(),
        },
    ));
    let (rounds, turn) = (options.effort.rounds(), options.effort.turn());
    facts.push((
        "command",
        format!("`cargo xtask bench {}`", options.arguments).replace(" `", "`"),
    ));
    let many = if options.effort == Effort::Quick {
        ""
    } else {
        ", of which the median is shown"
    };
    facts.push(("under load", format!("{rounds} rounds of {turn:?} each{many}")));

    let mut table = Table::new(&["", ""]);
    for (name, value) in facts {
        table.row(vec![name.to_owned(), value]);
    }
    Ok(Section {
        name: "machine",
        table,
        missed: Missed::default(),
    })
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
