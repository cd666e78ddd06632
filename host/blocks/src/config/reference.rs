//! `{ env = "NAME" }` and `{ secret = "NAME", key = "KEY", store = "STORE" }`: a string that stands elsewhere.
//!
//! Any string of the configuration may be written so. Resolving waits until a string is wanted, because a table of strings
//! may have a key `env` of its own (`[app] env = { env = "prod" }` sets a variable of that name).

use super::document::{Entry, Node};
use super::elsewhere::{Fetched, FetchedSecrets, Secrets};
use super::environment::LookupError;
use super::error::{ConfigError, ConfigErrors, Location};
use super::nearest::{choices, keys, nearest};
use super::place::Place;
use super::value::{Context, quoted};
use super::{document::Data, secrets::EXAMPLE};
use std::collections::BTreeSet;

const ENV: &str = "env";
const SECRET: &str = "secret";
const KEY: &str = "key";
const STORE: &str = "store";

/// How Dapr's own files write references.
const DAPRS: [&str; 2] = ["secretKeyRef", "secretStore"];

const ENV_FORM: &str = r#"{ env = "NAME" }"#;
const SECRET_FORM: &str = r#"{ secret = "NAME", key = "KEY", store = "STORE" }"#;

/// Where a string was read from, and what it is.
pub(super) struct Reference<'a> {
    pub(super) place: Place,
    pub(super) text: &'a str,
}

/// What a table stands for where a string is wanted; nothing if it is no reference at all.
pub(super) fn resolve<'a>(
    context: &'a Context,
    label: &str,
    entries: &'a [Entry],
) -> Result<Option<Reference<'a>>, ConfigErrors> {
    if let Some(entry) = entries.iter().find(|entry| DAPRS.contains(&entry.name.as_str())) {
        let name = entry.name.as_str();
        let error = context.at(&entry.key).error(format!(
            "{label} refers to a secret with `{name}`, as Dapr's own files do"
        ));
        return Err(error.with_help(format!("write {SECRET_FORM}")).into());
    }
    let find = |name| entries.iter().find(|entry| entry.name == name);
    let (resolved, known) = match (find(ENV), find(SECRET)) {
        (Some(_), Some(secret)) => {
            let error = context
                .at(&secret.key)
                .error(format!("{label} refers to a variable and to a secret"));
            return Err(error.with_help("remove one of them").into());
        }
        (Some(env), None) => (
            variable(context, label, &env.node).map_err(ConfigErrors::from),
            &[ENV][..],
        ),
        (None, Some(secret)) => {
            let resolved = Wanted::read(context, secret, find(KEY), find(STORE))
                .and_then(|wanted| wanted.resolve(context, label).map_err(ConfigErrors::from));
            (resolved, &[SECRET, KEY, STORE][..])
        }
        (None, None) => {
            // `{ enw = "X" }` is a slip; `{ seconds = 3 }` is a table where none belongs.
            let slips = entries
                .iter()
                .filter(|entry| nearest(&entry.name, [ENV, SECRET]).is_some());
            let slips = slips.map(|entry| unknown(context, label, entry, &[ENV, SECRET]));
            return ConfigErrors::of(slips).map_or(Ok(None), Err);
        }
    };
    let others = entries.iter().filter(|entry| !known.contains(&entry.name.as_str()));
    match (
        ConfigErrors::of(others.map(|entry| unknown(context, label, entry, known))),
        resolved,
    ) {
        (None, resolved) => Ok(Some(resolved?)),
        (Some(errors), Ok(_)) => Err(errors),
        (Some(errors), Err(other)) => Err(errors.and(other)),
    }
}

/// The secrets that parts of the file may refer to, as pairs of a store and a name: whatever looks like a reference. Where it is
/// none, what is fetched is not used. Where no store is named, it is the only one of `stores`.
pub(super) fn wanted<'a>(entries: impl IntoIterator<Item = &'a Entry>, stores: &[&str]) -> BTreeSet<(String, String)> {
    let mut found = Vec::new();
    entries
        .into_iter()
        .for_each(|entry| secrets_of(&entry.node, &mut found));
    let wanted = found.into_iter().filter_map(|(store, name)| {
        let store = match (store, stores) {
            (Some(store), _) => store,
            (None, [only]) => only,
            (None, _) => return None,
        };
        Some((store.to_owned(), name.to_owned()))
    });
    wanted.collect()
}

fn secrets<'a>(entries: &'a [Entry], found: &mut Vec<(Option<&'a str>, &'a str)>) {
    let text = |name| {
        let entry = entries.iter().find(|entry| entry.name == name)?;
        match &entry.node.data {
            Data::String(text) => Some(text.as_str()),
            _ => None,
        }
    };
    found.extend(text(SECRET).map(|name| (text(STORE), name)));
    // Also below what looks like one: `env = { secret = "prod", TOKEN = { secret = "token" } }` is a table of two variables.
    entries.iter().for_each(|entry| secrets_of(&entry.node, found));
}

fn secrets_of<'a>(node: &'a Node, found: &mut Vec<(Option<&'a str>, &'a str)>) {
    match &node.data {
        Data::Table(entries) => secrets(entries, found),
        Data::Array(items) => items.iter().for_each(|item| secrets_of(item, found)),
        _ => {}
    }
}

// ---- variables ----

fn variable<'a>(context: &'a Context, label: &str, node: &'a Node) -> Result<Reference<'a>, ConfigError> {
    let location = context.at(&node.span);
    let Data::String(variable) = &node.data else {
        let what = node.data.what();
        let error = location.error(format!("`env` must be the name of an environment variable, not {what}"));
        return Err(error.with_help(format!("write it like {ENV_FORM}")));
    };
    let shown = variable.escape_debug();
    let environment = &context.elsewhere.environment;
    match environment.lookup(variable) {
        Ok(text) => Ok(Reference {
            place: Place::Variable(variable.clone()),
            text,
        }),
        Err(LookupError::NotUnicode) => Err(location.error(format!(
            "{label} needs environment variable `{shown}`, whose value is no text"
        ))),
        Err(LookupError::Unset) => {
            let error = location.error(format!(
                "{label} needs environment variable `{shown}`, which is not set"
            ));
            Err(match nearest(variable, environment.names()) {
                Some(name) => error.with_help(format!("did you mean `{}`?", name.escape_debug())),
                None => error,
            })
        }
    }
}

// ---- secrets ----

/// A name in a reference, and where it stands.
struct Word<'a> {
    text: &'a str,
    at: Location,
}

/// What a reference to a secret asks for.
struct Wanted<'a> {
    name: Word<'a>,
    key: Option<Word<'a>>,
    store: Option<Word<'a>>,
}

impl<'a> Wanted<'a> {
    fn read(
        context: &Context,
        name: &'a Entry,
        key: Option<&'a Entry>,
        store: Option<&'a Entry>,
    ) -> Result<Self, ConfigErrors> {
        let word = |entry: &'a Entry, what| {
            let at = context.at(&entry.node.span);
            match &entry.node.data {
                Data::String(text) => Ok(Word { text, at }),
                data => {
                    let error = at.error(format!(
                        "`{}` must be the name of {what}, not {}",
                        entry.name,
                        data.what()
                    ));
                    Err(error.with_help(format!("write it like {SECRET_FORM}")))
                }
            }
        };
        let name = word(name, "a secret");
        let key = key.map(|entry| word(entry, "a key in a secret")).transpose();
        let store = store.map(|entry| word(entry, "a secret store")).transpose();
        match (name, key, store) {
            (Ok(name), Ok(key), Ok(store)) => Ok(Self { name, key, store }),
            (name, key, store) => {
                let errors = [name.err(), key.err(), store.err()].into_iter().flatten();
                Err(ConfigErrors::of(errors).expect("one of them is wrong"))
            }
        }
    }

    fn resolve(self, context: &'a Context, label: &str) -> Result<Reference<'a>, ConfigError> {
        let (secrets, store) = match &context.elsewhere.secrets {
            Secrets::Fetched(secrets) => (secrets, self.store(secrets, label)?),
            Secrets::OfBuiltIn(secrets) => (secrets, self.built_in_store(secrets, label)?),
            Secrets::None(reason) => {
                let error = self.name.at.error(format!("{label} refers to a secret, and {reason}"));
                return Err(error.with_help(format!("write it here, or use {ENV_FORM}")));
            }
        };
        let Word { text: name, at } = &self.name;
        let shown = format!("the secret `{}` of `{}`", name.escape_debug(), store.escape_debug());
        let values = match secrets.get(store, name) {
            Some(Fetched::Found(values)) => values,
            Some(Fetched::NoSuchSecret) => {
                return Err(at.error(format!("{label} needs {shown}, which is not there")));
            }
            Some(Fetched::Failed(reason)) => {
                return Err(at.error(format!("{label} needs {shown}, which cannot be read: {reason}")));
            }
            None => {
                let message = format!("{label} needs {shown}, and this secret store is not set up");
                return Err(at.error(message));
            }
        };
        // Dapr's rule: what is named alone is a secret of one value, under its own name.
        let key = self.key.as_ref().unwrap_or(&self.name);
        let Some(secret) = values.get(key.text) else {
            let message = format!(
                "{label} needs `{}` in {shown}, which has no such key",
                key.text.escape_debug()
            );
            let has: Vec<_> = values.keys().map(|key| key.escape_debug().to_string()).collect();
            let has = has.iter().map(String::as_str);
            return Err(key.at.error(message).with_help(match nearest(key.text, has.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if values.is_empty() => "it has no key at all".to_owned(),
                None => format!("name a key of it: {}", keys(has)),
            }));
        };
        Ok(Reference {
            text: secret.expose(),
            place: Place::Secret {
                store: store.to_owned(),
                name: (*name).to_owned(),
                key: key.text.to_owned(),
            },
        })
    }

    /// The same in the table of a secret store, which others come before: those that are built in and need nobody.
    fn built_in_store<'s>(&self, secrets: &'s FetchedSecrets, label: &str) -> Result<&'s str, ConfigError> {
        let is_there = |word: &Word<'_>| secrets.stores().any(|name| name == word.text);
        let error = match &self.store {
            Some(word) if !is_there(word) => word.at.error(format!(
                "{label} refers to the secret store {}, and stands in a secret store's own table",
                quoted(word.text)
            )),
            None if secrets.stores().next().is_none() => self.name.at.error(format!(
                "{label} refers to a secret, and stands in a secret store's own table"
            )),
            _ => return self.store(secrets, label),
        };
        let help = match secrets.stores().next() {
            Some(_) => format!("it may refer to built-in ones: {}", choices(secrets.stores())),
            None => format!("use {ENV_FORM}, or add a built-in store that it may refer to, as \"local.directory\""),
        };
        Err(error.with_help(help))
    }

    /// The store that is meant: the one that is named, or the only one.
    fn store<'s>(&self, secrets: &'s FetchedSecrets, label: &str) -> Result<&'s str, ConfigError> {
        let all: Vec<&str> = secrets.stores().collect();
        if all.is_empty() {
            let error = self
                .name
                .at
                .error(format!("{label} refers to a secret, and no secret store is configured"));
            return Err(error.with_help(format!(
                "add one, for example [secrets.{EXAMPLE}] with type = \"local.file\""
            )));
        }
        match (&self.store, &all[..]) {
            (None, [only]) => Ok(only),
            (None, _) => {
                let error = self.name.at.error(format!(
                    "{label} refers to a secret, and there are several secret stores"
                ));
                Err(error.with_help(format!("say which: store = {}", choices(all.iter().copied()))))
            }
            (Some(Word { text, at }), _) => match all.iter().find(|name| *name == text) {
                Some(name) => Ok(name),
                None => {
                    let error = at.error(format!(
                        "{label} refers to the secret store {}, which is not configured",
                        quoted(text)
                    ));
                    Err(match nearest(text, all.iter().copied()) {
                        Some(near) => error.with_help(format!("did you mean {}?", quoted(near))),
                        None => error.with_help(format!("configured: {}", choices(all.iter().copied()))),
                    })
                }
            },
        }
    }
}

fn unknown(context: &Context, label: &str, entry: &Entry, known: &[&str]) -> ConfigError {
    let error = context
        .at(&entry.key)
        .error(format!("unknown key `{}` in {label}", entry.name.escape_debug()));
    match nearest(&entry.name, known.iter().copied()) {
        Some(name) => error.with_help(format!("did you mean `{name}`?")),
        None if known.contains(&SECRET) => error.with_help(format!("a secret is {SECRET_FORM}")),
        None => error.with_help(format!("an environment variable is {ENV_FORM}")),
    }
}
