//! A host that runs, and the ways to end it.

use crate::client::{Call, Client, Response};
use crate::launch::{Killed, Launch, Reader};
use crate::output::Output;
use crate::process::Facts;
use crate::raw::Raw;
use crate::wait::{PATIENCE, START, until};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::HashSet;
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::time::Duration;

/// What a host says when its port is open.
const SERVING: &str = "serving http://127.0.0.1:";

/// What it says before, where it is watched.
const HEALTH: &str = "health http://127.0.0.1:";

/// The path that tells how a host is.
const HEALTHZ: &str = "/healthz";

/// A host that serves. Dropping it kills it.
#[derive(Debug)]
pub struct Host {
    process: Killed,
    port: u16,
    client: Client,
    health: Option<u16>,
    stdout: Output,
    stderr: Output,
    launch: Launch,
}

impl Host {
    pub(crate) fn serving(launch: Launch, mut child: Child, reader: Reader) -> Self {
        let stdout = match reader {
            Reader::Test => Output::of(child.stdout.take().expect("it is piped")),
            // It stays in the child, open.
            Reader::Nobody => Output::of(std::io::empty()),
        };
        let stderr = Output::of(child.stderr.take().expect("it is piped"));
        let mut process = Killed(child);
        let port = until("the host to serve", START, || {
            if let Some(line) = stderr.lines_with(SERVING).into_iter().next() {
                return Some(port(&line).expect("a port is a number"));
            }
            let ended = process.0.try_wait().expect("it can be waited for");
            assert!(
                ended.is_none(),
                "the host ended before it served: {ended:?}\n{}",
                stderr.text()
            );
            None
        });
        let health = launch.is_watched.then(|| {
            let line = stderr.wait_for(HEALTH, PATIENCE);
            let port = line.trim_start_matches(HEALTH).trim_end_matches(HEALTHZ);
            port.parse().expect("a port is a number")
        });
        Self {
            process,
            port,
            health,
            client: Client::new(port),
            stdout,
            stderr,
            launch,
        }
    }

    /// A client of it, which may be taken to another thread.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The answer to a GET of `target`.
    pub fn get(&self, target: &str) -> Response {
        self.client.get(target)
    }

    /// A request for `target`.
    pub fn call(&self, method: &str, target: &str) -> Call<'_> {
        self.client.call(method, target)
    }

    /// A connection that says nothing by itself.
    pub fn connect(&self) -> Raw {
        Raw::connect(self.port)
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it tells how it is, on 127.0.0.1.
    ///
    /// # Panics
    ///
    /// If it is not watched.
    pub fn health_port(&self) -> u16 {
        self.health.expect("the host is watched")
    }

    /// How it says that it is.
    ///
    /// # Panics
    ///
    /// If it is not watched.
    pub fn health(&self) -> Response {
        self.health_of(HEALTHZ)
    }

    /// What it says under one of the paths for it.
    ///
    /// # Panics
    ///
    /// If it is not watched.
    pub fn health_of(&self, path: &str) -> Response {
        Client::new(self.health_port()).get(path)
    }

    /// How much it has under way.
    ///
    /// # Panics
    ///
    /// If it is not watched.
    pub fn tasks(&self) -> usize {
        let health = self.health().json();
        let tasks = health.get("tasks").and_then(serde_json::Value::as_u64);
        tasks.expect("it says how many tasks there are") as usize
    }

    /// Where it runs.
    pub fn folder(&self) -> &Path {
        self.launch.folder()
    }

    /// What it printed to its standard output.
    pub fn stdout(&self) -> &Output {
        &self.stdout
    }

    /// What it printed to its standard error: start-up text, log, and what guests print there.
    pub fn stderr(&self) -> &Output {
        &self.stderr
    }

    /// The first line of its standard error that contains `text`, waited for.
    pub fn wait_for_log(&self, text: &str) -> String {
        self.stderr.wait_for(text, PATIENCE)
    }

    /// What it uses now.
    pub fn facts(&self) -> Facts {
        Facts::of(self.process.0.id())
    }

    /// How many components' code it has in its memory.
    ///
    /// # Panics
    ///
    /// If the kernel does not say.
    pub fn codes(&self) -> usize {
        let maps = std::fs::read_to_string(format!("/proc/{}/maps", self.process.0.id())).expect("the process runs");
        // A file is mapped in several pieces: address, rights, offset, device, inode, name.
        let of_code = maps.lines().filter(|line| line.contains(".cwasm"));
        let inodes: HashSet<_> = of_code.filter_map(|line| line.split_whitespace().nth(4)).collect();
        inodes.len()
    }

    /// Whether it does next to nothing for a while.
    pub fn is_idle(&self) -> bool {
        const WHILE: Duration = Duration::from_millis(500);
        let before = self.facts().processor_time;
        std::thread::sleep(WHILE);
        self.facts().processor_time - before < WHILE / 5
    }

    /// Sends SIGTERM, and does not wait.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Sends SIGINT, and does not wait.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Stops it as it is, so that it does nothing until it is resumed.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Sends SIGTERM and waits for the end.
    pub fn stop(mut self) -> ExitStatus {
        self.terminate();
        self.wait(PATIENCE)
    }

    /// Sends SIGKILL and waits for the end.
    pub fn kill(mut self) {
        self.signal(Signal::KILL);
        self.wait(PATIENCE);
    }

    /// Waits for the end. All that was printed is there afterwards.
    ///
    /// # Panics
    ///
    /// Once `deadline` has passed.
    pub fn wait(&mut self, deadline: Duration) -> ExitStatus {
        let process = &mut self.process.0;
        let status = until("the host to end", deadline, || {
            process.try_wait().expect("it can be waited for")
        });
        self.stdout.finish();
        self.stderr.finish();
        status
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.process.0.try_wait().expect("it can be waited for").is_none()
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.process.0);
        kill_process(pid, signal).expect("the process was not waited for yet");
    }
}

/// What a host printed is what explains a test that fails.
impl Drop for Host {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("---- standard error of the host\n{}----", tail(&self.stderr.text()));
        }
    }
}

/// The port in what a host says when it is open, as text or in JSON.
fn port(line: &str) -> Option<u16> {
    let (_, rest) = line.split_once(SERVING)?;
    let end = rest.find(|char: char| !char.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// The end of a text, as much as one reads.
fn tail(text: &str) -> &str {
    const SHOWN: usize = 8 << 10;
    let start = (text.len().saturating_sub(SHOWN)..text.len()).find(|start| text.is_char_boundary(*start));
    start.map_or("", |start| &text[start..])
}
