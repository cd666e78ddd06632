//! `cargo xtask soak`, `faults` and `load`: tests that write what they saw into the documents. `cargo xtask test` runs them, too:
//! soak and load in a short form, the faults once.

use crate::document::{Column, Document, Table};
use crate::figure::NONE;
use crate::test::{self, Scope};
use crate::tools::{cargo, root, run};
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;

/// What is seen of Dapr's components.
const COMPONENTS: &str = "docs/dapr-components.md";

/// What is seen of the host.
const BENCHMARKS: &str = "docs/benchmarks.md";

/// Operations of a soak where nobody says how many.
const OPERATIONS: u64 = 2_000_000;

/// How often each fault happens where nobody says it.
const ROUNDS: u32 = 5;

/// Minutes of load where nobody says how many.
const MINUTES: u64 = 10;

/// Full load on the stores that ask a server, and what is left of it.
pub(crate) fn load(arguments: &[&str]) -> Result<()> {
    let minutes = number(arguments, "--minutes", MINUTES)?;
    let columns = [
        Column::Text("store".into()),
        Column::Figure("s".into()),
        Column::Figure("req/s".into()),
        Column::Figure("sockets".into()),
        Column::Figure("descriptors".into()),
        Column::Figure("tasks".into()),
        Column::Figure("most memory, MB".into()),
        Column::Figure("memory, MB".into()),
    ];
    let mut document = begin(BENCHMARKS, "load")?;
    test::prepare(Scope::Everything)?;
    let host = released()?;
    let variables = [("DAPR_WASM_LOAD", (60 * minutes).to_string()), ("DAPR_WASM_HOST", host)];
    // One after the other: both take the whole machine.
    let mut rows = Vec::new();
    for filter in ["redis", "postgresql"] {
        rows.extend(told("load", filter, &variables)?);
    }
    end(&mut document, "load", Table::of(columns), rows)
}

/// The host that users run, built.
fn released() -> Result<String> {
    run(cargo()
        .args(["build", "--release", "--locked", "--package", "dapr-wasm"])
        .current_dir(root()))?;
    Ok(root().join("target/release/dapr-wasm").display().to_string())
}

/// A soak of each store that has one.
pub(crate) fn soak(arguments: &[&str]) -> Result<()> {
    let operations = number(arguments, "--operations", OPERATIONS)?;
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
    let mut document = begin(COMPONENTS, "soak")?;
    test::prepare(Scope::Everything)?;
    let variables = [
        ("DAPR_WASM_SOAK", operations.to_string()),
        ("DAPR_WASM_HOST", released()?),
    ];
    let rows = told("go_components", "soak::", &variables)?;
    end(&mut document, "soak", Table::of(columns), rows)
}

/// Each fault on each server, several times: the worst of what was seen.
pub(crate) fn faults(arguments: &[&str]) -> Result<()> {
    let rounds = number(arguments, "--rounds", ROUNDS)?;
    let columns = [
        Column::Text("store".into()),
        Column::Text("what happens to its server".into()),
        Column::Figure("longest answer, ms".into()),
        Column::Figure("served again after, ms".into()),
    ];
    let mut document = begin(COMPONENTS, "faults")?;
    test::prepare(Scope::Everything)?;
    let mut worst = BTreeMap::<[String; 2], [Option<u64>; 2]>::new();
    for _ in 0..rounds {
        for row in told("go_components", "faults::", &[])? {
            let [store, fault, longest, again] = row.as_slice() else {
                bail!("a test told {row:?}");
            };
            let seen = worst.entry([store.clone(), fault.clone()]).or_default();
            // There is no second one where the server was never away.
            *seen = [seen[0].max(longest.parse().ok()), seen[1].max(again.parse().ok())];
        }
    }
    let rows = worst.into_iter().map(|([store, fault], seen)| {
        let [longest, again] = seen.map(|ms| ms.map_or_else(|| NONE.to_owned(), |ms| ms.to_string()));
        vec![store, fault, longest, again]
    });
    end(&mut document, "faults", Table::of(columns), rows)
}

fn number<N: std::str::FromStr>(arguments: &[&str], name: &str, usual: N) -> Result<N> {
    match arguments {
        [] => Ok(usual),
        [given, number] if *given == name => match number.parse() {
            Ok(number) => Ok(number),
            Err(_) => bail!("{name} needs a number, not `{number}`"),
        },
        other => bail!("unknown arguments: {}", other.join(" ")),
    }
}

/// The document. First of all: that it has no place should not be found out after minutes.
fn begin(document: &str, block: &str) -> Result<Document> {
    let document = Document::read(document)?;
    document.rows(block)?;
    Ok(document)
}

fn end(
    document: &mut Document,
    block: &str,
    mut table: Table,
    rows: impl IntoIterator<Item = Vec<String>>,
) -> Result<()> {
    for row in rows {
        table.cells(row);
    }
    document.put(block, &table.to_string())?;
    document.write()
}

/// Runs some tests, and answers the rows that they told.
fn told(target: &str, filter: &str, variables: &[(&str, String)]) -> Result<Vec<Vec<String>>> {
    let told = root().join("target/told");
    std::fs::write(&told, "").with_context(|| format!("cannot write {}", told.display()))?;
    let mut test = cargo();
    test.arg("test")
        .args(Scope::Everything.arguments())
        .args(["--test", target, filter])
        .env("DAPR_WASM_TOLD", &told)
        .envs(variables.iter().map(|(name, value)| (name, value)));
    run(test.current_dir(root()))?;
    let rows = std::fs::read_to_string(&told).with_context(|| format!("cannot read {}", told.display()))?;
    if rows.is_empty() {
        bail!("the tests told nothing");
    }
    Ok(rows
        .lines()
        .map(|row| row.split('|').map(str::to_owned).collect())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_one_given_or_the_usual_one() {
        assert_eq!(number(&[], "--rounds", 5).unwrap(), 5);
        assert_eq!(number(&["--rounds", "7"], "--rounds", 5).unwrap(), 7);
        for wrong in [["--rounds", "many"], ["--operations", "7"]] {
            assert!(number(&wrong, "--rounds", 5).is_err());
        }
    }
}
