//! `[secrets.NAME]`: secret stores.
//!
//! They come before the rest of the file, since any string of it may be a secret's. And of these, those that are built in come
//! first: they need no secret themselves, and all others may have one of theirs, as the token for a server that somebody has
//! mounted. So a file is read three times at most:
//!
//! 1. [`SecretStores::read`] reads these tables alone, and collects what the file wants of them.
//! 2. Whoever reads the file opens the built-in stores, and fetches what these tables themselves want. Where they want something,
//!    [`SecretStores::read`] reads them again with that.
//! 3. The stores that the rest of the file refers to are opened, and those secrets fetched.
//! 4. [`Configuration::parse`](super::Configuration::parse) reads all of it with what was fetched, and reports everything that
//!    is wrong at once, with these tables too.

use super::component::{Block, ComponentType, Scopes};
use super::configuration::Vendors;
use super::duration::NonZeroDuration;
use super::elsewhere::{Elsewhere, FetchedSecrets};
use super::error::{ConfigError, ConfigErrors, Location};
use super::name::ComponentName;
use super::provider::{Implementation, Origin};
use super::reference;
use super::source::Source;
use super::table::Table;
use super::value::FromText;
use crate::secrets::Secret;
use std::collections::BTreeSet;
use std::time::Duration;

const SECRETS: Block = Block {
    prefix: "secretstores",
    noun: "secret store",
    in_wasm: true,
};

/// The table of the stores.
const TABLE: &str = "secrets";

/// Why a key that says what a store is cannot be a secret.
const NO_KIND_YET: &str = "says what a secret store is";

/// Why no key of a built-in store can.
const COMES_FIRST: &str = "stands in the table of a built-in secret store, which others may refer to";

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
        is_built_in: impl FnOnce(),
    ) -> Result<Self, ConfigErrors> {
        let name = ComponentName::from_text(name)
            .map_err(|problem| location.error(format!("a secret store cannot have this name: {problem}")));
        let rest = table.read(|table| {
            let whole = table.without_secrets(NO_KIND_YET);
            // Without a type, nobody knows what the other keys mean.
            let kind = ComponentType::read(table, SECRETS, &vendors.secret_types())?;
            let origin = Origin::read(&kind, table, &vendors.secret_types())?;
            match origin {
                Origin::BuiltIn => {
                    is_built_in();
                    table.without_secrets(COMES_FIRST);
                }
                Origin::Dapr | Origin::Own => drop(table.replace_elsewhere(whole.elsewhere.of_built_in())),
            }
            let scopes = Scopes::read(table);
            let deadline = table.take("deadline").map(|given| given.map(NonZeroDuration::get));
            let ignore_errors = table.take("ignoreErrors");
            table.refuse(
                "start",
                "`start` is for state stores: a secret store in WebAssembly starts with the host",
                Some("remove it"),
            );
            let read = |table: &mut Table| vendors.secrets(&kind, table);
            let (implementation, warnings) = Implementation::read(origin, table, read, || vendors.installed(&kind))?;
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
    pub names: Names,
    /// Pairs of a store's name and a secret's that the tables of the stores refer to.
    pub wanted_first: BTreeSet<(String, String)>,
    /// The same of the rest of the file. There may be more of them than are used in the end.
    pub wanted: BTreeSet<(String, String)>,
    /// What nobody is to see of what the tables refer to.
    pub hidden: Vec<Secret>,
}

/// The names of secret stores.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Names {
    /// Of those that are built in.
    pub built_in: BTreeSet<String>,
    /// Of all others.
    pub others: BTreeSet<String>,
}

impl Names {
    /// Nothing yet, of all of them.
    pub fn unfetched(&self) -> FetchedSecrets {
        FetchedSecrets::of_stores(
            self.built_in.iter().map(String::as_str),
            self.others.iter().map(String::as_str),
        )
    }

    fn all(&self) -> Vec<&str> {
        let all = self.built_in.union(&self.others);
        all.map(String::as_str).collect()
    }
}

impl<S> SecretStores<S> {
    /// Reads the tables of secret stores, with what they want that is fetched already. What is wrong with them is reported when
    /// the whole file is read.
    ///
    /// # Errors
    ///
    /// What is not TOML.
    pub fn read<V: Vendors<Secrets = S>>(
        source: Source,
        elsewhere: impl Into<Elsewhere>,
        vendors: &V,
    ) -> Result<Self, ConfigErrors> {
        let mut table = Table::parse_with(source, elsewhere.into())?;
        let own = table.entries.iter().filter(|entry| entry.name == TABLE).cloned();
        let own: Vec<_> = own.collect();
        let (mut stores, mut names) = (Vec::new(), Names::default());
        let _reported_later = sections(&mut table, vendors, &mut names, |store| stores.push(store));
        let built_in: Vec<_> = names.built_in.iter().map(String::as_str).collect();
        let mut wanted_first = reference::wanted(&own, &built_in);
        wanted_first.retain(|(store, _)| names.built_in.contains(store));
        Ok(Self {
            wanted_first,
            wanted: reference::wanted(&table.entries, &names.all()),
            hidden: table.context.hidden.take(),
            stores,
            names,
        })
    }
}

/// Reads the tables of secret stores as a part of the whole file; the result is the names of all.
pub(super) fn check<V: Vendors>(table: &mut Table, vendors: &V) -> (Vec<String>, Result<(), ConfigErrors>) {
    let mut names = Names::default();
    let result = sections(table, vendors, &mut names, drop);
    (names.all().into_iter().map(str::to_owned).collect(), result)
}

fn sections<V: Vendors>(
    table: &mut Table,
    vendors: &V,
    names: &mut Names,
    mut keep: impl FnMut(SecretComponent<V::Secrets>),
) -> Result<(), ConfigErrors> {
    let result = table.named_sections(TABLE, EXAMPLE, |name, location, table| {
        let mut is_built_in = false;
        let read = SecretComponent::read(name, location, table, vendors, || is_built_in = true);
        let of_its_kind = match is_built_in {
            true => &mut names.built_in,
            false => &mut names.others,
        };
        of_its_kind.insert(name.to_owned());
        read.map(&mut keep)
    });
    result.map(drop)
}
