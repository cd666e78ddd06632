//! A server that runs, and the ways to break and to end it.

use super::Kind;
use super::process::Process;
use super::setup::Place;
use crate::wait::{PATIENCE, until};
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

/// How long one look at whether it answers may take.
const LOOK: Duration = Duration::from_secs(2);

/// What it prints, in its folder.
const LOG: &str = "log";

/// A server on 127.0.0.1, with a folder of its own. Dropping it kills it and removes the folder.
#[derive(Debug)]
pub struct Server {
    process: Option<Process>,
    place: Place,
}

impl Server {
    pub(super) fn starting(place: Place) -> Self {
        let mut server = Self { process: None, place };
        server.begin();
        server
    }

    /// Which one.
    pub fn kind(&self) -> Kind {
        self.place.kind
    }

    /// Where it listens, the same as long as it lives.
    pub fn port(&self) -> u16 {
        self.place.port
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port())
    }

    /// Who gets in, if it asks for a user.
    pub fn user(&self) -> Option<&str> {
        self.place.user()
    }

    /// The password that it asks for, if it does.
    pub fn password(&self) -> Option<&str> {
        self.place.password()
    }

    /// The certificate that its own one is signed with, in PEM, if it speaks TLS. It is good for `localhost` and
    /// `127.0.0.1`.
    pub fn ca(&self) -> Option<PathBuf> {
        self.place.certificate().map(|certificate| certificate.ca)
    }

    /// Where it runs, and below which all its files are.
    pub fn folder(&self) -> &Path {
        self.place.folder()
    }

    /// What it printed so far.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.place.path(LOG)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What its own client prints, without the line's end that it adds.
    ///
    /// | server | client | words |
    /// |---|---|---|
    /// | Redis | `redis-cli` | one command, after options of the client |
    /// | PostgreSQL, MariaDB | `psql`, `mariadb` | statements; rows are lines, without a head, columns apart by `\|` and by a tab |
    /// | memcached | its text protocol | one command, for `set` and the like with the value as the last word and without its length; the answer as it comes |
    /// | etcd | `etcdctl`, version 3 | one command |
    /// | ZooKeeper | its shell | one command |
    ///
    /// # Panics
    ///
    /// If the client fails, or prints what is no text: for that there is [`client_bytes`](Self::client_bytes).
    pub fn client(&self, words: &[&str]) -> String {
        let printed = String::from_utf8(self.client_bytes(words));
        printed.unwrap_or_else(|error| panic!("{words:?} of {}: {error}", self.kind()))
    }

    /// The same, byte for byte.
    ///
    /// # Panics
    ///
    /// If the client fails.
    pub fn client_bytes(&self, words: &[&str]) -> Vec<u8> {
        let printed = self.kind().client(&self.place, words, PATIENCE);
        printed.unwrap_or_else(|error| panic!("{words:?} of {}: {error}", self.kind()))
    }

    /// The same, where the server may end before it has answered: then none.
    pub fn client_if_it_answers(&self, words: &[&str]) -> Option<Vec<u8>> {
        self.kind().client(&self.place, words, PATIENCE).ok()
    }

    /// Whether it does what it is asked in this time.
    pub fn answers(&self, within: Duration) -> bool {
        self.kind().answers(&self.place, within)
    }

    /// Asks it to end, and waits until it has.
    pub fn stop(&mut self) {
        let signal = self.kind().stop_signal();
        let mut process = self.process.take().expect("it runs");
        process.end(signal);
    }

    /// Kills all its processes.
    pub fn kill(&mut self) {
        let mut process = self.process.take().expect("it runs");
        assert!(process.kill(), "{} does not die", self.kind());
    }

    /// Stops all its processes as they are: they keep their connections and do nothing.
    pub fn pause(&self) {
        self.running().pause();
    }

    /// Lets them go on.
    pub fn resume(&self) {
        self.running().resume();
    }

    /// Starts it again on the same port, with what it has kept in its folder. Stops it first if it runs.
    pub fn restart(&mut self) {
        if self.process.is_some() {
            self.stop();
        }
        self.begin();
    }

    /// Leaves no byte free on its disk.
    ///
    /// # Panics
    ///
    /// If it was not set up with one of its own.
    pub fn fill_disk(&self) {
        self.place.disk().expect("it has a disk").fill();
    }

    /// Gives back what was filled. A server that ended for want of space is started again.
    ///
    /// # Panics
    ///
    /// If it was not filled.
    pub fn free_disk(&mut self) {
        self.place.disk().expect("it has a disk").free();
        let ended = self.process.as_mut().and_then(Process::ended);
        if ended.is_some() {
            self.process = None;
            self.begin();
        }
    }

    fn running(&self) -> &Process {
        self.process.as_ref().expect("it runs")
    }

    /// Starts it, and waits until it answers.
    fn begin(&mut self) {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.place.path(LOG))
            .expect("the folder is writable");
        let mut command = self.kind().command(&self.place);
        command
            .current_dir(self.folder())
            .stdin(Stdio::null())
            .stderr(log.try_clone().expect("files can be cloned"))
            .stdout(log);
        self.process = Some(Process::start(command));
        until(&format!("{} to answer", self.kind()), PATIENCE, || {
            let ended = self.process.as_mut().and_then(Process::ended);
            assert!(ended.is_none(), "{} ended before it answered: {ended:?}", self.kind());
            self.answers(LOOK).then_some(())
        });
    }
}

/// What a server printed may explain a test that fails.
impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
        self.kind().clear(&self.place);
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            let shown = &lines[lines.len().saturating_sub(30)..];
            eprintln!("---- the last that {} printed\n{}\n----", self.kind(), shown.join("\n"));
        }
    }
}
