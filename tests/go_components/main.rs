//! Dapr's own components, compiled to WebAssembly, on the servers that they are for.
//!
//! | module | claims about |
//! |---|---|
//! | `ground` | nothing: a server, the component, and the app `kv` on both |
//! | `conforming` | the rules of all stores, and where a component is known not to keep one |
//! | `layout` | what lies in the server: what daprd would have written, and reads |
//! | `faults` | servers that die, stop and come back |
//! | `soak` | many operations while deadlines expire |

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod conforming;
mod faults;
mod ground;
mod layout;
mod soak;
