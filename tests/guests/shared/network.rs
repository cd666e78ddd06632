//! Sockets of the standard library and certificates, as a guest tries to use them, and what came of it.

use std::io;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;

/// Opens a connection.
pub fn dial(address: &str) -> String {
    became(TcpStream::connect(address), "connected")
}

/// Opens connections and keeps them, as many as it gets.
pub fn hoard(address: &str) -> String {
    let mut hoard = Vec::new();
    while hoard.len() < 1000 {
        match TcpStream::connect(address) {
            Ok(stream) => hoard.push(stream),
            Err(error) => return format!("{}: {:?}", hoard.len(), error.raw_os_error()),
        }
    }
    hoard.len().to_string()
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

/// What lies beside the certificates, their first line, and what came of writing there.
pub fn certificates() -> String {
    let Ok(file) = std::env::var("SSL_CERT_FILE") else {
        return "none".to_owned();
    };
    let (file, folder) = (Path::new(&file), Path::new(&file).parent().unwrap_or(Path::new("/")));
    let names = std::fs::read_dir(folder).map(|entries| {
        let names = entries.map(|entry| entry.map(|entry| entry.file_name()));
        names.collect::<io::Result<Vec<_>>>()
    });
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    let written = [
        became(std::fs::write(file, "mine"), "written"),
        became(std::fs::write(folder.join("other"), "mine"), "written"),
        became(std::fs::remove_file(file), "removed"),
        became(std::fs::read(folder.join("../passwd")), "read"),
    ];
    format!("{names:?}\n{line}\n{}", written.join("\n"))
}

fn became<T>(result: io::Result<T>, done: &str) -> String {
    match result {
        Ok(_) => done.to_owned(),
        Err(error) => format!("{:?}: {error}", error.kind()),
    }
}
