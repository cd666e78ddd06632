//! Guests and clients that misbehave: what they get, and that nobody else notices.
//!
//! | module | claims about |
//! |---|---|
//! | `neighbours` | others, who get their answers within a second meanwhile |
//! | `own_answers` | what the host answers in a guest's place, and what its log says |
//! | `bodies` | requests that are too large, answers that end too early |
//! | `printing` | what guests print |
//! | `denied` | what guests were not given |
//! | `clients` | connections without end, slow ones, and those that leave |
//! | `lingering` | guests that go on after their answer |
//! | `afterwards` | that a burst leaves nothing behind |
//!
//! Each misdeed is a path of the guest `hostile`, or `hostile-async` for those that only WASI 0.3 can do.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod afterwards;
mod bodies;
mod clients;
mod denied;
mod lingering;
mod neighbours;
mod own_answers;
mod printing;

use dapr_wasm_tests::{Host, Launch};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Claims about time and memory are checked while no other test of this file runs: what one of them does to the machine
/// would be measured by the other.
static MACHINE: RwLock<()> = RwLock::new(());

fn alone() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().unwrap_or_else(PoisonError::into_inner)
}

fn beside_others() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}

/// The guest that misbehaves, with the settings of `[app]`.
fn hostile(settings: &str) -> Host {
    launch(settings).start()
}

fn launch(settings: &str) -> Launch {
    Launch::guest("hostile").components(&format!("[app]\n{settings}\n"))
}
