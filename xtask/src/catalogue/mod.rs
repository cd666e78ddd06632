//! `cargo xtask components`: builds every component of Dapr's that is known to build, one after the other.
//!
//! | file | holds |
//! |---|---|
//! | `host` | the host that builds them, asked and driven as a user would |
//! | `entry` | what came of one, as a row of `docs/dapr-components.md` |
//! | `release` | what a release publishes: `target/components` |
//!
//! A component that does not build is a row with the reason, and an error in the end. A run over all of them begins without
//! anything that Go compiled before, so that the times of two runs can be compared; one over some uses what is there.

mod entry;
mod host;
mod options;
mod release;

pub(crate) use options::Options;

use crate::document::{Document, Table};
use crate::tools::require_c_compiler;
use anyhow::{Result, bail};
use entry::Entry;
use host::Host;
use release::Release;

/// The document, and the markers in it.
const DOCUMENT: &str = "docs/dapr-components.md";
const BLOCK: &str = "components";

/// Builds them, writes the document, and puts what a release publishes into its folder.
pub(crate) fn run(options: &Options) -> Result<()> {
    require_c_compiler()?;
    // First: a document without a place should not be found out after half an hour of building.
    let mut document = Document::read(DOCUMENT)?;
    let before = document.rows(BLOCK)?;
    let host = Host::build()?;
    let all = host.known()?;
    let wanted = options.wanted(&all)?;
    let release = Release::at_its_place()?;
    if options.builds_all() {
        host.forget()?;
        release.empty()?;
    }
    let (mut rows, mut failed) = (before, 0);
    for component in wanted {
        let entry = host.install(&component, &release)?;
        failed += usize::from(entry.failure().is_some());
        rows.retain(|row| !entry.is_in(row));
        rows.push(entry.row());
        // After each: a run that is broken off has told what it knows.
        release.sum()?;
        rows.sort();
        document.put(BLOCK, &table(&rows))?;
        document.write()?;
    }
    host.clear()?;
    eprintln!("what a release publishes is in {}", release.folder().display());
    match failed {
        0 => Ok(()),
        failed => bail!("{failed} did not build: {DOCUMENT} says why"),
    }
}

/// The table of the document.
fn table(rows: &[Vec<String>]) -> String {
    let mut table = Table::of(Entry::head());
    for row in rows {
        table.cells(row.iter().cloned());
    }
    table.to_string()
}
