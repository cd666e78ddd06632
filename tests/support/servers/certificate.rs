//! A certificate for a server on this machine, and that of the CA that signed it, which nobody else trusts.

use super::program;
use crate::wait::PATIENCE;
use std::path::{Path, PathBuf};

/// Files in PEM.
#[derive(Debug)]
pub(super) struct Certificate {
    /// Of the CA.
    pub(super) ca: PathBuf,
    /// Of the server.
    pub(super) own: PathBuf,
    /// The server's private key.
    pub(super) key: PathBuf,
}

impl Certificate {
    /// The one in a folder.
    pub(super) fn of(folder: &Path) -> Self {
        Self {
            ca: folder.join("ca.crt"),
            own: folder.join("server.crt"),
            key: folder.join("server.key"),
        }
    }

    /// Makes one in a folder, as who runs servers: they refuse a key that somebody else owns.
    pub(super) fn make(folder: &Path) {
        request(folder, "ca", &["-subj", "/CN=dapr-wasm tests"]);
        let signed = [
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-CA",
            "ca.crt",
            "-CAkey",
            "ca.key",
        ];
        request(folder, "server", &signed);
    }
}

fn request(folder: &Path, name: &str, more: &[&str]) {
    let mut openssl = program::of_server("openssl");
    openssl
        .args(["req", "-x509", "-nodes", "-days", "2"])
        .args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
        .args(["-keyout", &format!("{name}.key"), "-out", &format!("{name}.crt")])
        .args(more)
        .current_dir(folder);
    program::run(&mut openssl, PATIENCE).unwrap_or_else(|error| panic!("no certificate: {error}"));
}
