//! Reaches for what the host has, and says what came of it.

use std::io;
use std::net::{TcpListener, TcpStream, UdpSocket};

/// Opens a connection.
pub fn dial(address: &str) -> String {
    became(TcpStream::connect(address), "connected")
}

/// Waits for connections.
pub fn listen() -> String {
    became(TcpListener::bind("0.0.0.0:0"), "listening")
}

/// Sends a datagram.
pub fn send(address: &str) -> String {
    let socket = UdpSocket::bind("0.0.0.0:0");
    became(socket.and_then(|socket| socket.send_to(b"hello", address)), "sent")
}

fn became<T>(result: io::Result<T>, done: &str) -> String {
    match result {
        Ok(_) => done.to_owned(),
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
