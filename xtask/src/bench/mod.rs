//! `cargo xtask bench`: measures the release build beside the budgets of the design.
//!
//! | file | holds |
//! |---|---|
//! | `hello`, `counter`, `languages`, `beside`, `calls`, `neighbours`, `native_go`, `start`, `resident`, `size` | one section of `docs/benchmarks.md` each |
//! | `native`, `redis`, `daprd` | what is measured beside and with |
//! | `subject` | the servers that are measured, and what they need on disk |
//! | `server`, `client`, `wrk`, `paced`, `turn`, `memory` | starting, asking, loading and weighing a server |
//! | `rounds`, `budget` | medians, and verdicts |
//! | `report`, `machine` | what the document says |
//!
//! A figure that is compared with another is taken beside it: in rounds, A B C A B C, so that what else the machine does
//! meets all of them. Nothing here fails because it is slow; a wrong answer does.

mod beside;
mod budget;
mod calls;
mod client;
mod counter;
mod daprd;
mod hello;
mod languages;
mod machine;
mod memory;
mod native;
mod native_go;
mod neighbours;
mod options;
mod paced;
mod redis;
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

use crate::document::Document;
use crate::guests;
use crate::tools::{cargo, root, run as run_command};
use anyhow::{Context, Result};
use options::Effort;
use report::Section;
use subject::Bench;

/// What measures a section.
type Measure = fn(&Bench) -> Result<Section>;

/// The sections by their names, in the order of the document.
const SECTIONS: [(&str, Measure); 10] = [
    ("hello", hello::measure),
    ("counter", counter::measure),
    ("languages", languages::measure),
    ("beside", beside::measure),
    ("calls", calls::measure),
    ("neighbours", neighbours::measure),
    ("native-go", native_go::measure),
    ("start", start::measure),
    ("resident", resident::measure),
    ("size", size::measure),
];

/// Measures everything, prints the tables, and writes them to `docs/benchmarks.md` and the README unless the run is a
/// quick one.
pub(crate) fn run(options: &Options) -> Result<()> {
    wrk::require()?;
    let wanted = wanted(&options.only)?;
    // First: a document without a place for a table should not be found out after minutes of measuring.
    let mut document = Document::read("docs/benchmarks.md")?;
    // It has figures of all sections.
    let mut readme = match options.only.as_slice() {
        [] => Some(Document::read("README.md")?),
        _ => None,
    };
    guests::build()?;
    for (package, arguments) in [("dapr-wasm", [].as_slice()), ("xtask", &["--features", "baseline"])] {
        let mut build = cargo();
        build
            .args(["build", "--release", "--locked", "--package", package])
            .args(arguments);
        run_command(build.current_dir(root()))?;
    }
    let bench = Bench::new(options)?;
    let mut sections = Vec::new();
    if options.only.is_empty() {
        let machine = machine::section(options, &bench)?;
        println!("{machine}");
        sections.push(machine);
    }
    for measure in wanted {
        let section = measure(&bench)?;
        println!("{section}");
        sections.push(section);
    }
    for section in &sections {
        document.put(section.name, &section.table.to_string())?;
    }
    if let Some(readme) = &mut readme {
        let figures = Section::figures(&sections);
        readme.put(figures.name, &figures.table.to_string())?;
    }
    report_missed(&sections);
    if options.effort == Effort::Full {
        document.write()?;
        readme.iter().try_for_each(Document::write)?;
    }
    Ok(())
}

/// What measures the sections of these names; all of them if there are none.
fn wanted(names: &[String]) -> Result<Vec<Measure>> {
    let measure = |name: &String| {
        let found = SECTIONS.iter().find(|(section, _)| section == name);
        found.map(|(_, measure)| *measure).with_context(|| {
            let names = SECTIONS.map(|(name, _)| name).join(", ");
            format!("there is no section `{name}`: {names}")
        })
    };
    match names {
        [] => Ok(SECTIONS.map(|(_, measure)| measure).to_vec()),
        names => names.iter().map(measure).collect(),
    }
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
