//! Options that are `NAME=VALUE`: `--env`, `--metadata`.

use crate::failure::{Failure, Outcome};
use std::env::VarError;

/// The `NAME=VALUE` of an option, or `NAME` with the value of the host's variable.
pub(crate) fn named_value(option: &str, arg: &str) -> Outcome<(String, String)> {
    let (name, value) = match arg.split_once('=') {
        Some((name, value)) => (name, value.to_owned()),
        None => (arg, of_the_host(option, arg)?),
    };
    if name.is_empty() {
        // Not shown: what stands behind the `=` may be a password.
        return Err(
            Failure::usage(format!("{option} has no name before the `=`")).help(format!(
                "write {option} NAME=VALUE, or {option} NAME for the host's variable"
            )),
        );
    }
    Ok((name.to_owned(), value))
}

fn of_the_host(option: &str, name: &str) -> Outcome<String> {
    std::env::var(name).map_err(|error| {
        let failure = match error {
            VarError::NotPresent => Failure::usage(format!("{option} {name}: the host has no variable of this name")),
            VarError::NotUnicode(_) => {
                Failure::usage(format!("{option} {name}: the host's variable is not UTF-8 text"))
            }
        };
        failure.help(format!("set it, or write {option} {name}=VALUE"))
    })
}
