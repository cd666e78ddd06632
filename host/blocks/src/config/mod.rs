//! Configuration: `components.toml`, read into types that cannot be wrong.
//!
//! [`Configuration::parse`] reads the host's part of a file and hands each store's own settings to [`Vendors`]. Whatever is
//! wrong is reported at once, with line, column and what was probably meant; a key that nobody knows is an error at every
//! depth. Values are what TOML has, plus a few texts:
//!
//! | value | written |
//! |---|---|
//! | string, and every text below | `"text"`, `{ env = "NAME" }` for an environment variable's, or `{ secret = "NAME", key = "KEY", store = "STORE" }` |
//! | boolean | `true`, or `"true"` |
//! | integer | `10`, or `"10"` |
//! | duration | `"30s"`, `"1h30m"`, `"100ms"` |
//! | size | `"128MiB"`, `"64MB"`, or a number of bytes |
//! | path | `"data/state.db"`; a relative one starts at the file's folder |
//!
//! | file | holds |
//! |---|---|
//! | `configuration` | [`Configuration`], the file, and [`Vendors`] |
//! | `app` | [`AppConfig`], `[app]` |
//! | `state` | [`StateComponent`], `[state.NAME]` |
//! | `secrets`, `app_secrets` | [`SecretStores`], `[secrets.NAME]`, and [`AppSecretAccess`], `[app.secrets.STORE]` |
//! | `provider` | [`ProviderConfig`], `type = "wasm"` and components that are installed |
//! | `installed`, `property`, `settings` | [`InstalledComponent`], and the settings that it has |
//! | `resiliency` | [`Resiliency`], `[resiliency]` |
//! | `allowed_hosts`, `private_addresses` | [`AllowedHosts`], `allow-hosts`; [`PrivateAddresses`], `allow-private` |
//! | `component` | [`ComponentType`] and [`Scopes`], which components of all building blocks have |
//! | `table`, `section` | [`Table`], which knows the keys it was asked for, and tables in it |
//! | `value` | [`FromToml`] and [`FromText`], which read one value |
//! | `scalar`, `collection`, `duration`, `byte_size`, `name` | the types of values |
//! | `reference`, `place`, `given` | `{ env = "NAME" }` and `{ secret = "NAME" }` |
//! | `elsewhere`, `environment`, `hidden` | [`Elsewhere`], what they refer to, and what of it nobody is to see |
//! | `source`, `document`, `syntax` | the file, its tree, and what is no TOML |
//! | `error`, `snippet`, `nearest`, `credentials` | what users read when something is wrong, and what not |

mod allowed_hosts;
mod app;
mod app_secrets;
mod byte_size;
mod collection;
mod component;
mod configuration;
mod credentials;
mod document;
mod duration;
mod elsewhere;
mod environment;
mod error;
mod given;
#[cfg(test)]
mod golden;
mod hidden;
mod installed;
mod name;
mod nearest;
mod place;
mod private_addresses;
mod property;
mod provider;
mod reference;
mod resiliency;
mod scalar;
mod secrets;
mod section;
mod settings;
mod snippet;
mod source;
mod state;
mod syntax;
mod table;
#[cfg(test)]
mod testing;
mod value;

pub use allowed_hosts::{AllowedHost, AllowedHostError, AllowedHosts};
pub use app::AppConfig;
pub use app_secrets::AppSecretAccess;
pub use byte_size::{ByteSize, ByteSizeError, TooSmall};
pub use component::{ComponentType, ComponentVersion, InvalidVersion, KnownType, Scopes};
pub use configuration::{Configuration, Vendors};
pub use duration::{DurationError, InMilliseconds, InSeconds, NonZeroDuration, parse_duration};
pub use elsewhere::{Elsewhere, Fetched, FetchedSecrets};
pub use environment::Environment;
pub use error::{ConfigError, ConfigErrors, Location};
pub use given::Given;
pub use installed::InstalledComponent;
pub use name::{AppId, ComponentName, NameError, Namespace};
pub use nearest::nearest;
pub use place::Place;
pub use private_addresses::PrivateAddresses;
pub use property::{Property, PropertyKind};
pub use provider::{Implementation, ProviderConfig, StartWhen, TooManyInstances};
pub use resiliency::{Resiliency, Target};
pub use secrets::{Names as SecretStoreNames, SecretComponent, SecretStores};
pub use source::{ReadError, Source};
pub use state::StateComponent;
pub use table::Table;
pub use value::{FromText, FromToml, Value};
