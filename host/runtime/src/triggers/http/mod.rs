//! HTTP requests, from the socket to the app.
//!
//! | file | holds |
//! |---|---|
//! | `server` | sockets and connections |
//! | `service` | one request: limits, deadline, the host's own answers, the access log |
//! | `workers` | instances: when one is made, reused and ended |
//! | `witness` | what became of a request whose instance ended |
//! | `connections` | open connections, bounded |

mod connections;
mod server;
mod service;
mod witness;
mod workers;

pub use server::{Server, ServerError};
