//! One target: first the inputs that once showed something, whole and each by itself, then new ones for some seconds.
//!
//! All that is written goes to `fuzz/target`: inputs that reached something new, so that the next run begins with them, and
//! inputs that found something.

use super::options::Options;
use super::targets::Target;
use crate::tools::root;
use anyhow::{Context, Result, bail};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// How much of a failed run is shown: the panic, and where it came from.
const LINES_SHOWN: usize = 60;

/// What libFuzzer calls the number of branches that all inputs together reach.
const REACHED: &str = " cov:";

/// Runs a target, and returns what to tell of an input that found something.
pub(super) fn run(target: &Target, program: &Path, options: &Options) -> Result<Option<String>> {
    let known = files(&root().join("fuzz/corpus").join(target.name))?;
    for input in &known {
        let output = bounded(target, program)
            .arg(input)
            .output()
            .context("cannot start it")?;
        if !output.status.success() {
            return finding(target, program, input, &output).map(Some);
        }
    }
    // Only what this run finds is in it.
    let found = empty_folder("artifacts", target)?;
    let output = fuzz(target, program, options, &found)?;
    if output.status.success() {
        if !String::from_utf8_lossy(&output.stderr).contains(REACHED) {
            bail!(
                "{} is built without instrumentation, and learns nothing",
                program.display()
            );
        }
        eprintln!("{:<14}{} known inputs, {}", target.name, known.len(), summary(&output));
        return Ok(None);
    }
    let input = files(&found)?.into_iter().next().unwrap_or(found);
    finding(target, program, &input, &output).map(Some)
}

/// The program with the target's bounds.
fn bounded(target: &Target, program: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg(format!("-timeout={}", target.timeout));
    command.arg(format!("-rss_limit_mb={}", target.memory));
    // Of a panic, and not of each error that is made: that would be most of the time.
    command.env("RUST_BACKTRACE", "1").env("RUST_LIB_BACKTRACE", "0");
    command
}

fn fuzz(target: &Target, program: &Path, options: &Options, found: &Path) -> Result<Output> {
    let mut command = bounded(target, program);
    command.arg(format!("-max_len={}", target.max_len));
    // From the first second: else inputs stay short for longer than a run takes, and hold no more than a name or two.
    command.arg("-len_control=0");
    command.arg(format!("-max_total_time={}", options.seconds));
    command.args(options.seed.map(|seed| format!("-seed={seed}")));
    command.arg(format!("-artifact_prefix={}/", found.display()));
    command.arg("-print_final_stats=1");
    if let Some(words) = target.dictionary {
        let file = root().join("fuzz/dictionaries").join(words);
        command.arg(format!("-dict={}", file.display()));
    }
    // libFuzzer writes into the first folder, and reads all of them.
    command.arg(match options.seed {
        None => folder("corpus", target)?,
        // What earlier runs left would make other inputs of the seed.
        Some(_) => empty_folder("seeded", target)?,
    });
    let committed = root().join("fuzz/corpus").join(target.name);
    command.args(committed.is_dir().then_some(committed));
    command.args(target.seeds.iter().map(|folder| root().join(folder)));
    command.output().context("cannot start it")
}

/// A folder of this target's in `fuzz/target`.
fn folder(kind: &str, target: &Target) -> Result<PathBuf> {
    let folder = root().join("fuzz/target").join(kind).join(target.name);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// The same, with nothing in it.
fn empty_folder(kind: &str, target: &Target) -> Result<PathBuf> {
    let folder = folder(kind, target)?;
    for old in files(&folder)? {
        std::fs::remove_file(&old).with_context(|| format!("cannot remove {}", old.display()))?;
    }
    Ok(folder)
}

/// The files of a folder, none if it is not there.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()
        .with_context(|| format!("cannot read {}", folder.display()))?;
    files.sort();
    Ok(files)
}

/// What was found, how to see it again, and how to keep it.
fn finding(target: &Target, program: &Path, input: &Path, output: &Output) -> Result<String> {
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<_> = said.lines().collect();
    let first = lines.len().saturating_sub(LINES_SHOWN);
    let mut text = lines.get(first..).unwrap_or_default().join("\n");
    let (name, input, program) = (target.name, input.display(), program.display());
    write!(
        text,
        "\n\n{name}: found by {input}\n\
         rerun:    RUST_BACKTRACE=1 {program} {input}\n\
         smaller:  {program} -minimize_crash=1 -runs=100000 {input}\n\
         once it is mended, it stays: fuzz/corpus/{name}/WHAT-IT-SHOWED\n"
    )?;
    Ok(text)
}

/// What a run says of itself: `cov: 1234 corp: 56`, and how many inputs.
fn summary(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let after = |text: &str, word: &str| -> Option<String> {
        let (_, rest) = text.rsplit_once(word)?;
        rest.split_whitespace().next().map(str::to_owned)
    };
    let number = |word| after(&said, word).unwrap_or_else(|| "?".to_owned());
    format!(
        "{} new ones, {} a second, {} MiB at most; branches reached: {} at first, {} in the end",
        number("stat::number_of_executed_units:"),
        number("stat::average_exec_per_sec:"),
        number("stat::peak_rss_mb:"),
        said.lines()
            .find(|line| line.contains("INITED"))
            .and_then(|line| after(line, REACHED))
            .unwrap_or_else(|| "0".to_owned()),
        number(REACHED),
    )
}
