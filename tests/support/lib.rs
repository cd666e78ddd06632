//! What the end-to-end tests stand on: the real binary in a folder of its own, clients, and ways to wait.
//!
//! | module | holds |
//! |---|---|
//! | [`host`] | a host that runs, and the ways to end it |
//! | [`launch`] | how a host is to be started: app, configuration, arguments, folder |
//! | [`beside`] | a built-in store beside Dapr's own component |
//! | [`built`] | the files that `cargo xtask test` builds: guests and the binary |
//! | [`chaos`] | many clients while something happens to the server of their store |
//! | [`component`] | components that no tool would make |
//! | [`client`] | HTTP as a well-behaved client speaks it |
//! | [`http2`] | frames of HTTP/2, for raw connections |
//! | [`raw`] | bytes on a socket, for clients that do not behave |
//! | [`native`] | Dapr's own code for stores, built for this machine |
//! | [`output`] | what a host printed so far |
//! | [`process`] | what the kernel knows of a process |
//! | [`servers`] | real servers for stores to talk to |
//! | [`told`] | what a test saw, for the documents |
//! | [`wait`] | conditions with a deadline, in place of sleeps |
//!
//! Everything here panics when it cannot do what it was asked: its only callers are tests, and a test that cannot start a
//! host has failed.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

pub mod beside;
pub mod built;
pub mod chaos;
pub mod client;
pub mod component;
pub mod host;
pub mod http2;
pub mod launch;
pub mod native;
pub mod output;
pub mod process;
pub mod raw;
pub mod servers;
pub mod told;
pub mod wait;

pub use chaos::Chaos;
pub use client::{Client, Response};
pub use host::Host;
pub use launch::{Ended, Launch};
pub use native::Native;
pub use raw::Raw;
pub use told::tell;
pub use wait::{PATIENCE, until};
