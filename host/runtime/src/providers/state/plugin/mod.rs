//! A state store of the plugin ABI of knqyf263/go-plugin: a core module of WASI preview 1.
//!
//! | file | holds |
//! |---|---|
//! | `messages` | the protobuf of requests and responses |
//! | `abi` | how bytes get in and out of a plugin |
//! | `instance` | one instance, and how it is called |
//!
//! The first store of Dapr in Wasm was shipped in this form, and such plugins exist as files. There are two dialects, told
//! apart by their exports: those that TinyGo makes begin with `_start` and cannot say that something failed; those of Go 1.24
//! and later begin with `_initialize` and can.
//!
//! A plugin has get, set and delete. What it does not list as a feature is `unsupported`, and transactions and listing are
//! no part of its interface at all, whatever it lists.

mod abi;
mod instance;
mod messages;

pub(super) use abi::{Dialect, Exports};
pub(super) use instance::PluginInstance;
#[cfg(fuzzing)]
pub(crate) use instance::{entry, features};
