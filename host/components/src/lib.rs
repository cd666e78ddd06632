//! Dapr components that are built into the host: vendors, and nothing of Wasm.
//!
//! [`BuiltIn`] reads their settings from a configuration, [`StateSettings::open`] opens a store. Each vendor of state stands behind a
//! cargo feature of its own, so that a small host can leave it out.
//!
//! ```
//! use dapr_blocks::config::{Configuration, Environment, Implementation, Source};
//! use dapr_components::BuiltIn;
//!
//! # #[cfg(feature = "state-memory")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let source = Source::new("components.toml", "", "[state.statestore]\ntype = 'in-memory'");
//! let configuration = Configuration::parse(source, Environment::default(), &BuiltIn)?;
//! for component in &configuration.state {
//!     println!("{}: {}", component.name, component.implementation);
//!     if let Implementation::BuiltIn(settings) = &component.implementation {
//!         settings.open().await?.close().await;
//!     }
//! }
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "state-memory"))]
//! # fn main() {}
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod built_in;
pub mod secrets;
pub mod state;

pub use built_in::BuiltIn;
pub use secrets::{SecretOpenError, SecretSettings};
pub use state::{OpenError, Seen, StateSettings};
