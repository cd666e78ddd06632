//! The claims that every store is held to, run against a store.
//!
//! `docs/state.md` states the rules; each claim here holds one of them and is named as a sentence. A store's tests call
//! [`run`], and so can the author of a provider, so nothing here panics: a claim that does not hold is a line in the
//! [`Report`].
//!
//! | file | claims about |
//! |---|---|
//! | `items` | values and content types |
//! | `keys` | what may be a key |
//! | `etags` | versions and conditions |
//! | `bulk` | many items at once |
//! | `transactions` | all or none |
//! | `ttl` | items that end |
//! | `listing` | keys by prefix |
//! | `isolation` | apps, stores and key prefixes |
//! | `concurrency` | several writers and readers |
//! | `durability` | what is left when the store is closed and opened again |
//!
//! A claim needs features; where the store declares to lack one, the claim is left out. What [`AppStore`] refuses before a
//! store is asked is no claim about stores, and held by its own tests. What the claims write is removed at the end.
//!
//! [`AppStore`]: super::AppStore
//!
//! ```no_run
//! # use dapr_blocks::state::{Limits, StateStore, conformance};
//! # async fn test(store: std::sync::Arc<dyn StateStore>) -> Result<(), Box<dyn std::error::Error>> {
//! let report = conformance::run(store, Limits::default()).await;
//! println!("{report}");
//! report.into_result()?;
//! # Ok(())
//! # }
//! ```

mod bulk;
mod check;
mod concurrency;
mod durability;
mod etags;
mod ground;
mod isolation;
mod items;
mod keys;
mod listing;
mod report;
mod run;
mod tracked;
mod transactions;
mod ttl;

pub use report::{Broken, Failed, LeftOut, Report, sentence};
pub use run::{run, run_reopening};
