//! etcd, alone in its cluster.

use super::program::{self, Failed};
use super::setup::Place;
use super::socket;
use std::process::Command;
use std::time::Duration;

pub(super) fn command(place: &Place) -> Command {
    let url = url(place);
    let mut command = program::of_server("etcd");
    command
        .args(["--data-dir", "data", "--listen-client-urls", &url])
        .args(["--advertise-client-urls", &url])
        // For others of a cluster, of whom there are none: any port.
        .args(["--listen-peer-urls", "http://127.0.0.1:0"]);
    command
}

/// Asks without its client, which waits a second between two attempts to connect.
pub(super) fn answers(place: &Place, within: Duration) -> bool {
    let question = b"GET /health HTTP/1.0\r\n\r\n";
    let answer = socket::ask(place.port, question, within).unwrap_or_default();
    String::from_utf8_lossy(&answer).contains(r#"{"health":"true"}"#)
}

pub(super) fn client(place: &Place, words: &[&str], within: Duration) -> Result<Vec<u8>, Failed> {
    let mut command = program::of_client("etcdctl");
    command.env("ETCDCTL_API", "3").args(["--endpoints", &url(place)]);
    program::run(command.args(words), within)
}

fn url(place: &Place) -> String {
    format!("http://127.0.0.1:{}", place.port)
}
