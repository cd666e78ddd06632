//! Providers in the serve-loop form: many calls are under way in one instance at the same time.
//!
//! | module | holds |
//! |---|---|
//! | `block` | what a building block is to the loop |
//! | `exchange` | requests on their way into one instance, and answers on their way out |
//! | `events` | what an instance waits for |
//! | `instance` | one instance, from its start to its end |
//! | `fleet` | the instances of one store: as many as its load needs, and in the place of those that ended |
//!
//! An instance of the other form is entered by its callers, one at a time. Here one task runs the instance for all its life,
//! and callers leave requests for it: what runs in the background of the guest goes on between calls, a call that waits for a
//! server holds up no other, and a caller that leaves costs the instance nothing.

mod block;
mod events;
mod exchange;
mod fleet;
mod instance;
#[cfg(test)]
mod testing;

pub(super) use block::BuildingBlock;
pub(super) use events::Events;
pub(super) use exchange::{Exchange, Happening, Silent, Why};
pub(super) use fleet::{Fleet, Unanswered};
pub(super) use instance::LoopProvider;
