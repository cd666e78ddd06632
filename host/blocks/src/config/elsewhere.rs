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

/// Which secrets a part of the file may refer to.
#[derive(Clone, Debug)]
pub(super) enum Secrets {
    /// Those of all stores.
    Fetched(FetchedSecrets),
    /// Those of built-in stores: it is what another store is made of.
    OfBuiltIn(FetchedSecrets),
    /// None, for this reason: half a sentence, to be read behind "`path` refers to a secret, and".
    None(&'static str),
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

    /// The same without secrets, for this reason.
    pub(super) fn without_secrets(&self, reason: &'static str) -> Self {
        Self {
            environment: self.environment.clone(),
            secrets: Secrets::None(reason),
        }
    }

    /// The same with the secrets of built-in stores alone.
    pub(super) fn of_built_in(&self) -> Self {
        let secrets = match &self.secrets {
            Secrets::Fetched(secrets) => secrets.of_built_in(),
            Secrets::OfBuiltIn(secrets) => secrets.clone(),
            Secrets::None(_) => FetchedSecrets::default(),
        };
        Self {
            environment: self.environment.clone(),
            secrets: Secrets::OfBuiltIn(secrets),
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
    stores: BTreeMap<String, OfStore>,
}

/// Those of one store.
#[derive(Clone, Debug)]
struct OfStore {
    is_built_in: bool,
    secrets: BTreeMap<String, Fetched>,
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
    /// Nothing yet, of these stores: built-in ones and others.
    pub(super) fn of_stores<'a>(
        built_in: impl IntoIterator<Item = &'a str>,
        others: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let stores = |names: &mut dyn Iterator<Item = &'a str>, is_built_in| {
            let store = |name: &str| {
                let secrets = BTreeMap::new();
                (name.to_owned(), OfStore { is_built_in, secrets })
            };
            names.map(store).collect::<BTreeMap<_, _>>()
        };
        let mut all = stores(&mut others.into_iter(), false);
        all.extend(stores(&mut built_in.into_iter(), true));
        Self { stores: all }
    }

    /// Takes note of what became of fetching a secret of one of the stores.
    pub fn insert(&mut self, store: &str, name: &str, fetched: Fetched) {
        if let Some(store) = self.stores.get_mut(store) {
            store.secrets.insert(name.to_owned(), fetched);
        }
    }

    /// Those of built-in stores alone.
    fn of_built_in(&self) -> Self {
        let built_in = self.stores.iter().filter(|(_, store)| store.is_built_in);
        let built_in = built_in.map(|(name, store)| (name.clone(), store.clone()));
        Self {
            stores: built_in.collect(),
        }
    }

    /// All that was found.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let all = self.stores.values().flat_map(|store| store.secrets.values());
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
        self.stores.get(store)?.secrets.get(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_value() {
        let mut secrets = FetchedSecrets::of_stores(["vault"], []);
        let values = [("password".to_owned(), Secret::new("hunter2".to_owned()))].into();
        secrets.insert("vault", "db", Fetched::Found(values));
        let shown = format!("{:?}", Elsewhere::new(Environment::default(), secrets));
        assert!(shown.contains("password") && !shown.contains("hunter2"), "{shown}");
    }
}
