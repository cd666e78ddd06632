//! `cargo xtask soak`: tests of Dapr's components in their long form, which write what they saw into the document. `cargo
//! xtask test` has the short form of each.

use crate::document::{Column, Document, Table};
use crate::test::{self, Scope};
use crate::tools::{cargo, root, run};
use anyhow::{Context, Result, bail};

const DOCUMENT: &str = "docs/dapr-components.md";

/// Operations of a soak where nobody says how many.
const OPERATIONS: u64 = 2_000_000;

/// Runs a soak of each store that has one.
pub(crate) fn soak(arguments: &[&str]) -> Result<()> {
    let operations = match arguments {
        [] => OPERATIONS,
        ["--operations", count] => count.parse().context("--operations needs a number")?,
        other => bail!("unknown arguments of soak: {}", other.join(" ")),
    };
    let columns = [
        Column::Text("store".into()),
        Column::Figure("operations".into()),
        Column::Figure("s".into()),
        Column::Figure("operations/s".into()),
        Column::Figure("`unavailable`".into()),
        Column::Figure("`outcome-unknown`".into()),
        Column::Figure("memory, MB".into()),
        Column::Figure("sockets".into()),
    ];
    let (block, filter) = ("soak", "soak::");
    // First: a document without a place should not be found out after minutes.
    let mut document = Document::read(DOCUMENT)?;
    document.rows(block)?;
    test::prepare(Scope::Everything)?;
    let told = root().join("target/told");
    if told.exists() {
        std::fs::remove_file(&told)?;
    }
    let mut test = cargo();
    test.arg("test")
        .args(Scope::Everything.arguments())
        .args(["--test", "go_components", filter])
        .env("DAPR_WASM_SOAK", operations.to_string())
        .env("DAPR_WASM_TOLD", &told);
    run(test.current_dir(root()))?;
    let rows = std::fs::read_to_string(&told).context("the test told nothing")?;
    let mut table = Table::of(columns);
    for row in rows.lines() {
        table.cells(row.split('|').map(str::to_owned));
    }
    document.put(block, &table.to_string())?;
    document.write()
}
