//! Reaches for what the host has, and says what came of it.

use std::net::TcpStream;

/// Opens a connection.
pub fn dial(address: &str) -> String {
    match TcpStream::connect(address) {
        Ok(_) => "connected".to_owned(),
        Err(error) => format!("{:?}: {error}", error.kind()),
    }
}

/// The environment, a variable a line.
pub fn environment() -> String {
    std::env::vars()
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect()
}

/// What lies at the root of the file system.
pub fn files() -> String {
    match std::fs::read_dir("/") {
        Ok(entries) => entries.map(|entry| format!("{entry:?}\n")).collect(),
        Err(error) => format!("{:?}", error.kind()),
    }
}
