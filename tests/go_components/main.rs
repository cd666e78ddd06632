//! Dapr's own components, compiled to WebAssembly, on the servers that they are for.
//!
//! | module | claims about |
//! |---|---|
//! | `vendors` | nothing: the servers, and what differs between them |
//! | `ground` | nothing: a server, the component, and the app `kv` on both |
//! | `native` | nothing: Dapr's code for the same store, built for this machine |
//! | `conforming` | the rules of all stores, and where a component is known not to keep one |
//! | `own` | a package of a user's own, built with all that it is made of |
//! | `rows` | nothing: what lies in a server, read by its own client |
//! | `layout` | what lies in the server: what daprd would have written, and reads |
//! | `faults` | servers that die, stop and come back |
//! | `said` | what an app hears of failures, and what stays in the log |
//! | `panics` | a component that panics while others wait for it |
//! | `vault` | secrets of HashiCorp Vault's component, on a stand-in for the server |
//! | `soak` | many operations while deadlines expire |

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod conforming;
mod faults;
mod ground;
mod layout;
mod native;
mod own;
mod panics;
mod rows;
mod said;
mod soak;
mod vault;
mod vendors;
