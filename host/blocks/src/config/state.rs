//! `[state.NAME]`: state stores.
//!
//! A store's table holds the host's own keys and its vendor's settings side by side, as Dapr's users know them. The host's
//! are read here; what is left goes to the vendor, whose names they are.

use super::component::{Block, ComponentType, Scopes};
use super::configuration::Vendors;
use super::duration::NonZeroDuration;
use super::error::{ConfigError, ConfigErrors, Location};
use super::given::Given;
use super::name::ComponentName;
use super::provider::{Implementation, Origin};
use super::table::Table;
use super::value::FromText;
use crate::state::KeyPrefix;
use std::str::FromStr;
use std::time::Duration;

pub(super) const STATE: Block = Block {
    prefix: "state",
    noun: "state store",
    in_wasm: true,
};

/// A configured state store; `S` is what the vendor made of its own settings. The text of each field is its reference.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StateComponent<S> {
    /// The name in `[state.NAME]`, by which apps ask for the store.
    pub name: ComponentName,
    /// `type` and `version`, strings: the vendor, or `"wasm"`. `"redis"` and Dapr's `"state.redis"` are the same; `version` is
    /// needed only where Dapr has several, and `"v1"` by default.
    pub kind: ComponentType,
    /// `scopes`, an array of app ids: the apps that may use the store. Default: all.
    pub scopes: Scopes,
    /// `keyPrefix`, a string: what keeps apps apart in the store. `"appid"`, `"name"`, `"namespace"`, `"none"`, or any other
    /// text that could be a name, which is then the prefix itself, in lower case. Default: `"appid"`.
    pub key_prefix: Given<KeyPrefix>,
    /// `deadline`, a duration above zero: the longest that one call may take, whatever the vendor's own timeouts. Default:
    /// `"5s"`.
    pub deadline: Duration,
    /// `ignoreErrors`, a boolean: whether the host starts when the store does not open, and opens it later. Default: `false`.
    pub ignore_errors: bool,
    /// The other keys of the table: the vendor's settings, or the component's. `source`, `"built-in"` or `"dapr"`, says which
    /// of the two a type is where it is both. Default: the built-in vendor, if there is one.
    pub implementation: Implementation<S>,
    /// Where the store's name stands in the file, for errors that show only when it is opened.
    pub location: Location,
    /// What is no error, and to be told to the user.
    pub warnings: Vec<ConfigError>,
}

impl<S> StateComponent<S> {
    /// [`StateComponent::deadline`] where the file has none: above what a store in trouble should need, below
    /// [`AppConfig::request_timeout`](super::AppConfig::request_timeout), so that the app hears of it.
    pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(5);

    pub(super) fn read<V: Vendors<State = S>>(
        name: &str,
        location: &Location,
        table: Table,
        vendors: &V,
    ) -> Result<Self, ConfigErrors> {
        let name = ComponentName::from_text(name)
            .map_err(|problem| location.error(format!("a state store cannot have this name: {problem}")));
        let rest = table.read(|table| {
            // Without a type, nobody knows what the other keys mean.
            let kind = ComponentType::read(table, STATE, &vendors.state_types())?;
            let scopes = Scopes::read(table);
            let key_prefix = table.take("keyPrefix");
            let deadline = table.take("deadline").map(|given| given.map(NonZeroDuration::get));
            let ignore_errors = table.take("ignoreErrors");
            refuse_daprs_keys(table);
            let origin = Origin::read(&kind, table, &vendors.state_types())?;
            let read = |table: &mut Table| vendors.state(&kind, table);
            let (implementation, warnings) = Implementation::read(origin, table, read, || vendors.installed(&kind))?;
            table.finish()?;
            let (scopes, key_prefix, deadline) = (scopes?, key_prefix?.unwrap_or_default(), deadline?);
            let ignore_errors = ignore_errors?.unwrap_or_default();
            Ok(move |name| Self {
                name,
                kind,
                scopes,
                key_prefix,
                deadline: deadline.unwrap_or(Self::DEFAULT_DEADLINE),
                ignore_errors,
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

/// Keys that daprd knows for every store. Without them a store works, but not as its author meant.
fn refuse_daprs_keys(table: &mut Table) {
    table.refuse(
        "actorStateStore",
        "`actorStateStore` is not in this version: it has no actors yet",
        Some("remove it"),
    );
    for name in [
        "outboxPublishPubsub",
        "outboxPublishTopic",
        "outboxPubsub",
        "outboxDiscardWhenMissingState",
    ] {
        let message = format!("`{name}` is not in this version: transactions publish no messages yet");
        table.refuse(name, message, Some("remove it"));
    }
    for name in ["primaryEncryptionKey", "secondaryEncryptionKey"] {
        let message = format!("`{name}` is not in this version: values are not encrypted");
        table.refuse(name, message, Some("what daprd has encrypted cannot be read here"));
    }
}

impl FromText for KeyPrefix {
    const WHAT: &'static str = "a key prefix";
    const EXAMPLE: &'static str = "\"appid\", \"name\", \"namespace\", \"none\" or \"shared\"";
    type Problem = <Self as FromStr>::Err;

    fn from_text(text: &str) -> Result<Self, Self::Problem> {
        text.parse()
    }
}
