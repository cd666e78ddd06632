//! What Dapr's building blocks mean, without Wasm and without a vendor.
//!
//! A building block is a trait ([`state::StateStore`]) that vendors implement, and a view of it for one app
//! ([`state::AppStore`]) that holds the rules all vendors share: names, key prefixes, limits, conditions, deadlines. The
//! Wasm side calls the view, the vendor's side implements the trait, and neither knows the other.

mod chain;
pub mod config;
mod late;
mod pulse;
pub mod resiliency;
pub mod secrets;
pub mod state;

pub use chain::{chain, own_text};
pub use pulse::Pulse;
