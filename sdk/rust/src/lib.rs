//! State of dapr-wasm for apps in Rust: typed values through serde, options with defaults, and an etag loop.
//!
//! ```no_run
//! use dapr_wasm_sdk::{Error, SetOptions, Store};
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Greeting {
//!     text: String,
//! }
//!
//! fn main() -> Result<(), Error> {
//!     let store = Store::new("statestore");
//!     store.set("greeting", &Greeting { text: "hello".to_owned() })?;
//!     let greeting: Option<Greeting> = store.get("greeting")?;
//!     let visits = store.update("visits", |visits: Option<u64>| Ok::<_, Error>(visits.unwrap_or(0) + 1))?;
//!     store.set_with("session", &visits, SetOptions::new().ttl(600).if_absent())?;
//!     Ok(())
//! }
//! ```
//!
//! It stands on the interface `dapr:state/store@0.1.0`, which it imports for the app, and adds nothing to what that does: its
//! documentation in WIT holds here. A value lies in the store as JSON; [`Store::set_bytes`] and [`Store::bytes`] are for all else.
//!
//! | module | holds |
//! |---|---|
//! | `store` | [`Store`], and what is done to one item |
//! | `update` | the etag loop |
//! | `several` | [`Operation`], transactions and bulk calls |
//! | `listing` | keys by prefix |
//! | `asynchronous` | [`AsyncStore`], all of it for apps of WASI 0.3 |
//! | `item`, `options`, `error` | what goes in and comes out |

#![deny(missing_docs)]
#![forbid(unsafe_op_in_unsafe_fn)]

mod asynchronous;
mod error;
mod item;
mod listing;
mod options;
mod several;
mod store;
mod update;

/// `dapr:state`, generated from the host's WIT.
mod bindings {
    #![allow(missing_docs, reason = "generated")]
    wit_bindgen::generate!({
        path: "wit",
        inline: "package dapr:sdk; world sdk { import dapr:state/store@0.1.0; }",
        world: "dapr:sdk/sdk",
        generate_all,
    });
}

/// `dapr:state/store-async`, on the same types. An app has that of the two which it calls.
mod async_bindings {
    #![allow(missing_docs, reason = "generated")]
    wit_bindgen::generate!({
        path: "wit",
        inline: "package dapr:sdk; world sdk-async { import dapr:state/store-async@0.1.0; }",
        world: "dapr:sdk/sdk-async",
        with: { "dapr:state/types@0.1.0": crate::bindings::dapr::state::types },
        generate_all,
    });
}

pub use asynchronous::{AllKeys, AsyncStore};
pub use error::{BulkError, Error, ItemError};
pub use item::Item;
pub use listing::{KeyPage, ListOptions};
pub use options::{Consistency, DeleteOptions, GetOptions, SetOptions};
pub use several::Operation;
pub use store::Store;
