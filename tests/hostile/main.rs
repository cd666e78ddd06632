//! Guests, clients and stores that misbehave: what they get, and that nobody else notices.
//!
//! | module | claims about |
//! |---|---|
//! | `neighbours` | others, who get their answers within a second meanwhile |
//! | `own_answers` | what the host answers in a guest's place, and what its log says |
//! | `bodies` | requests that are too large, answers that end too early |
//! | `printing` | what guests print |
//! | `denied` | what guests were not given |
//! | `reaching` | apps that may reach servers |
//! | `clients` | connections without end, slow ones, and those that leave |
//! | `giving_up` | clients by the hundred thousand, and heads without end |
//! | `hungry` | guests with many memories and tables |
//! | `refused` | what the host does not run, and where it does not listen |
//! | `security` | the document that names all of these |
//! | `lingering` | guests that go on after their answer |
//! | `afterwards` | that a burst leaves nothing behind |
//! | `stores` | stores in WebAssembly that break, lie, reach for what is not theirs, or do not start |
//! | `component`, `long_names` | nothing: they make components and functions that no language's tools would make |
//! | `in_time` | nothing: how the others tell that an answer came in time and that nothing is left |
//!
//! Each misdeed of an app is a path of the guest `hostile`, or `hostile-async` for those that only WASI 0.3 can do; each one
//! of a store is a key of `hostile-store`, which the app `kv` is asked for.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod afterwards;
mod bodies;
mod clients;
mod denied;
mod giving_up;
mod hungry;
mod in_time;
mod lingering;
mod long_names;
mod neighbours;
mod own_answers;
mod printing;
mod reaching;
mod refused;
mod security;
mod stores;

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
    Launch::guest("hostile")
        .components(&format!("[app]\n{settings}\n"))
        .watched()
}
