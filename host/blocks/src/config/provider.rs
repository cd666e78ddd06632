//! Dapr components that are WebAssembly themselves: `type = "wasm"` with a file of the user's, or one that is installed.
//!
//! | | the file | what it is told |
//! |---|---|---|
//! | `type = "wasm"` | `component` | the table `metadata` |
//! | a type that is not built in | the installed one | the keys of the store's table that are not the host's |
//!
//! | `source` | stands behind a type |
//! |---|---|
//! | none | the built-in store, else the installed component |
//! | `"built-in"` | the built-in store |
//! | `"dapr"` | the installed component |

use super::allowed_hosts::AllowedHosts;
use super::byte_size::{ByteSize, TooSmall};
use super::component::{ComponentType, KnownType};
use super::error::{ConfigError, ConfigErrors};
use super::installed::InstalledComponent;
use super::table::Table;
use crate::secrets::Secret;
use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;

/// What a Dapr component is made of: a vendor that is built in, or WebAssembly.
#[derive(Clone, Debug)]
pub enum Implementation<S> {
    /// What the vendor made of its own settings.
    BuiltIn(S),
    /// WebAssembly.
    Provider(ProviderConfig),
}

/// Where what stands behind a type comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    BuiltIn,
    /// One of Dapr's, which is installed.
    Dapr,
    /// The user's own, `type = "wasm"`.
    Own,
}

const SOURCE: [(&str, Origin); 2] = [("built-in", Origin::BuiltIn), ("dapr", Origin::Dapr)];

impl Origin {
    /// What the type and `source` of a table say.
    pub(super) fn read(
        kind: &ComponentType,
        table: &mut Table,
        built_in: &[KnownType<'_>],
    ) -> Result<Self, ConfigErrors> {
        if kind.is_wasm()? {
            let message = "`source` is for types that Dapr has, and this one is a file of your own";
            table.refuse("source", message, Some("remove it"));
            return Ok(Self::Own);
        }
        let source = table.take_choice("source", &SOURCE)?;
        match (source, built_in.contains(&(kind.name(), kind.version()))) {
            (Some(Self::BuiltIn), false) => Err(kind.not_built_in(&table.location_of("source"), built_in)),
            (Some(Self::BuiltIn) | None, true) => Ok(Self::BuiltIn),
            _ => Ok(Self::Dapr),
        }
    }
}

impl<S> Implementation<S> {
    /// Reads the keys of what stands behind a type, and answers what is to be told of them, too. `read` reads those of a
    /// built-in vendor, and `installed` finds a component.
    pub(super) fn read(
        origin: Origin,
        table: &mut Table,
        read: impl FnOnce(&mut Table) -> Result<S, ConfigErrors>,
        installed: impl FnOnce() -> Result<InstalledComponent, ConfigErrors>,
    ) -> Result<(Self, Vec<ConfigError>), ConfigErrors> {
        match origin {
            Origin::Own => Ok((Self::Provider(ProviderConfig::read(table)?), Vec::new())),
            Origin::BuiltIn => {
                ProviderConfig::refuse_keys(table);
                Ok((Self::BuiltIn(read(table)?), Vec::new()))
            }
            Origin::Dapr => {
                let (config, warnings) = ProviderConfig::read_installed(table, &installed()?)?;
                Ok((Self::Provider(config), warnings))
            }
        }
    }
}

impl<S: fmt::Display> fmt::Display for Implementation<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn(settings) => settings.fmt(f),
            Self::Provider(config) => config.fmt(f),
        }
    }
}

/// The settings of a component in WebAssembly. The text of each field is its reference.
///
/// `Display` says what it is and what it may reach: `wasm store.wasm, 256MiB an instance, may reach nothing`. The keys
/// `component` and `metadata` are those of `type = "wasm"`; an installed component has its file and its settings without
/// them.
#[derive(Clone, PartialEq, Eq)]
pub struct ProviderConfig {
    /// `component`, a path: the `.wasm` file.
    pub component: PathBuf,
    /// What an installed component is; none for `type = "wasm"`.
    pub title: Option<String>,
    /// `allow-hosts`, an array of servers: what it may reach, as `"db.internal:6379"`, `"*.example.com:443"` or
    /// `"10.0.0.7:6379"`. Default: nothing. And `allow-private`, a boolean: whether names of the internet may lead to
    /// private addresses. Default: `false`.
    pub allow_hosts: AllowedHosts,
    /// `memory`, a size of at least 64 KiB: the most that all memories and tables of one instance may have together; growth
    /// beyond it fails in the component. Default: `"256MiB"`, and `"512MiB"` of an installed component.
    pub memory: ByteSize,
    /// `instances`, an integer of 1 to 64: how many instances serve calls at the same time, one call each. Default: one a
    /// processor where the component allows several, else one.
    pub instances: Option<NonZeroU32>,
    /// `start`, `"at-start"` or `"first-use"`: whether the first instance begins when the host does, which then fails if the
    /// component does not start, or with the first call. Default: `"at-start"`.
    pub start: StartWhen,
    /// `metadata`, a table of strings: handed to the component when an instance begins. Default: empty.
    pub metadata: BTreeMap<String, String>,
}

/// When the first instance of a component begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartWhen {
    /// When the host does.
    #[default]
    AtStart,
    /// With the first call.
    FirstUse,
}

const START: [(&str, StartWhen); 2] = [("at-start", StartWhen::AtStart), ("first-use", StartWhen::FirstUse)];

/// The keys that only such a component has.
const KEYS: [&str; 7] = [
    "component",
    "allow-hosts",
    "allow-private",
    "memory",
    "instances",
    "start",
    "metadata",
];

/// A page, the unit in which Wasm memories grow: with less, a component cannot have a memory at all.
const MIN_MEMORY: ByteSize = ByteSize::kib(64);

/// Where the settings of a store stand that has no `metadata`.
const OWN_SETTINGS: &str = "a store's own settings stand in its table: redisHost = \"localhost:6379\"";

/// More than processors to run them on; they share a pool of places with the apps' instances.
const MAX_INSTANCES: u32 = 64;

/// That a component is to have more instances than there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it must be at most {MAX_INSTANCES}")]
pub struct TooManyInstances;

impl ProviderConfig {
    /// [`ProviderConfig::memory`] where the file has none: room for a language's runtime and what it keeps.
    pub const DEFAULT_MEMORY: ByteSize = ByteSize::mib(256);

    /// The same of an installed component. Dapr's own bring the runtime of Go, which takes twice of what lives before it
    /// collects, and never gives memory back.
    pub const INSTALLED_MEMORY: ByteSize = ByteSize::mib(512);

    /// The defaults, for a file at this path.
    pub fn at(component: impl Into<PathBuf>) -> Self {
        Self {
            component: component.into(),
            title: None,
            allow_hosts: AllowedHosts::default(),
            memory: Self::DEFAULT_MEMORY,
            instances: None,
            start: StartWhen::default(),
            metadata: BTreeMap::new(),
        }
    }

    /// Whether an instance may have so much memory.
    ///
    /// # Errors
    ///
    /// [`TooSmall`] if not even a page fits.
    pub fn check_memory(memory: &ByteSize) -> Result<(), TooSmall> {
        memory.at_least(MIN_MEMORY)
    }

    /// Whether there may be so many instances.
    ///
    /// # Errors
    ///
    /// [`TooManyInstances`] if they exceed the most.
    pub fn check_instances(instances: &NonZeroU32) -> Result<(), TooManyInstances> {
        match instances.get() > MAX_INSTANCES {
            true => Err(TooManyInstances),
            false => Ok(()),
        }
    }

    pub(super) fn read(table: &mut Table) -> Result<Self, ConfigErrors> {
        let component = table.require_or::<PathBuf>("component", || "add component = \"store.wasm\"".to_owned());
        let sandbox = Sandbox::read(table);
        let metadata = table.take::<BTreeMap<String, Secret>>("metadata");
        table.finish()?;
        let metadata = metadata?.unwrap_or_default();
        let text = |(name, secret): (String, Secret)| (name, secret.expose().to_owned());
        Ok(Self {
            metadata: metadata.into_iter().map(text).collect(),
            ..Self::at(component?).within(sandbox?)
        })
    }

    /// What an installed component is told stands in the table beside the host's keys, which all have to be taken before.
    /// Answers also what is to be told of the settings.
    pub(super) fn read_installed(
        table: &mut Table,
        installed: &InstalledComponent,
    ) -> Result<(Self, Vec<ConfigError>), ConfigErrors> {
        let sandbox = Sandbox::read(table);
        table.refuse(
            "component",
            "`component` is for type = \"wasm\", and this type is an installed component",
            Some("remove it"),
        );
        table.refuse(
            "metadata",
            "`metadata` is for type = \"wasm\", and this type is an installed component",
            Some(OWN_SETTINGS),
        );
        let settings = table.settings(installed);
        table.finish()?;
        let default = Self {
            title: Some(installed.title.clone()),
            memory: Self::INSTALLED_MEMORY,
            metadata: settings.values,
            ..Self::at(&installed.file)
        };
        Ok((default.within(sandbox?), settings.warnings))
    }

    /// The same with what the file says of its sandbox.
    fn within(self, sandbox: Sandbox) -> Self {
        Self {
            allow_hosts: sandbox.allow_hosts,
            memory: sandbox.memory.unwrap_or(self.memory),
            instances: sandbox.instances,
            start: sandbox.start,
            ..self
        }
    }

    /// Knows the keys of a component in WebAssembly where the table is a built-in vendor's.
    pub(super) fn refuse_keys(table: &mut Table) {
        for name in KEYS {
            let help = match name {
                "metadata" => OWN_SETTINGS,
                _ => "remove it: it is for source = \"dapr\" and for type = \"wasm\"",
            };
            let message = format!("`{name}` is for stores in WebAssembly, and this one is built in");
            table.refuse(name, message, Some(help));
        }
    }
}

/// The host's keys that every component in WebAssembly has.
struct Sandbox {
    allow_hosts: AllowedHosts,
    memory: Option<ByteSize>,
    instances: Option<NonZeroU32>,
    start: StartWhen,
}

impl Sandbox {
    fn read(table: &mut Table) -> Result<Self, ConfigErrors> {
        let allow_hosts = AllowedHosts::read(table);
        let memory = table.take_checked("memory", ProviderConfig::check_memory);
        let instances = table.take_checked("instances", ProviderConfig::check_instances);
        let start = table.take_choice("start", &START);
        Ok(Self {
            allow_hosts: allow_hosts?,
            memory: memory?,
            instances: instances?,
            start: start?.unwrap_or_default(),
        })
    }
}

impl fmt::Display for ProviderConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            component,
            title,
            allow_hosts,
            memory,
            start,
            ..
        } = self;
        match title {
            Some(title) => f.write_str(title)?,
            None => write!(f, "wasm {}", component.display())?,
        }
        write!(f, ", {memory} an instance, may reach {allow_hosts}")?;
        match start {
            StartWhen::AtStart => Ok(()),
            StartWhen::FirstUse => f.write_str(", starts with its first use"),
        }
    }
}

/// Shows the names of the metadata and not their values, which may be passwords.
impl fmt::Debug for ProviderConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            component,
            title,
            allow_hosts,
            memory,
            instances,
            start,
            metadata,
        } = self;
        f.debug_struct("ProviderConfig")
            .field("component", component)
            .field("title", title)
            .field("allow_hosts", allow_hosts)
            .field("memory", memory)
            .field("instances", instances)
            .field("start", start)
            .field("metadata", &metadata.keys())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{messages, table, table_with};
    use super::*;

    #[test]
    fn only_the_file_must_be_named() {
        let config = table("component = 'store.wasm'").read(ProviderConfig::read).unwrap();
        assert_eq!(config, ProviderConfig::at("/conf/store.wasm"));
        assert_eq!(
            config.to_string(),
            "wasm /conf/store.wasm, 256MiB an instance, may reach nothing"
        );
    }

    #[test]
    fn all_settings_are_read() {
        let text = "component = '/s.wasm'\nallow-hosts = ['db:6379', '10.0.0.7:1']\nmemory = '1GiB'\ninstances = 4\n\
                    metadata = { level = '3', token = { env = 'TOKEN' } }";
        let config = table_with(text, &[("TOKEN", "hunter2")])
            .read(ProviderConfig::read)
            .unwrap();
        assert_eq!(config.metadata["token"], "hunter2");
        assert_eq!(config.instances, NonZeroU32::new(4));
        assert_eq!(
            config.to_string(),
            "wasm /s.wasm, 1GiB an instance, may reach db:6379, 10.0.0.7:1"
        );
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn names_lead_to_private_addresses_if_it_is_said() {
        let reach = |more: &str| {
            let text = format!("component = '/s.wasm'\nallow-hosts = ['db.example.com:1']\n{more}");
            table(&text).read(ProviderConfig::read).unwrap().allow_hosts
        };
        for (more, may) in [
            ("", false),
            ("allow-private = false", false),
            ("allow-private = true", true),
        ] {
            assert_eq!(reach(more).may_be_private("db.example.com"), may, "{more}");
        }
    }

    #[test]
    fn all_that_is_wrong_is_told() {
        let text =
            "allow-hosts = ['https://x', 'y']\nmemory = '1KiB'\ninstances = 0\nmetadata = { level = 3 }\nlimit = 1";
        let errors = table(text).read(ProviderConfig::read).unwrap_err();
        let found = messages(errors);
        let lines: Vec<_> = found.lines().collect();
        assert_eq!(lines.len(), 7, "{found}");
        assert!(
            found.contains("has no `component` (add component = \"store.wasm\")"),
            "{found}"
        );
        assert!(found.contains("it is a URL, and a server is HOST:PORT"), "{found}");
    }
}
