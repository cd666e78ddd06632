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

/// What is seen of the built-in stores.
const STATE: &str = "docs/state.md";

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

/// Each fault on each server, several times.
pub(crate) fn faults(arguments: &[&str]) -> Result<()> {
    let (rounds, only) = match arguments {
        [rest @ .., "--only", only @ ("built-in" | "dapr")] => (rest, Some(*only)),
        ["--only", only @ ("built-in" | "dapr"), rest @ ..] => (rest, Some(*only)),
        rest => (rest, None),
    };
    let rounds = number(rounds, "--rounds", ROUNDS)?;
    if only != Some("dapr") {
        faults_of_built_in(rounds)?;
    }
    if only != Some("built-in") {
        faults_of_daprs(rounds)?;
    }
    Ok(())
}

/// Of the built-in stores that ask a server, under load: what was seen in all rounds together, and the worst times.
fn faults_of_built_in(rounds: u32) -> Result<()> {
    let columns = [
        Column::Text("store".into()),
        Column::Text("what happens to its server".into()),
        Column::Figure("acknowledged".into()),
        Column::Figure("refused".into()),
        Column::Figure("in doubt".into()),
        Column::Figure("lost".into()),
        Column::Figure("torn".into()),
        Column::Figure("longest answer, ms".into()),
        Column::Figure("served again after, ms".into()),
    ];
    let mut document = begin(STATE, "faults")?;
    test::prepare_host(Scope::Everything)?;
    // One after the other: each is to have the machine for itself.
    let alone = [("RUST_TEST_THREADS", "1".to_owned())];
    let mut told_all = Vec::new();
    for _ in 0..rounds {
        for (target, filter) in [("redis", "chaos::"), ("postgresql", "faults::")] {
            told_all.extend(told(target, filter, &alone)?);
        }
    }
    let rows = together(told_all, [add, add, add, add, add, u64::max, u64::max])?;
    end(&mut document, "faults", Table::of(columns), rows)
}

/// Of Dapr's components: the worst of what was seen.
fn faults_of_daprs(rounds: u32) -> Result<()> {
    let columns = [
        Column::Text("store".into()),
        Column::Text("what happens to its server".into()),
        Column::Figure("longest answer, ms".into()),
        Column::Figure("served again after, ms".into()),
    ];
    let mut document = begin(COMPONENTS, "faults")?;
    test::prepare(Scope::Everything)?;
    let mut told_all = Vec::new();
    for _ in 0..rounds {
        for filter in ["faults::", "panics::a_panic_in_the_middle"] {
            told_all.extend(told("go_components", filter, &[])?);
        }
    }
    let rows = together(told_all, [u64::max, u64::max])?;
    end(&mut document, "faults", Table::of(columns), rows)
}

/// What one figure and that of another round come to.
type Both = fn(u64, u64) -> u64;

fn add(one: u64, other: u64) -> u64 {
    one + other
}

/// One row for each fault of each store, of the figures of all rounds. There need not be one: a server that was never away
/// was not served again.
fn together<const N: usize>(told: Vec<Vec<String>>, both: [Both; N]) -> Result<Vec<Vec<String>>> {
    let mut all = BTreeMap::<[String; 2], [Option<u64>; N]>::new();
    for row in told {
        let (Some([store, fault]), Some(figures)) = (row.first_chunk::<2>(), row.get(2..)) else {
            bail!("a test told {row:?}");
        };
        if figures.len() != N {
            bail!("a test told {row:?}");
        }
        let seen = all.entry([store.clone(), fault.clone()]).or_insert([None; N]);
        for ((seen, figure), both) in seen.iter_mut().zip(figures).zip(both) {
            *seen = match (*seen, figure.parse().ok()) {
                (Some(one), Some(other)) => Some(both(one, other)),
                (one, other) => one.or(other),
            };
        }
    }
    let rows = all.into_iter().map(|(names, figures)| {
        let shown = |figure: Option<u64>| figure.map_or_else(|| NONE.to_owned(), |figure| figure.to_string());
        names.into_iter().chain(figures.map(shown)).collect()
    });
    Ok(rows.collect())
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
    fn figures_of_several_rounds_are_added_or_the_worst_is_taken() {
        let row = |cells: [&str; 4]| cells.map(str::to_owned).to_vec();
        let told = vec![
            row(["b", "killed", "2", "30"]),
            row(["a", "killed", "1", ""]),
            row(["b", "killed", "3", "20"]),
        ];
        let all = together(told, [add, u64::max]).unwrap();
        assert_eq!(all, [row(["a", "killed", "1", NONE]), row(["b", "killed", "5", "30"])]);
        assert!(together(vec![row(["a", "killed", "1", "2"])], [add]).is_err());
        assert!(together(vec![vec!["a".to_owned()]], [add]).is_err());
    }

    #[test]
    fn a_number_is_the_one_given_or_the_usual_one() {
        assert_eq!(number(&[], "--rounds", 5).unwrap(), 5);
        assert_eq!(number(&["--rounds", "7"], "--rounds", 5).unwrap(), 7);
        for wrong in [["--rounds", "many"], ["--operations", "7"]] {
            assert!(number(&wrong, "--rounds", 5).is_err());
        }
    }
}
