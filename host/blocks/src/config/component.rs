//! What all Dapr components share, whatever their building block: a type, a version, and who may use them.

use super::error::{ConfigErrors, Location};
use super::given::Given;
use super::name::AppId;
use super::nearest::{choices, nearest};
use super::table::Table;
use super::value::{FromText, quoted};
use std::collections::BTreeSet;
use std::fmt;

/// The `type` and `version` of a Dapr component, which together name a vendor's implementation.
#[derive(Clone, Debug)]
pub struct ComponentType {
    name: Given<String>,
    version: Given<ComponentVersion>,
    block: Block,
    name_at: Location,
    version_at: Location,
}

/// A building block whose components are configured here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// What Dapr's full types begin with: `state` of `state.redis`.
    pub(super) prefix: &'static str,
    /// What one of its components is called.
    pub(super) noun: &'static str,
    /// Whether one may be a component in WebAssembly.
    pub(super) in_wasm: bool,
}

/// Dapr's other names for types.
const ALIASES: [(&str, &str); 2] = [("aws.secretsmanager", "aws.secretmanager"), ("postgres", "postgresql")];

/// The type of a component that is WebAssembly.
const WASM: &str = "wasm";

/// A type of Dapr component that a host knows, by its name without the building block, and its version.
pub type KnownType<'a> = (&'a str, ComponentVersion);

impl ComponentType {
    pub(super) fn read(table: &mut Table, block: Block, known: &[KnownType<'_>]) -> Result<Self, ConfigErrors> {
        let name = table.require_or::<Given<String>>("type", || format!("add type = {}", choices(names(block, known))));
        let version = table.take("version");
        let mut name = name?;
        let short = name.value.strip_prefix(block.prefix);
        if let Some(short) = short.and_then(|rest| rest.strip_prefix('.')) {
            name.value = short.to_owned();
        }
        if let Some((_, full)) = ALIASES.iter().find(|(alias, _)| *alias == name.value) {
            name.value = (*full).to_owned();
        }
        let kind = Self {
            name,
            version: version?.unwrap_or_default(),
            block,
            name_at: table.location_of("type"),
            version_at: table.location_of("version"),
        };
        Ok(kind)
    }

    /// Whether this is a component in WebAssembly, which a building block takes or not, whatever its vendors.
    pub(super) fn is_wasm(&self) -> Result<bool, ConfigErrors> {
        if !self.block.in_wasm || self.name() != WASM {
            return Ok(false);
        }
        if self.version() != ComponentVersion::V1 {
            return Err(self.unknown(&[(WASM, ComponentVersion::V1)]));
        }
        Ok(true)
    }

    /// The type without its building block: `redis`, also where the file has `state.redis`.
    pub fn name(&self) -> &str {
        &self.name.value
    }

    /// The type as Dapr writes it: `state.redis`, also where the file has `redis`.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.block.prefix, self.name())
    }

    /// What Dapr's full types of the building block begin with: `state`, `secretstores`.
    pub fn block(&self) -> &'static str {
        self.block.prefix
    }

    /// What one of the building block's components is called: `state store`.
    pub fn noun(&self) -> &'static str {
        self.block.noun
    }

    /// Whether the type or its version come from a variable or a secret, and so must not be repeated.
    pub fn is_foreign(&self) -> bool {
        self.name.place().is_some() || self.version.place().is_some()
    }

    /// The name for a message: in quotes, or as the variable or secret that holds it. To be read behind "the state store".
    pub fn shown(&self) -> String {
        match self.name.place() {
            Some(place) => format!("in {}", place.holder()),
            None => quoted(self.name()),
        }
    }

    /// The version, `v1` where the file has none.
    pub fn version(&self) -> ComponentVersion {
        self.version.value
    }

    /// Where the type stands in the file.
    pub fn location(&self) -> &Location {
        &self.name_at
    }

    /// That no vendor of this host has this type, or has it in this version. `known` are those it has.
    #[must_use]
    pub fn unknown(&self, known: &[KnownType<'_>]) -> ConfigErrors {
        self.unknown_beside(known, &[], "")
    }

    /// The same where there are others that this host could have, which are too many to be listed: `where_listed` says where
    /// they are.
    #[must_use]
    pub fn unknown_beside(
        &self,
        known: &[KnownType<'_>],
        others: &[KnownType<'_>],
        where_listed: &str,
    ) -> ConfigErrors {
        if known.contains(&(self.name(), self.version())) {
            let (noun, name) = (self.block.noun, self.shown());
            let error = self.name_at.error(format!(
                "the {noun} {name} is built in, and no component of this type can be installed"
            ));
            return error.with_help("remove `source`").into();
        }
        let all = || known.iter().chain(others);
        let versions: BTreeSet<String> = all()
            .filter(|(name, _)| *name == self.name())
            .map(|(_, version)| version.to_string())
            .collect();
        if !versions.is_empty() {
            let (noun, name, version) = (self.block.noun, self.shown(), &self.version);
            let error = self
                .version_at
                .error(format!("the {noun} {name} has no version {version}"));
            return error
                .with_help(format!("it has {}", choices(versions.iter().map(String::as_str))))
                .into();
        }
        let error = self
            .name_at
            .error(format!("unknown {} type {}", self.block.noun, self.shown()));
        let list = known_types(self.block, known) + where_listed;
        let others = others.iter().map(|(name, _)| *name);
        let help = match nearest(self.name(), names(self.block, known).into_iter().chain(others)) {
            Some(name) if self.name.place().is_none() => format!("did you mean {}? {list}", quoted(name)),
            _ => list,
        };
        error.with_help(help).into()
    }

    /// That this type is not built in, where `source` asks for what is. `known` are those that are.
    pub(super) fn not_built_in(&self, source: &Location, known: &[KnownType<'_>]) -> ConfigErrors {
        if known.iter().any(|(name, _)| *name == self.name()) {
            return self.unknown(known);
        }
        let (noun, name) = (self.block.noun, self.shown());
        let error = source.error(format!("the {noun} {name} is not built in"));
        let known: BTreeSet<_> = known.iter().map(|(name, _)| *name).collect();
        let help = match known.is_empty() {
            true => "remove it, and an installed component is found, too".to_owned(),
            false => format!(
                "built in: {}; without `source` an installed component is found, too",
                choices(known)
            ),
        };
        error.with_help(help).into()
    }
}

/// Two are equal if they name the same implementation, wherever they stand.
impl PartialEq for ComponentType {
    fn eq(&self, other: &Self) -> bool {
        (self.block, self.name(), self.version()) == (other.block, other.name(), other.version())
    }
}

impl Eq for ComponentType {}

fn known_types(block: Block, known: &[KnownType<'_>]) -> String {
    let names: Vec<_> = names(block, known).into_iter().map(quoted).collect();
    format!("known here: {}", names.join(", "))
}

fn names<'a>(block: Block, known: &[KnownType<'a>]) -> Vec<&'a str> {
    known
        .iter()
        .map(|(name, _)| *name)
        .chain(block.in_wasm.then_some(WASM))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

/// The version of a Dapr component: `v1` unless the file says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComponentVersion(u16);

impl ComponentVersion {
    /// What all components have first, and most have only.
    pub const V1: Self = Self(1);
    /// What some have beside it.
    pub const V2: Self = Self(2);
}

impl Default for ComponentVersion {
    fn default() -> Self {
        Self::V1
    }
}

impl fmt::Display for ComponentVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

/// A version that is not `v` and a number.
#[derive(Debug, thiserror::Error)]
#[error("it is not `v` and a number")]
pub struct InvalidVersion;

impl FromText for ComponentVersion {
    const WHAT: &'static str = "a version";
    const EXAMPLE: &'static str = "\"v1\"";
    type Problem = InvalidVersion;

    fn from_text(text: &str) -> Result<Self, InvalidVersion> {
        let digits = text
            .strip_prefix('v')
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        digits
            .and_then(|digits| digits.parse().ok())
            .map(Self)
            .ok_or(InvalidVersion)
    }
}

/// Which apps may use a Dapr component: `scopes = ["orders"]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scopes {
    /// Every app, which is what no `scopes` means.
    #[default]
    AllApps,
    /// These apps, of which there is at least one.
    Only(BTreeSet<AppId>),
}

impl Scopes {
    pub(super) fn read(table: &mut Table) -> Result<Self, ConfigErrors> {
        // Dapr takes an empty list for all apps, and its author may have meant none: refused, since guessing opens a store.
        let apps = table.take_checked("scopes", |apps: &Vec<AppId>| match apps.is_empty() {
            true => Err("name an app, or leave `scopes` out for all apps"),
            false => Ok(()),
        })?;
        Ok(apps.map_or(Self::AllApps, |apps| Self::Only(apps.into_iter().collect())))
    }

    /// Whether an app may use the component.
    pub fn allow(&self, app: &AppId) -> bool {
        match self {
            Self::AllApps => true,
            Self::Only(apps) => apps.contains(app),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{failure, messages, read, table, table_with};
    use super::*;

    const STATE: Block = Block {
        prefix: "state",
        noun: "state store",
        in_wasm: true,
    };
    const KNOWN: [KnownType<'static>; 3] = [
        ("in-memory", ComponentVersion::V1),
        ("postgresql", ComponentVersion::V1),
        ("postgresql", ComponentVersion(2)),
    ];

    fn kind(text: &str) -> Result<ComponentType, ConfigErrors> {
        table(text).read(|table| ComponentType::read(table, STATE, &KNOWN))
    }

    #[test]
    fn a_type_may_be_short_or_as_dapr_writes_it() {
        assert_eq!(kind("type = 'redis'").unwrap().name(), "redis");
        assert_eq!(
            kind("type = 'redis'").unwrap(),
            kind("type = 'state.redis'\nversion = 'v1'").unwrap()
        );
        assert_eq!(
            kind("type = 'postgresql'\nversion = 'v2'").unwrap().version(),
            ComponentVersion(2)
        );
        assert_eq!(kind("type = 'state.postgres'").unwrap().name(), "postgresql");
    }

    #[test]
    fn an_unknown_type_or_version_names_the_known_ones() {
        let unknown = |text| messages(kind(text).unwrap().unknown(&KNOWN));
        assert_eq!(
            unknown("type = 'postgre'"),
            "unknown state store type \"postgre\" \
             (did you mean \"postgresql\"? known here: \"in-memory\", \"postgresql\", \"wasm\")"
        );
        assert_eq!(
            unknown("type = 'pubsub.redis'"),
            "unknown state store type \"pubsub.redis\" (known here: \"in-memory\", \"postgresql\", \"wasm\")"
        );
        assert_eq!(
            unknown("type = 'postgresql'\nversion = 'v3'"),
            "the state store \"postgresql\" has no version v3 (it has \"v1\" or \"v2\")"
        );
    }

    #[test]
    fn a_type_or_version_from_a_variable_is_not_shown() {
        let unknown = |text, variables: &[_]| {
            let kind = table_with(text, variables).read(|table| ComponentType::read(table, STATE, &KNOWN));
            messages(kind.unwrap().unknown(&KNOWN))
        };
        assert_eq!(
            unknown("type = { env = 'X' }", &[("X", "state.postgresq")]),
            "unknown state store type in the variable `X` (known here: \"in-memory\", \"postgresql\", \"wasm\")"
        );
        assert_eq!(
            unknown(
                "type = { env = 'X' }\nversion = { env = 'Y' }",
                &[("X", "postgresql"), ("Y", "v7")]
            ),
            "the state store in the variable `X` has no version { env = \"Y\" } (it has \"v1\" or \"v2\")"
        );
    }

    #[test]
    fn versions_are_v_and_a_number() {
        assert_eq!(read::<ComponentVersion>("'v2'"), ComponentVersion(2));
        for text in ["''", "'v'", "'1'", "'V1'", "'v+1'", "'v1.0'", "1"] {
            failure::<ComponentVersion>(text);
        }
    }

    #[test]
    fn scopes_name_the_apps_and_no_scopes_mean_all() {
        let orders: AppId = "orders".parse().unwrap();
        let scopes = |text| table(text).read(Scopes::read).unwrap();
        assert!(scopes("").allow(&orders));
        assert!(scopes("scopes = ['cart', 'orders']").allow(&orders));
        assert!(!scopes("scopes = ['cart']").allow(&orders));
    }
}
