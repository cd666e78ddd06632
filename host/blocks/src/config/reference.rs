//! `{ env = "NAME" }`: a string that stands elsewhere.
//!
//! Any string of the configuration may be written so. Resolving waits until a string is wanted, because a table of strings
//! may have a key `env` of its own (`[app] env = { env = "prod" }` sets a variable of that name).

use super::document::{Data, Entry, Node};
use super::environment::LookupError;
use super::error::{ConfigError, ConfigErrors};
use super::nearest::nearest;
use super::value::Context;

const ENV: &str = "env";

/// How other products, and later versions of this one, write references.
const SECRETS: [&str; 3] = ["secret", "secretKeyRef", "secretStore"];

/// The environment variable a string was read from, and its value.
pub(super) struct Reference<'a> {
    pub(super) variable: &'a str,
    pub(super) text: &'a str,
}

/// What a table stands for where a string is wanted; nothing if it is no reference at all.
pub(super) fn resolve<'a>(
    context: &'a Context,
    label: &str,
    entries: &'a [Entry],
) -> Result<Option<Reference<'a>>, ConfigErrors> {
    if let Some(entry) = entries.iter().find(|entry| SECRETS.contains(&entry.name.as_str())) {
        let error = context
            .at(&entry.key)
            .error(format!("{label} refers to a secret, which this version cannot read"));
        return Err(error
            .with_help(r#"secret stores come later; use { env = "NAME" }"#)
            .into());
    }
    let others = entries.iter().filter(|entry| entry.name != ENV);
    let Some(entry) = entries.iter().find(|entry| entry.name == ENV) else {
        // `{ enw = "X" }` is a slip; `{ seconds = 3 }` is a table where none belongs.
        let slips = others.filter(|entry| nearest(&entry.name, [ENV]).is_some());
        return ConfigErrors::of(slips.map(|entry| unknown(context, label, entry))).map_or(Ok(None), Err);
    };
    let resolved = variable(context, label, &entry.node);
    match (
        ConfigErrors::of(others.map(|entry| unknown(context, label, entry))),
        resolved,
    ) {
        (None, resolved) => Ok(Some(resolved?)),
        (Some(errors), Ok(_)) => Err(errors),
        (Some(errors), Err(error)) => Err(errors.and(error.into())),
    }
}

fn variable<'a>(context: &'a Context, label: &str, node: &'a Node) -> Result<Reference<'a>, ConfigError> {
    let location = context.at(&node.span);
    let Data::String(variable) = &node.data else {
        let what = node.data.what();
        let error = location.error(format!("`env` must be the name of an environment variable, not {what}"));
        return Err(error.with_help(r#"write it like { env = "NAME" }"#));
    };
    let shown = variable.escape_debug();
    match context.environment.lookup(variable) {
        Ok(text) => Ok(Reference { variable, text }),
        Err(LookupError::NotUnicode) => Err(location.error(format!(
            "{label} needs environment variable `{shown}`, whose value is no text"
        ))),
        Err(LookupError::Unset) => {
            let error = location.error(format!(
                "{label} needs environment variable `{shown}`, which is not set"
            ));
            Err(match nearest(variable, context.environment.names()) {
                Some(name) => error.with_help(format!("did you mean `{}`?", name.escape_debug())),
                None => error,
            })
        }
    }
}

fn unknown(context: &Context, label: &str, entry: &Entry) -> ConfigError {
    let error = context
        .at(&entry.key)
        .error(format!("unknown key `{}` in {label}", entry.name.escape_debug()));
    match nearest(&entry.name, [ENV]) {
        Some(name) => error.with_help(format!("did you mean `{name}`?")),
        None => error.with_help(r#"an environment variable is { env = "NAME" }"#),
    }
}
