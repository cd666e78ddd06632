//! `[app.secrets.STORE]`: which secrets of a store the app may read.

use super::error::{ConfigError, ConfigErrors, Location};
use super::name::ComponentName;
use super::nearest::{choices, nearest};
use super::table::Table;
use super::value::{FromText, quoted};
use crate::secrets::{DefaultAccess, SecretAccess};

/// Which secrets of a store the app may read: the keys of `[app.secrets.STORE]`, which are Dapr's.
///
/// | key | |
/// |---|---|
/// | `allowedSecrets` | an array of names: where it is not empty, the app may read these and no others |
/// | `deniedSecrets` | an array of names: the app may not read these |
/// | `defaultAccess` | `"allow"` or `"deny"`: what holds for all others. Default: `"allow"` |
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AppSecretAccess {
    /// The name of the store.
    pub store: ComponentName,
    /// What the app may read of it.
    pub access: SecretAccess,
    location: Location,
}

const DEFAULT_ACCESS: [(&str, DefaultAccess); 2] = [("allow", DefaultAccess::Allow), ("deny", DefaultAccess::Deny)];

impl AppSecretAccess {
    pub(super) fn read(name: &str, location: &Location, table: Table) -> Result<Self, ConfigErrors> {
        let store = ComponentName::from_text(name)
            .map_err(|problem| location.error(format!("a secret store cannot have this name: {problem}")))?;
        let access = table.read(|table| {
            let default = table.take_choice("defaultAccess", &DEFAULT_ACCESS);
            let allowed = table.take::<Vec<String>>("allowedSecrets");
            let denied = table.take::<Vec<String>>("deniedSecrets");
            table.finish()?;
            Ok(SecretAccess {
                default: default?.unwrap_or_default(),
                allowed: allowed?.unwrap_or_default().into_iter().collect(),
                denied: denied?.unwrap_or_default().into_iter().collect(),
            })
        })?;
        Ok(Self {
            store,
            access,
            location: location.clone(),
        })
    }

    /// That the rules are of a store that is there: those of a misspelled one would hold for nothing.
    pub(super) fn check(&self, stores: &[String]) -> Result<(), ConfigError> {
        let name = self.store.as_str();
        if stores.iter().any(|store| store == name) {
            return Ok(());
        }
        let error = self
            .location
            .error(format!("there is no secret store {}", quoted(name)));
        let names = || stores.iter().map(String::as_str);
        Err(match nearest(name, names()) {
            Some(near) => error.with_help(format!("did you mean {}?", quoted(near))),
            None if stores.is_empty() => error.with_help(format!("add it: [secrets.{name}]")),
            None => error.with_help(format!("configured: {}", choices(names()))),
        })
    }
}

/// Two are equal if they say the same, wherever they stand.
impl PartialEq for AppSecretAccess {
    fn eq(&self, other: &Self) -> bool {
        (&self.store, &self.access) == (&other.store, &other.access)
    }
}

impl Eq for AppSecretAccess {}
