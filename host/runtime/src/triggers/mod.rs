//! What makes the host call an app.

pub mod command;
pub mod http;
