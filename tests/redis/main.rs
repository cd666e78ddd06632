//! The built-in store `redis` on real servers.
//!
//! | module | claims about |
//! |---|---|
//! | `ground` | nothing: a server, the store on it, the app `kv` on a host with it |
//! | `conforming` | the rules of all stores |
//! | `opening` | servers that let nobody in, and what is said of them |
//! | `layout` | what lies in the server, and what of others is read |
//! | `daprs` | Dapr's own component on the same items |
//! | `listing` | listing databases of any size |
//! | `trips` | round trips |
//! | `waits_once` | nothing: that a client waits for its server once |
//! | `refusing` | servers that refuse: full, a replica, forgetful, with an access list |
//! | `chaos` | servers that die, stop and come back under load, and connections that are cut |

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod chaos;
mod conforming;
#[cfg(feature = "go")]
mod daprs;
mod ground;
mod layout;
mod listing;
mod opening;
mod refusing;
mod trips;
#[path = "../waits_once.rs"]
mod waits_once;
