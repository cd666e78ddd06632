//! `cargo xtask bench`: measures the release build beside the budgets of the design.
//!
//! | file | holds |
//! |---|---|
//! | `hello`, `counter`, `calls`, `neighbours`, `start`, `resident`, `size` | one section of `docs/benchmarks.md` each |
//! | `subject` | the servers that are measured, and what they need on disk |
//! | `server`, `client`, `wrk`, `turn`, `memory` | starting, asking, loading and weighing a server |
//! | `rounds`, `budget`, `figure` | medians, verdicts, and how numbers are written |
//! | `report`, `machine` | the document |
//!
//! A figure that is compared with another is taken beside it: in rounds, A B C A B C, so that what else the machine does
//! meets all of them. Nothing here fails because it is slow; a wrong answer does.

mod budget;
mod calls;
mod client;
mod counter;
mod figure;
mod hello;
mod machine;
mod memory;
mod neighbours;
mod options;
mod report;
mod resident;
mod rounds;
mod server;
mod size;
mod start;
mod subject;
mod turn;
mod wrk;

pub(crate) use options::Options;

use crate::guests;
use crate::tools::{cargo, root, run as run_command};
use anyhow::Result;
use options::Effort;
use report::{Document, Section};
use subject::Bench;

/// What measures a section.
type Measure = fn(&Bench) -> Result<Section>;

const SECTIONS: [Measure; 7] = [
    hello::measure,
    counter::measure,
    calls::measure,
    neighbours::measure,
    start::measure,
    resident::measure,
    size::measure,
];

/// Measures everything, prints the tables, and writes them to `docs/benchmarks.md` and the README unless the run is a
/// quick one.
pub(crate) fn run(options: &Options) -> Result<()> {
    wrk::require()?;
    // First: a document without a place for a table should not be found out after minutes of measuring.
    let mut document = Document::read("docs/benchmarks.md")?;
    let mut readme = Document::read("README.md")?;
    guests::build()?;
    for (package, arguments) in [("dapr-wasm", [].as_slice()), ("xtask", &["--features", "baseline"])] {
        let mut build = cargo();
        build
            .args(["build", "--release", "--locked", "--package", package])
            .args(arguments);
        run_command(build.current_dir(root()))?;
    }
    let bench = Bench::new(options)?;
    let machine = machine::section(options, &bench)?;
    println!("{machine}");
    let mut sections = vec![machine];
    for measure in SECTIONS {
        let section = measure(&bench)?;
        println!("{section}");
        sections.push(section);
    }
    for section in &sections {
        document.put(section)?;
    }
    readme.put(&Section::figures(&sections))?;
    report_missed(&sections);
    if options.effort == Effort::Full {
        document.write()?;
        readme.write()?;
    }
    Ok(())
}

fn report_missed(sections: &[Section]) {
    let missed: Vec<_> = sections.iter().flat_map(|section| section.missed.sentences()).collect();
    if missed.is_empty() {
        println!("all budgets are met");
        return;
    }
    println!("missed budgets:");
    for missed in missed {
        println!("  {missed}");
    }
}
