//! PostgreSQL, whose database and user are both `postgres`.

use super::program::{self, Failed};
use super::setup::{DATA, Place, Transport};
use crate::wait::PATIENCE;
use std::process::Command;
use std::time::Duration;

pub(super) fn prepare(place: &Place) {
    let password = place.write("password", place.password().unwrap_or_default());
    let mut init = program::of_server("initdb");
    init.args(["--pgdata", DATA, "--username", "postgres", "--auth", "scram-sha-256"])
        .args(["--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions"])
        .arg("--pwfile")
        .arg(password)
        .current_dir(place.folder());
    program::run(&mut init, PATIENCE).unwrap_or_else(|error| panic!("no data folder: {error}"));
    if place.transport == Transport::Tls {
        let only = "hostssl all all 127.0.0.1/32 scram-sha-256\n";
        std::fs::write(place.path(DATA).join("pg_hba.conf"), only).expect("the folder is writable");
    }
}

pub(super) fn command(place: &Place) -> Command {
    let mut command = program::of_server("postgres");
    command.args(["-D", DATA, "-p", &place.port.to_string()]);
    let mut set = |setting: String| {
        command.args(["-c", &setting]);
    };
    set("listen_addresses=127.0.0.1".into());
    set("unix_socket_directories=".into());
    set("fsync=off".into());
    set("shared_buffers=16MB".into());
    // Else memory stays behind in `/dev/shm` when it is killed.
    set("dynamic_shared_memory_type=mmap".into());
    if let Some(certificate) = place.certificate() {
        set("ssl=on".into());
        set(format!("ssl_cert_file={}", certificate.own.display()));
        set(format!("ssl_key_file={}", certificate.key.display()));
    }
    command
}

pub(super) fn client(place: &Place, words: &[&str], within: Duration) -> Result<Vec<u8>, Failed> {
    let mut command = program::of_client("psql");
    command
        .args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only"])
        .args(["--set", "ON_ERROR_STOP=1", "--dbname", "postgres"])
        .args(["--host", "127.0.0.1", "--port", &place.port.to_string()])
        .args(["--username", place.user().unwrap_or_default()])
        .envs(place.password().map(|password| ("PGPASSWORD", password)));
    if let Some(certificate) = place.certificate() {
        command
            .env("PGSSLMODE", "verify-full")
            .env("PGSSLROOTCERT", certificate.ca);
    }
    for statement in words {
        command.args(["--command", statement]);
    }
    program::run(&mut command, within)
}

/// Removes the shared memory that a killed server leaves, of which the kernel has room for a few thousand.
pub(super) fn clear(place: &Place) {
    let file = std::fs::read_to_string(place.path(DATA).join("postmaster.pid")).unwrap_or_default();
    // Its seventh line: the memory's key, and its id.
    let Some(id) = file.lines().nth(6).and_then(|line| line.split_whitespace().nth(1)) else {
        return;
    };
    // What fails here harms nothing now.
    let _ = Command::new("ipcrm").args(["--shmem-id", id]).output();
}
