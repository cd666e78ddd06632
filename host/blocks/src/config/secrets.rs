//! `[secrets.NAME]`: secret stores.
//!
//! They come before the rest of the file, since any string of it may be a secret's. So a file is read twice:
//!
//! 1. [`SecretStores::read`] reads these tables alone, and collects what the file wants of them.
//! 2. Whoever reads the file opens those stores and fetches the secrets.
//! 3. [`Configuration::parse`](super::Configuration::parse) reads all of it with what was fetched, and reports everything that
//!    is wrong at once, with these tables too.

use super::component::{Block, ComponentType, Scopes};
use super::configuration::Vendors;
use super::duration::NonZeroDuration;
use super::environment::Environment;
use super::error::{ConfigError, ConfigErrors, Location};
use super::name::ComponentName;
use super::provider::Implementation;
use super::reference;
use super::source::Source;
use super::table::Table;
use super::value::FromText;
use crate::secrets::Secret;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const SECRETS: Block = Block {
    prefix: "secretstores",
    noun: "secret store",
    in_wasm: true,
};

/// The table of the stores.
const TABLE: &str = "secrets";

/// What one may be called.
pub(super) const EXAMPLE: &str = "vault";

/// A configured secret store; `S` is what the vendor made of its own settings. The text of each field is its reference.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SecretComponent<S> {
    /// The name in `[secrets.NAME]`, by which apps and the rest of the file ask for the store.
    pub name: ComponentName,
    /// `type` and `version`, strings: the vendor, or `"wasm"`. `"local.env"` and Dapr's `"secretstores.local.env"` are the same;
    /// `version` is `"v1"` by default.
    pub kind: ComponentType,
    /// `scopes`, an array of app ids: the apps that may ask for the store. Default: all. What the rest of the file refers to
    /// is not bound by it.
    pub scopes: Scopes,
    /// `deadline`, a duration above zero: the longest that one call may take, whatever the vendor's own timeouts. Default:
    /// `"5s"`.
    pub deadline: Duration,
    /// `ignoreErrors`, a boolean: whether the host starts when the store does not open, and opens it later. What the rest of
    /// the file refers to must be there all the same. Default: `false`.
    pub ignore_errors: bool,
    /// The other keys of the table: the vendor's settings, or the component's. `source` is as of a state store.
    pub implementation: Implementation<S>,
    /// Where the store's name stands in the file, for errors that show only when it is opened.
    pub location: Location,
    /// What is no error, and to be told to the user.
    pub warnings: Vec<ConfigError>,
}

impl<S> SecretComponent<S> {
    /// [`SecretComponent::deadline`] where the file has none: as of a state store.
    const DEFAULT_DEADLINE: Duration = Duration::from_secs(5);

    fn read<V: Vendors<Secrets = S>>(
        name: &str,
        location: &Location,
        table: Table,
        vendors: &V,
    ) -> Result<Self, ConfigErrors> {
        let name = ComponentName::from_text(name)
            .map_err(|problem| location.error(format!("a secret store cannot have this name: {problem}")));
        let rest = table.read(|table| {
            // Without a type, nobody knows what the other keys mean.
            let kind = ComponentType::read(table, SECRETS, &vendors.secret_types())?;
            let scopes = Scopes::read(table);
            let deadline = table.take("deadline").map(|given| given.map(NonZeroDuration::get));
            let ignore_errors = table.take("ignoreErrors");
            table.refuse(
                "start",
                "`start` is for state stores: a secret store in WebAssembly starts with the host",
                Some("remove it"),
            );
            let built_in = vendors.secret_types();
            let read = |table: &mut Table| vendors.secrets(&kind, table);
            let (implementation, warnings) =
                Implementation::read(&kind, table, &built_in, read, || vendors.installed(&kind))?;
            table.finish()?;
            let (scopes, deadline, ignore_errors) = (scopes?, deadline?, ignore_errors?);
            Ok(move |name| Self {
                name,
                kind,
                scopes,
                deadline: deadline.unwrap_or(Self::DEFAULT_DEADLINE),
                ignore_errors: ignore_errors.unwrap_or_default(),
                implementation,
                location: location.clone(),
                warnings,
            })
        });
        match (name, rest) {
            (Ok(name), Ok(named)) => Ok(named(name)),
            (Err(error), Err(errors)) => Err(errors.and(error.into())),
            (Err(error), Ok(_)) => Err(error.into()),
            (Ok(_), Err(errors)) => Err(errors),
        }
    }
}

/// The secret stores of a file, and what the file wants of them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SecretStores<S> {
    /// Those without mistakes, in the order of the file.
    pub stores: Vec<SecretComponent<S>>,
    /// The names of all, also of those with mistakes.
    pub names: Vec<String>,
    /// Pairs of a store's name and a secret's that the file refers to. There may be more of them than are used in the end.
    pub wanted: BTreeSet<(String, String)>,
    /// What nobody is to see of what their tables refer to.
    pub hidden: Vec<Secret>,
}

impl<S> SecretStores<S> {
    /// Reads the tables of secret stores. What is wrong with them is reported when the whole file is read.
    ///
    /// # Errors
    ///
    /// What is not TOML.
    pub fn read<V: Vendors<Secrets = S>>(
        source: Source,
        environment: Environment,
        vendors: &V,
    ) -> Result<Self, ConfigErrors> {
        let mut table = Table::parse(source, environment)?;
        let (mut stores, mut names) = (Vec::new(), Vec::new());
        let _reported_later = sections(&mut table, vendors, &mut names, |store| stores.push(store));
        let mut found = Vec::new();
        reference::secrets(&table.entries, &mut found);
        let wanted = found.into_iter().filter_map(|(store, name)| {
            let store = match (store, &names[..]) {
                (Some(store), _) => store.to_owned(),
                (None, [only]) => only.clone(),
                (None, _) => return None,
            };
            Some((store, name.to_owned()))
        });
        Ok(Self {
            wanted: wanted.collect(),
            hidden: table.context.hidden.take(),
            stores,
            names,
        })
    }
}

/// Reads the tables of secret stores as a part of the whole file; the result is the names of all.
pub(super) fn check<V: Vendors>(table: &mut Table, vendors: &V) -> (Vec<String>, Result<(), ConfigErrors>) {
    let mut names = Vec::new();
    let result = sections(table, vendors, &mut names, drop);
    (names, result)
}

fn sections<V: Vendors>(
    table: &mut Table,
    vendors: &V,
    names: &mut Vec<String>,
    mut keep: impl FnMut(SecretComponent<V::Secrets>),
) -> Result<(), ConfigErrors> {
    let elsewhere = table.context.elsewhere.without_secrets();
    let whole = table.replace_elsewhere(elsewhere);
    let result = table.named_sections(TABLE, EXAMPLE, |name, location, table| {
        names.push(name.to_owned());
        SecretComponent::read(name, location, table, vendors).map(&mut keep)
    });
    table.context = Arc::clone(&whole);
    result.map(drop)
}
