//! What the tests of this folder share: reading one value or table, and errors in short.

use super::{ConfigErrors, Environment, FromToml, Source, Table};

/// A table of this text, in a file in `/conf`.
pub(super) fn table(text: &str) -> Table {
    table_with(text, &[])
}

/// The same, with environment variables.
pub(super) fn table_with(text: &str, variables: &[(&str, &str)]) -> Table {
    Table::parse(
        Source::new("components.toml", "/conf", text),
        variables.iter().copied().collect::<Environment>(),
    )
    .unwrap()
}

/// Reads a value.
pub(super) fn read<T: FromToml>(value: &str) -> T {
    read_with(value, &[])
}

/// Reads a value with environment variables.
pub(super) fn read_with<T: FromToml>(value: &str, variables: &[(&str, &str)]) -> T {
    table_with(&format!("key = {value}"), variables)
        .read(|table| table.require("key"))
        .unwrap()
}

/// Why a value cannot be read.
pub(super) fn failure<T: FromToml>(value: &str) -> String {
    failure_with::<T>(value, &[])
}

/// Why a value cannot be read with environment variables.
pub(super) fn failure_with<T: FromToml>(value: &str, variables: &[(&str, &str)]) -> String {
    let result = table_with(&format!("key = {value}"), variables).read(|table| table.require::<T>("key"));
    messages(result.err().expect("a value that cannot be read"))
}

/// One line per error, without its place, the help in parentheses.
pub(super) fn messages(errors: ConfigErrors) -> String {
    let line = |error: &super::ConfigError| match error.help() {
        Some(help) => format!("{} ({help})", error.message()),
        None => error.message().to_owned(),
    };
    errors.iter().map(line).collect::<Vec<_>>().join("\n")
}
