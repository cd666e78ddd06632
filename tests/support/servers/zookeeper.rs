//! ZooKeeper, alone in its ensemble, run by the machine's own Java.

use super::program::{self, Failed};
use super::setup::Place;
use super::socket;
use std::process::Command;
use std::time::Duration;

/// Its program and what that needs, which it names itself, and what prints its log.
const CLASSES: &str = "/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar";

/// Quick to start and small: no thorough compiler, no collector with threads, no file in `/tmp` for those who watch.
const JAVA: [&str; 4] = [
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
];

pub(super) fn prepare(place: &Place) {
    let configuration = format!(
        "dataDir={}\nclientPort={}\nclientPortAddress=127.0.0.1\n\
         admin.enableServer=false\n4lw.commands.whitelist=*\n",
        place.path("data").display(),
        place.port
    );
    place.write("zoo.cfg", &configuration);
}

pub(super) fn command(place: &Place) -> Command {
    let mut command = java(program::of_server("java"));
    command
        .args(["-Xmx256m", "-Dzookeeper.forceSync=no"])
        .arg("org.apache.zookeeper.server.ZooKeeperServerMain")
        .arg(place.path("zoo.cfg"));
    command
}

/// Asks without its client, which is a Java of its own.
pub(super) fn answers(place: &Place, within: Duration) -> bool {
    let answer = socket::ask(place.port, b"srvr", within).unwrap_or_default();
    String::from_utf8_lossy(&answer).contains("Mode: standalone")
}

pub(super) fn client(place: &Place, words: &[&str], within: Duration) -> Result<Vec<u8>, Failed> {
    const CONNECTED: &[u8] = b"WatchedEvent state:SyncConnected type:None path:null";
    let mut command = java(program::of_client("java"));
    command.arg("org.apache.zookeeper.ZooKeeperMain").args([
        "-server",
        &format!("127.0.0.1:{}", place.port),
        "-waitforconnection",
    ]);
    let printed = program::run(command.args(words), within)?;
    // Before its answer it tells how it connected.
    let lines = printed.windows(CONNECTED.len()).position(|bytes| bytes == CONNECTED);
    let answer = lines.map_or(&*printed, |start| &printed[start + CONNECTED.len()..]);
    Ok(answer.strip_prefix(b"\n").unwrap_or(answer).to_owned())
}

fn java(mut command: Command) -> Command {
    command.args(JAVA).args(["-cp", CLASSES]);
    command
}
