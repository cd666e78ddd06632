//! Runs WebAssembly apps and satisfies their `dapr:*` imports.
//!
//! | module | holds |
//! |---|---|
//! | [`source`] | bytes from outside become a component, or an error that says what they are |
//! | [`shape`] | what a component imports and exports, read without compiling it |
//! | [`needs`] | what satisfies each import on this host, and everything that is missing |
//! | [`engine`] | the one engine of the process |
//! | [`limits`] | what a guest may use, and what all guests may use together |
//! | [`app`] | a component that is linked and ready to be called |
//! | [`capabilities`] | host functions: WIT on one side, `dapr-blocks` on the other |
//! | [`providers`] | Dapr components that are WebAssembly themselves |
//! | `network` | sockets and look-ups of apps and providers, and `allow-hosts` in force |
//! | [`egress`] | outgoing requests of apps |
//! | `wasi` | which of WASI 0.2 a guest gets, and from whom |
//! | [`roots`] | the certificates of the system, for those that reach servers |
//! | [`triggers`] | what makes the host call an app: an HTTP request, a command line |
//! | [`output`] | what guests print |
//! | [`admin`] | `/healthz` |
//! | [`caught`] | panics of a library that reads what others wrote, as errors |
//!
//! The way of a request is `triggers/http` → the guest → `capabilities/state` → `dapr-blocks`, with no way back: a
//! capability does not know which trigger called, and a trigger does not know what the guest imports.

pub mod admin;
pub mod app;
pub mod capabilities;
pub mod caught;
pub mod egress;
pub mod engine;
mod event_loop;
mod guest;
pub mod limits;
mod machine;
pub mod needs;
mod network;
pub mod output;
pub mod providers;
pub mod roots;
pub mod shape;
pub mod source;
pub mod triggers;
mod wasi;
