//! HTTP requests, from the socket to the app.
//!
//! | file | holds |
//! |---|---|
//! | `server` | sockets and connections |
//! | `service` | one request: limits, deadline, the host's own answers, the access log |
//! | `workers` | instances: when one is made, reused and ended |

mod connections;
mod server;
mod service;
mod workers;

pub use server::{Server, ServerError};
