//! The built-in store `state.postgresql` on a real server, in both of Dapr's layouts.
//!
//! | module | claims about |
//! |---|---|
//! | `ground` | nothing: a server, and stores on it |
//! | `conforming` | the rules of all stores, plain and with TLS |
//! | `layout` | the tables and rows, beside those of Dapr's own code, and what each does with the other's |
//! | `daprs` | Dapr's own component on the same rows |
//! | `order` | listing and transactions, whatever the order of the database and of others |
//! | `values` | bytes and content types that come back as they were |
//! | `opening` | what is said of a server that cannot be used |
//! | `round_trips` | how often an operation waits for the server |
//! | `waits_once` | nothing: that a client waits for its server once |
//! | `sqlstates` | what an app hears of the errors that the server answers |
//! | `faults` | servers that die, stop and come back under load, and replies that are cut |

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod conforming;
#[cfg(feature = "go")]
mod daprs;
mod faults;
mod ground;
#[cfg(feature = "go")]
mod layout;
mod opening;
mod order;
mod round_trips;
mod sqlstates;
mod values;
#[path = "../waits_once.rs"]
mod waits_once;
