//! HTTP requests, from the socket to the app.
//!
//! | file | holds |
//! |---|---|
//! | `server` | sockets and connections |
//! | `connections` | open connections, bounded |
//! | `stream` | a socket on which no write waits for ever |
//! | `service` | one request: limits, deadline, the access log |
//! | `code` | what answers, which may be replaced |
//! | `authority` | whom a request is for |
//! | `own_answer` | what the host answers in the app's place |
//! | `request_id` | the number of a request, under which the log has it |
//! | `slot` | the right to an instance |
//! | `instance` | how an instance is made |
//! | `plain` | requests of a WASI 0.2 app |
//! | `idle` | its instances that wait for the next request |
//! | `workers` | requests of a WASI 0.3 app, and when its instances are reused and ended |
//! | `witness` | what became of a request whose instance ended |

mod authority;
mod code;
mod connections;
mod idle;
mod instance;
mod own_answer;
mod plain;
mod request_id;
mod server;
mod service;
mod slot;
mod stream;
mod witness;
mod workers;

pub use code::{Code, ReplaceError};
pub use server::{Server, ServerError};
