//! `type = "wasm"`: a Dapr component that is itself a WebAssembly component.

use super::allowed_hosts::{AllowedHost, AllowedHosts};
use super::byte_size::ByteSize;
use super::error::ConfigErrors;
use super::table::Table;
use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;

/// What a Dapr component is made of: a vendor that is built in, or WebAssembly.
#[derive(Clone, Debug)]
pub enum Implementation<S> {
    /// What the vendor made of its own settings.
    BuiltIn(S),
    /// `type = "wasm"`
    Provider(ProviderConfig),
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
/// `Display` says what it is and what it may reach: `wasm store.wasm, 256MiB an instance, may reach nothing`.
#[derive(Clone, PartialEq, Eq)]
pub struct ProviderConfig {
    /// `component`, a path: the `.wasm` file.
    pub component: PathBuf,
    /// `allow-hosts`, an array of servers: what it may reach, as `"db.internal:6379"`, `"*.example.com:443"` or
    /// `"10.0.0.7:6379"`. Default: nothing.
    pub allow_hosts: AllowedHosts,
    /// `memory`, a size of at least 64 KiB: the most that all memories and tables of one instance may have together; growth
    /// beyond it fails in the component. Default: `"256MiB"`.
    pub memory: ByteSize,
    /// `instances`, an integer of 1 to 64: how many instances serve calls at the same time, one call each. Default: one a
    /// processor where the component allows several, else one.
    pub instances: Option<NonZeroU32>,
    /// `metadata`, a table of strings: handed to the component when an instance begins. Default: empty.
    pub metadata: BTreeMap<String, String>,
}

/// The keys that only such a component has.
const KEYS: [&str; 5] = ["component", "allow-hosts", "memory", "instances", "metadata"];

/// A page, the unit in which Wasm memories grow: with less, a component cannot have a memory at all.
const MIN_MEMORY: ByteSize = ByteSize::kib(64);

/// More than processors to run them on; they share a pool of places with the apps' instances.
const MAX_INSTANCES: u32 = 64;

impl ProviderConfig {
    /// [`ProviderConfig::memory`] where the file has none: room for a language's runtime and what it keeps.
    pub const DEFAULT_MEMORY: ByteSize = ByteSize::mib(256);

    /// The defaults, for a file at this path.
    pub fn at(component: impl Into<PathBuf>) -> Self {
        Self {
            component: component.into(),
            allow_hosts: AllowedHosts::default(),
            memory: Self::DEFAULT_MEMORY,
            instances: None,
            metadata: BTreeMap::new(),
        }
    }

    /// Whether an instance may have so much memory.
    ///
    /// # Errors
    ///
    /// What it must be.
    pub fn check_memory(memory: &ByteSize) -> Result<(), String> {
        match *memory < MIN_MEMORY {
            true => Err(format!("it must be at least {MIN_MEMORY}")),
            false => Ok(()),
        }
    }

    /// Whether there may be so many instances.
    ///
    /// # Errors
    ///
    /// What it must be.
    pub fn check_instances(instances: &NonZeroU32) -> Result<(), String> {
        match instances.get() > MAX_INSTANCES {
            true => Err(format!("it must be at most {MAX_INSTANCES}")),
            false => Ok(()),
        }
    }

    pub(super) fn read(table: &mut Table) -> Result<Self, ConfigErrors> {
        let component = table.require_or::<PathBuf>("component", || "add component = \"store.wasm\"".to_owned());
        let allow_hosts = table.take::<Vec<AllowedHost>>("allow-hosts");
        let memory = table.take_checked("memory", Self::check_memory);
        let instances = table.take_checked("instances", Self::check_instances);
        let metadata = table.take("metadata");
        table.finish()?;
        let default = Self::at(component?);
        Ok(Self {
            allow_hosts: allow_hosts?.unwrap_or_default().into_iter().collect(),
            memory: memory?.unwrap_or(default.memory),
            instances: instances?,
            metadata: metadata?.unwrap_or_default(),
            ..default
        })
    }

    /// Knows the keys of a component in WebAssembly where the table is a built-in vendor's.
    pub(super) fn refuse_keys(table: &mut Table) {
        for name in KEYS {
            let help = match name {
                "metadata" => "a store's own settings stand in its table: redisHost = \"localhost:6379\"",
                _ => "remove it, or name a component with type = \"wasm\"",
            };
            let message = format!("`{name}` is for stores in WebAssembly, and this one is built in");
            table.refuse(name, message, Some(help));
        }
    }
}

impl fmt::Display for ProviderConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            component,
            allow_hosts,
            memory,
            ..
        } = self;
        let component = component.display();
        write!(f, "wasm {component}, {memory} an instance, may reach {allow_hosts}")
    }
}

/// Shows the names of the metadata and not their values, which may be passwords.
impl fmt::Debug for ProviderConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            component,
            allow_hosts,
            memory,
            instances,
            metadata,
        } = self;
        f.debug_struct("ProviderConfig")
            .field("component", component)
            .field("allow_hosts", allow_hosts)
            .field("memory", memory)
            .field("instances", instances)
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
