//! What a configuration refers to and does not hold: environment variables, and secrets.
//!
//! A configuration is given both and asks nobody, so that reading it has no side effects and a test states its own. Secrets
//! have to be fetched before, from stores that the same file names: [`SecretStores`](super::SecretStores) says which.

use super::environment::Environment;
use crate::secrets::{Secret, SecretValues};
use std::collections::BTreeMap;

/// What a configuration refers to and does not hold.
#[derive(Clone, Debug, Default)]
pub struct Elsewhere {
    pub(super) environment: Environment,
    pub(super) secrets: Secrets,
}

/// Whether a part of the file may refer to secrets.
#[derive(Clone, Debug)]
pub(super) enum Secrets {
    /// It may, to these.
    Fetched(FetchedSecrets),
    /// It may not: it is what secret stores are made of.
    NotYet,
}

impl Default for Secrets {
    fn default() -> Self {
        Self::Fetched(FetchedSecrets::default())
    }
}

impl Elsewhere {
    /// These variables and secrets.
    pub fn new(environment: Environment, secrets: FetchedSecrets) -> Self {
        Self {
            environment,
            secrets: Secrets::Fetched(secrets),
        }
    }

    /// The same for the settings of secret stores, which cannot come from secrets.
    pub(super) fn without_secrets(&self) -> Self {
        Self {
            environment: self.environment.clone(),
            secrets: Secrets::NotYet,
        }
    }
}

/// Variables alone, for a file that refers to no secret.
impl From<Environment> for Elsewhere {
    fn from(environment: Environment) -> Self {
        Self::new(environment, FetchedSecrets::default())
    }
}

/// The secrets that a configuration refers to, as far as they could be fetched. `Debug` shows their names.
#[derive(Clone, Debug, Default)]
pub struct FetchedSecrets {
    stores: BTreeMap<String, BTreeMap<String, Fetched>>,
}

/// What became of fetching a secret.
#[derive(Clone, Debug)]
pub enum Fetched {
    /// It is there.
    Found(SecretValues),
    /// The store has none of this name.
    NoSuchSecret,
    /// Why the store did not answer, as half a sentence that holds no part of a secret.
    Failed(String),
}

impl FetchedSecrets {
    /// Nothing yet, of the stores of these names.
    pub fn of_stores<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            stores: names
                .into_iter()
                .map(|name| (name.to_owned(), BTreeMap::new()))
                .collect(),
        }
    }

    /// Takes note of what became of fetching a secret of one of the stores.
    pub fn insert(&mut self, store: &str, name: &str, fetched: Fetched) {
        if let Some(secrets) = self.stores.get_mut(store) {
            secrets.insert(name.to_owned(), fetched);
        }
    }

    /// All that was found.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let all = self.stores.values().flat_map(BTreeMap::values);
        let found = all.filter_map(|fetched| match fetched {
            Fetched::Found(values) => Some(values.values()),
            Fetched::NoSuchSecret | Fetched::Failed(_) => None,
        });
        found.flatten()
    }

    pub(super) fn stores(&self) -> impl Iterator<Item = &str> {
        self.stores.keys().map(String::as_str)
    }

    /// What became of a secret of a store; nothing if the store could not be set up at all.
    pub(super) fn get(&self, store: &str, name: &str) -> Option<&Fetched> {
        self.stores.get(store)?.get(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_value() {
        let mut secrets = FetchedSecrets::of_stores(["vault"]);
        let values = [("password".to_owned(), Secret::new("hunter2".to_owned()))].into();
        secrets.insert("vault", "db", Fetched::Found(values));
        let shown = format!("{:?}", Elsewhere::new(Environment::default(), secrets));
        assert!(shown.contains("password") && !shown.contains("hunter2"), "{shown}");
    }
}
