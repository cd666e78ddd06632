//! The host's own `wasi:sockets` for providers and apps: TCP outwards and look-ups of names, as far as `allow-hosts` goes.
//!
//! Not wasmtime-wasi's, since that keeps its sockets to itself: nobody could set TCP_NODELAY on them, and each request in
//! two pieces would wait some 40 ms for an acknowledgement.
//!
//! | module | holds |
//! |---|---|
//! | `bindings` | what is generated from the WIT |
//! | `view` | [`Network`], what one instance has of the network, and its limits |
//! | `reach` | [`Reach`], what all instances of one provider or app share of it |
//! | `allow` | which names an instance may look up, and which addresses it may connect to |
//! | `special` | addresses that no name may lead to, or not every name |
//! | `refusals` | what was refused, once each, and the line that would allow it |
//! | `lookup` | `ip-name-lookup` |
//! | `tcp` | `tcp` and `tcp-create-socket`, function by function |
//! | `socket` | a socket from its making to its connection |
//! | `options` | what a guest may set on it |
//! | `connection` | the one place where an address becomes a connection, and bytes in and out of it |
//! | `streams` | its two directions as streams of `wasi:io` |
//! | `pending` | a future whose result is fetched without waiting |
//!
//! Only TCP, and only outwards: no ports to listen on, and no UDP, which is left to wasmtime-wasi to refuse.

mod allow;
mod bindings;
mod connection;
mod lookup;
mod options;
mod pending;
mod reach;
mod refusals;
mod socket;
mod special;
mod streams;
mod tcp;
#[cfg(test)]
mod testing;
mod view;

pub(crate) use reach::Reach;
pub(crate) use refusals::Refusal;
pub use refusals::{AllowedIn, Refusals};
pub(crate) use view::{Network, Sockets, add_to_linker};
