//! Dapr components that are WebAssembly themselves.
//!
//! | module | holds |
//! |---|---|
//! | [`sections`] | what stands at the end of a component's file and says what it is |
//! | [`description`] | the settings that a component says it has |
//! | [`file`] | what a file is: a component that exports a building block's `provider`, or a plugin of the go-plugin ABI |
//! | [`linked`] | a provider that is linked, whatever it is for, and what its instances get |
//! | [`state`], [`secrets`] | the building blocks: their contracts, and a provider as a `StateStore` or `SecretStore` |
//! | `guest` | what the host keeps for one instance |
//! | `logging` | `wasi:logging`: records of a provider in the host's log |
//! | [`start`] | how instances start, and why some do not |
//! | `called` | instances that are called |
//! | `serving` | instances that take their calls themselves: the serve-loop form |
//! | `answer` | what comes out of one, whichever its building block |
//! | `pool` | instances that serve calls one at a time, and take the place of those that broke |
//! | `detached` | a call that goes on when its caller has left |
//!
//! An instance is long-lived, in a store of its own with its own limits, and cannot reach another provider: nothing that it
//! may import leads to one. A call runs in the task of the app that makes it, since handing it to another task costs more
//! than the call; only when the app leaves does it go on in one of its own, because an instance that is left in the middle
//! of a call cannot be entered again.

mod answer;
mod called;
pub mod description;
mod detached;
pub mod file;
mod guest;
pub mod linked;
mod logging;
mod pool;
pub mod secrets;
pub mod sections;
mod serving;
pub mod start;
pub mod state;

/// What is private, for those who fuzz it.
#[cfg(fuzzing)]
pub mod fuzzing {
    use super::state::plugin;
    use dapr_blocks::state::{Entry, Features, StateError};

    /// An item from what a plugin answers.
    ///
    /// # Errors
    ///
    /// [`StateError::Internal`] if it is none.
    pub fn entry(bytes: &[u8]) -> Result<Entry, StateError> {
        plugin::entry(bytes)
    }

    /// What a plugin can do, from what it lists.
    ///
    /// # Errors
    ///
    /// [`StateError::Internal`] if it does not decode.
    pub fn features(bytes: &[u8], tells_errors: bool) -> Result<Features, StateError> {
        plugin::features(bytes, tells_errors)
    }
}
