//! Host functions: WIT on one side, `dapr-blocks` on the other.
//!
//! A capability lowers and lifts, nothing else. What a call means is in `dapr-blocks`, so that the plain and the async
//! form of an interface cannot differ.

pub(crate) mod config;
pub(crate) mod keyvalue;
pub(crate) mod logging;
pub(crate) mod secrets;
pub(crate) mod state;
