//! Redis, which keeps its data in a log of what changed.

use super::program::{self, Failed};
use super::setup::{Access, DATA, Place};
use std::process::Command;
use std::time::Duration;

pub(super) fn command(place: &Place) -> Command {
    let mut command = program::of_server("redis-server");
    command
        .args(["--bind", "127.0.0.1", "--save", ""])
        // Written before it is acknowledged, which `everysec` does not promise while it waits for the disk.
        .args(["--appendonly", "yes", "--appendfsync", "no"])
        // A test may have it load a module.
        .args(["--enable-module-command", "local"]);
    if place.disk().is_some() {
        command.args(["--dir", DATA]);
    }
    let port = place.port.to_string();
    match place.certificate() {
        None => command.args(["--port", &port]),
        Some(certificate) => command
            .args(["--port", "0", "--tls-port", &port, "--tls-auth-clients", "no"])
            .arg("--tls-ca-cert-file")
            .arg(certificate.ca)
            .arg("--tls-cert-file")
            .arg(certificate.own)
            .arg("--tls-key-file")
            .arg(certificate.key),
    };
    let password = place.password().unwrap_or_default();
    match place.access {
        Access::Open => &mut command,
        Access::Password => command.args(["--requirepass", password]),
        Access::User(user) => command.args(["--user", "default", "off"]).args([
            "--user",
            user,
            "on",
            &format!(">{password}"),
            "~*",
            "&*",
            "+@all",
        ]),
    };
    command
}

pub(super) fn client(place: &Place, words: &[&str], within: Duration) -> Result<Vec<u8>, Failed> {
    let mut command = program::of_client("redis-cli");
    // `-e`: an error is an exit code.
    command.args(["-e", "-h", "127.0.0.1", "-p", &place.port.to_string()]);
    command.envs(place.password().map(|password| ("REDISCLI_AUTH", password)));
    if let Some(user) = place.user() {
        command.args(["--user", user]);
    }
    if let Some(certificate) = place.certificate() {
        command.args(["--tls", "--cacert"]).arg(certificate.ca);
    }
    program::run(command.args(words), within)
}
