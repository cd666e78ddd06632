//! The whole file: `components.toml`.

use super::app::AppConfig;
use super::component::{ComponentType, KnownType};
use super::elsewhere::Elsewhere;
use super::error::{ConfigError, ConfigErrors};
use super::installed::InstalledComponent;
use super::resiliency::Resiliency;
use super::secrets;
use super::source::Source;
use super::state::StateComponent;
use super::table::Table;
use crate::secrets::Secret;

/// What the vendors of a host make of the settings that are theirs.
///
/// Reading has no side effects: it also happens when another part of the file is wrong, and for `check`. What opens a file
/// or a connection comes later, with the result.
pub trait Vendors {
    /// The settings of a state store, whichever vendor's.
    type State;

    /// The settings of a secret store, whichever vendor's.
    type Secrets;

    /// The types of state stores that are built in.
    fn state_types(&self) -> Vec<KnownType<'_>>;

    /// Reads the settings of a state store of these types: the keys of its table that are not the host's own.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    fn state(&self, kind: &ComponentType, table: &mut Table) -> Result<Self::State, ConfigErrors>;

    /// The types of secret stores that are built in.
    fn secret_types(&self) -> Vec<KnownType<'_>>;

    /// Reads the settings of a secret store: the keys of its table that are not the host's own.
    ///
    /// # Errors
    ///
    /// What is wrong with them, or that there is no such type.
    fn secrets(&self, kind: &ComponentType, table: &mut Table) -> Result<Self::Secrets, ConfigErrors>;

    /// The component that is installed for a type of any building block which is not built in, or for any with
    /// `source = "dapr"`.
    ///
    /// # Errors
    ///
    /// If there is none: how to get it, or [`ComponentType::unknown`]. Also if it cannot be read.
    fn installed(&self, kind: &ComponentType) -> Result<InstalledComponent, ConfigErrors>;
}

/// A configuration without errors; `S` is the vendors' [`Vendors::State`]. Its secret stores are not in it, since they had to
/// be there before: [`SecretStores`](super::SecretStores).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Configuration<S> {
    /// `[app]`.
    pub app: AppConfig,
    /// `[state.NAME]`, in the order of the file.
    pub state: Vec<StateComponent<S>>,
    /// `[resiliency]`.
    pub resiliency: Resiliency,
    /// What nobody is to see of what it refers to: the settings of stores in WebAssembly, and passwords and keys of those that
    /// are built in.
    pub hidden: Vec<Secret>,
}

/// Top-level names of building blocks and other parts of Dapr that come later, and what they are.
const LATER: [(&str, &str); 15] = [
    ("pubsub", "pub/sub"),
    ("subscriptions", "pub/sub"),
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
    ("apps", "several apps in one host"),
];

impl<S> Configuration<S> {
    /// What is no error, and to be told to the user.
    pub fn warnings(&self) -> impl Iterator<Item = &ConfigError> {
        self.state.iter().flat_map(|store| &store.warnings)
    }

    /// Reads a configuration, and reports everything that is wrong with it at once. The secrets that it refers to were
    /// fetched before, as [`SecretStores`](super::SecretStores) says.
    ///
    /// # Errors
    ///
    /// All errors of the file, in its order. If it is not TOML, those errors alone.
    pub fn parse<V: Vendors<State = S>>(
        source: Source,
        elsewhere: impl Into<Elsewhere>,
        vendors: &V,
    ) -> Result<Self, ConfigErrors> {
        Table::parse_with(source, elsewhere.into())?.read(|table| {
            let (stores, secrets) = secrets::check(table, vendors);
            let app = table.section("app", AppConfig::read);
            if let Ok(Some(app)) = &app {
                for rules in &app.secrets {
                    // What it finds, the table reports.
                    let _ = table.keep(rules.check(&stores).map_err(ConfigErrors::from));
                }
            }
            let state = table.named_sections("state", "statestore", |name, location, table| {
                StateComponent::read(name, location, table, vendors)
            });
            let resiliency = table.section("resiliency", Resiliency::read);
            if let (Ok(state), Ok(Some(resiliency))) = (&state, &resiliency) {
                let state = state.iter().map(|store| store.name.as_str());
                let all = state.chain(stores.iter().map(String::as_str));
                // What it finds, the table reports.
                let _ = table.keep(resiliency.check(all));
            }
            table.refuse(
                "secretstores",
                "`secretstores` is called `secrets` here",
                Some("write [secrets.NAME]"),
            );
            for (name, what) in LATER {
                let help = (name == "apps").then_some("the settings of the one app are [app]");
                table.refuse(name, format!("`{name}`: this version does not have {what} yet"), help);
            }
            table.finish()?;
            secrets?;
            Ok(Self {
                app: app?.unwrap_or_default(),
                state: state?,
                resiliency: resiliency?.unwrap_or_default(),
                hidden: table.context.hidden.take(),
            })
        })
    }
}
