//! Providers in the serve-loop form: many calls are under way in one instance at the same time.
//!
//! | module | holds |
//! |---|---|
//! | `bindings` | the WIT of the form, and what an instance may call of it |
//! | `exchange` | requests on their way into one instance, and answers on their way out |
//! | `instance` | one instance, from its start to its end |
//! | `fleet` | the instances of one store: as many as its load needs, and in the place of those that ended |
//! | `store` | the fleet as a `StateStore` |
//!
//! An instance of the other form is entered by its callers, one at a time. Here one task runs the instance for all its life,
//! and callers leave requests for it: what runs in the background of the guest goes on between calls, a call that waits for a
//! server holds up no other, and a caller that leaves costs the instance nothing.

mod bindings;
mod exchange;
mod fleet;
mod instance;
mod store;

pub(super) use bindings::StateStoreLoopPre;
pub(super) use bindings::add_to_linker;
pub(super) use exchange::Exchange;
pub(super) use instance::{Serving, start};
pub(super) use store::LoopStore;
