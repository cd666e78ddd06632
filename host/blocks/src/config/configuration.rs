//! The whole file: `components.toml`.

use super::app::AppConfig;
use super::component::{ComponentType, KnownType};
use super::environment::Environment;
use super::error::ConfigErrors;
use super::source::Source;
use super::state::StateComponent;
use super::table::Table;

/// What the vendors of a host make of the settings that are theirs.
///
/// Reading has no side effects: it also happens when another part of the file is wrong, and for `check`. What opens a file
/// or a connection comes later, with the result.
pub trait Vendors {
    /// The settings of a state store, whichever vendor's.
    type State;

    /// The types that `[state.NAME]` may have.
    fn state_types(&self) -> Vec<KnownType<'_>>;

    /// Reads the settings of a state store: the keys of its table that are not the host's own.
    ///
    /// # Errors
    ///
    /// What is wrong with them, or [`ComponentType::unknown`] if this host has no such store.
    fn state(&self, kind: &ComponentType, table: &mut Table) -> Result<Self::State, ConfigErrors>;
}

/// A configuration without errors; `S` is the vendors' [`Vendors::State`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Configuration<S> {
    /// `[app]`.
    pub app: AppConfig,
    /// `[state.NAME]`, in the order of the file.
    pub state: Vec<StateComponent<S>>,
}

/// Top-level names of building blocks and other parts of Dapr that come later, and what they are.
const LATER: [(&str, &str); 18] = [
    ("pubsub", "pub/sub"),
    ("subscriptions", "pub/sub"),
    ("secrets", "secret stores"),
    ("secretstores", "secret stores"),
    ("bindings", "bindings"),
    ("configuration", "the configuration building block"),
    ("lock", "distributed locks"),
    ("crypto", "cryptography"),
    ("cryptography", "cryptography"),
    ("jobs", "jobs"),
    ("actors", "actors"),
    ("workflow", "workflows"),
    ("workflows", "workflows"),
    ("conversation", "conversation"),
    ("invocation", "service invocation"),
    ("middleware", "middleware"),
    ("resiliency", "resiliency policies"),
    ("apps", "several apps in one host"),
];

impl<S> Configuration<S> {
    /// Reads a configuration, and reports everything that is wrong with it at once.
    ///
    /// # Errors
    ///
    /// All errors of the file, in its order. If it is not TOML, those errors alone.
    pub fn parse<V: Vendors<State = S>>(
        source: Source,
        environment: Environment,
        vendors: &V,
    ) -> Result<Self, ConfigErrors> {
        let types = vendors.state_types();
        Table::parse(source, environment)?.read(|table| {
            let app = table.section("app", AppConfig::read);
            let state = table.named_sections("state", "statestore", |name, location, table| {
                StateComponent::read(name, location, table, &types, |kind, table| vendors.state(kind, table))
            });
            for (name, what) in LATER {
                let help = (name == "apps").then_some("the settings of the one app are [app]");
                table.refuse(name, format!("`{name}`: this version does not have {what} yet"), help);
            }
            table.finish()?;
            Ok(Self {
                app: app?.unwrap_or_default(),
                state: state?,
            })
        })
    }
}
