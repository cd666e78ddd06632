//! That docs/security.md names tests which exist: a table that nobody checks becomes a list of wishes.

use dapr_wasm_tests::built::repository;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// What a row ends in: between backticks, a file and a function.
fn named(document: &str) -> BTreeSet<(String, String)> {
    let spans = document.split('`').skip(1).step_by(2);
    let named = spans.filter_map(|span| span.split_once(".rs::"));
    named
        .map(|(file, test)| (format!("{file}.rs"), test.to_owned()))
        .collect()
}

/// The file that a row means: beside this one, among the tests, or from the root of the repository.
fn found(file: &str) -> Option<PathBuf> {
    let places = ["tests/hostile", "tests", ""].map(|place| repository().join(place).join(file));
    places.into_iter().find(|path| path.is_file())
}

/// Whether a source has a test of this name. The claims of `kv` and `matrix` are functions that a macro makes tests of.
fn has(source: &str, test: &str) -> bool {
    let lines: Vec<_> = source.lines().map(str::trim_start).collect();
    let begins = |line: &str| {
        let function = line.strip_prefix("async ").unwrap_or(line);
        let name = function.strip_prefix("fn ").and_then(|rest| rest.strip_prefix(test));
        name.is_some_and(|rest| rest.starts_with('('))
    };
    let is_test = |line: &&str| line.starts_with("#[test]") || line.starts_with("#[tokio::test");
    lines.iter().enumerate().any(|(number, line)| {
        let mut attributes = lines[..number].iter().rev().take_while(|line| line.starts_with("#["));
        begins(line) && (attributes.any(is_test) || line.contains("store: &Store"))
    })
}

#[test]
fn every_test_that_the_document_names_is_there() {
    let document = std::fs::read_to_string(repository().join("docs/security.md")).expect("it is there");
    let named = named(&document);
    assert!(named.len() > 80, "only {} tests were found in it", named.len());
    let missing: Vec<_> = named
        .iter()
        .filter(|(file, test)| {
            let source = found(file).and_then(|path| std::fs::read_to_string(path).ok());
            !source.is_some_and(|source| has(&source, test))
        })
        .collect();
    assert!(missing.is_empty(), "there are no such tests: {missing:#?}");
}

#[test]
fn a_test_that_is_not_there_is_missed() {
    let source = "#[test]\nfn a_claim() {}\n\nfn a_helper() {}\n";
    assert!(has(source, "a_claim"));
    for other in ["a_helper", "a_clai", "a_claims", "another"] {
        assert!(!has(source, other), "{other}");
    }
}
