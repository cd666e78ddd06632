//! `cargo xtask transcripts`: from an empty folder to an app that answers, in each language, as somebody does it who does it for
//! the first time; written into `docs/getting-started.md`, so that what it shows is what there was to see.
//!
//! | file | holds |
//! |---|---|
//! | `session` | the commands of one language, run one after the other, and the time that each took |
//! | `served` | a host that serves, and what it said on the way there |
//! | `shown` | what of their output stands in the document |
//!
//! Each language has caches of its own, which are empty: what its tools download is downloaded. The tools themselves are there.

mod served;
mod session;
mod shown;

use crate::document::{Column, Document, Table};
use crate::projects;
use crate::tools::{cargo, root, run as run_command};
use anyhow::{Context, Result, bail};
use session::Session;
use std::fmt::Write;
use std::time::Duration;

/// The document, and the place in it.
const DOCUMENT: &str = "docs/getting-started.md";
const PLACE: &str = "transcripts";

/// Runs the commands in all languages, or in those that are named, and writes the document unless some are left out.
pub(crate) fn run(options: &[&str]) -> Result<()> {
    let wanted = wanted(options)?;
    // First: a document without a place should not be found out after minutes.
    let mut document = Document::read(DOCUMENT)?;
    document.put(PLACE, "")?;
    let mut build = cargo();
    build.args(["build", "--release", "--locked", "--package", "dapr-wasm"]);
    run_command(build.current_dir(root()))?;

    let all = projects::languages();
    let (mut text, mut times, before) = (String::new(), table(), load()?);
    for language in &all {
        if !wanted.is_empty() && !wanted.contains(&language.word) {
            continue;
        }
        eprintln!("> {}", language.name);
        let session = Session::run(*language)?;
        write!(text, "### {}\n\n{}\n", language.name, session.block())?;
        times.cells(
            [language.name.to_owned()]
                .into_iter()
                .chain(session.times().map(seconds)),
        );
    }
    let (cores, after) = (std::thread::available_parallelism()?, load()?);
    write!(
        text,
        "### The time that it took\n\n{times}\n{cores} cores, with a load of {before} before and {after} after all of it.\n"
    )?;
    println!("{text}");
    if wanted.is_empty() {
        document.put(PLACE, &text)?;
        document.write()?;
    }
    Ok(())
}

fn wanted<'a>(options: &[&'a str]) -> Result<Vec<&'a str>> {
    let mut wanted = Vec::new();
    let mut options = options.iter();
    while let Some(option) = options.next() {
        match *option {
            "--only" => wanted.push(
                *options
                    .next()
                    .context("--only needs a language, as `new --lang` takes it")?,
            ),
            other => bail!("unknown argument of transcripts: {other}"),
        }
    }
    Ok(wanted)
}

fn table() -> Table {
    let figures = session::STEPS.map(|step| Column::Figure(format!("{step}, s")));
    Table::of([Column::Text("language".to_owned())].into_iter().chain(figures))
}

/// How many processes wanted a core in the last minute.
fn load() -> Result<String> {
    let load = std::fs::read_to_string("/proc/loadavg").context("cannot read /proc/loadavg")?;
    Ok(load.split(' ').next().unwrap_or_default().to_owned())
}

fn seconds(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_the_place() {
        assert!(Document::read(DOCUMENT).unwrap().put(PLACE, "").is_ok());
    }

    #[test]
    fn an_unknown_argument_is_refused() {
        assert!(wanted(&["--quick"]).is_err() && wanted(&["--only"]).is_err());
        assert_eq!(wanted(&["--only", "go", "--only", "c"]).unwrap(), ["go", "c"]);
    }
}
