//! `cargo xtask soak` and `faults`: tests of Dapr's components that write what they saw into the document. `cargo xtask test`
//! runs them, too: the soak in a short form, the faults once.

use crate::document::{Column, Document, Table};
use crate::figure::NONE;
use crate::test::{self, Scope};
use crate::tools::{cargo, root, run};
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;

const DOCUMENT: &str = "docs/dapr-components.md";

/// Operations of a soak where nobody says how many.
const OPERATIONS: u64 = 2_000_000;

/// How often each fault happens where nobody says it.
const ROUNDS: u32 = 5;

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
    let mut document = begin("soak")?;
    test::prepare(Scope::Everything)?;
    // What is measured is what users run.
    run(cargo()
        .args(["build", "--release", "--locked", "--package", "dapr-wasm"])
        .current_dir(root()))?;
    let host = root().join("target/release/dapr-wasm").display().to_string();
    let variables = [("DAPR_WASM_SOAK", operations.to_string()), ("DAPR_WASM_HOST", host)];
    let rows = told("soak::", &variables)?;
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
    let mut document = begin("faults")?;
    test::prepare(Scope::Everything)?;
    let mut worst = BTreeMap::<[String; 2], [Option<u64>; 2]>::new();
    for _ in 0..rounds {
        for row in told("faults::", &[])? {
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
fn begin(block: &str) -> Result<Document> {
    let document = Document::read(DOCUMENT)?;
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

/// Runs some tests of the components, and answers the rows that they told.
fn told(filter: &str, variables: &[(&str, String)]) -> Result<Vec<Vec<String>>> {
    let told = root().join("target/told");
    std::fs::write(&told, "").with_context(|| format!("cannot write {}", told.display()))?;
    let mut test = cargo();
    test.arg("test")
        .args(Scope::Everything.arguments())
        .args(["--test", "go_components", filter])
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
