//! Sockets of the standard library and certificates, as a guest tries to use them, and what came of it.

use std::io;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;

/// Opens a connection.
pub fn dial(address: &str) -> String {
    became(TcpStream::connect(address), "connected")
}

/// Opens connections, as many as it gets, and says how many that are and why there are no more.
pub fn hoard(address: &str) -> String {
    let (hoard, error) = opened(address);
    format!("{}: {:?}", hoard.len(), error.and_then(|error| error.raw_os_error()))
}

/// As many connections as it gets, and why there are no more.
pub fn opened(address: &str) -> (Vec<TcpStream>, Option<io::Error>) {
    let mut opened = Vec::new();
    while opened.len() < 1000 {
        match TcpStream::connect(address) {
            Ok(stream) => opened.push(stream),
            Err(error) => return (opened, Some(error)),
        }
    }
    (opened, None)
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
