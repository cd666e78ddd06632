//! A server as a child process: started, found at its port, ended.

use anyhow::{Context, Result, anyhow, bail};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A server that is not up by then will not come: compiling a component of Dapr's takes most of a minute.
const START: Duration = Duration::from_secs(300);

/// The host itself gives requests under way 10 s.
const STOP: Duration = Duration::from_secs(15);

/// A running server. Killed when dropped.
pub(super) struct Server {
    name: String,
    child: Child,
    address: SocketAddr,
    printed: Arc<Mutex<String>>,
}

impl Server {
    /// Starts a server that prints `serving http://ADDRESS` to its standard error, and waits for that.
    pub(super) fn start(name: &str, command: &mut Command) -> Result<Self> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {name}: {command:?}"))?;
        let stderr = child.stderr.take();
        let printed = Arc::<Mutex<String>>::default();
        // Complete from here on, so that whatever fails below ends the child.
        let mut server = Self {
            name: name.to_owned(),
            child,
            address: ([0, 0, 0, 0], 0).into(),
            printed: Arc::clone(&printed),
        };
        let (found, address) = channel();
        let stderr = stderr.context("a child has no standard error")?;
        // Read to the end: a server whose pipe is full would stand still. It ends with the child.
        std::thread::spawn(move || read(stderr, &printed, &found));
        server.address = server.wait_for(&address)?;
        Ok(server)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// An error of something done with this server, told with what the server said.
    pub(super) fn failed(&self, error: anyhow::Error) -> anyhow::Error {
        error.context(format!("{} said:\n{}", self.name, self.said()))
    }

    /// Asks it to finish, which it must do in time and without an error.
    pub(super) fn stop(mut self) -> Result<()> {
        crate::tools::output(Command::new("kill").arg(self.id().to_string()))?;
        let asked = Instant::now();
        while asked.elapsed() < STOP {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => bail!(
                    "{} ended with {status} when asked to finish:\n{}",
                    self.name,
                    self.said()
                ),
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        }
        bail!("{} did not finish within {STOP:?}:\n{}", self.name, self.said())
    }

    fn wait_for(&mut self, address: &Receiver<SocketAddr>) -> Result<SocketAddr> {
        let why = match address.recv_timeout(START) {
            Ok(address) => return Ok(address),
            Err(RecvTimeoutError::Timeout) => format!("did not say within {START:?} where it serves"),
            // Its standard error is closed: it has ended, or is about to.
            Err(RecvTimeoutError::Disconnected) => format!("ended with {}", self.child.wait()?),
        };
        Err(anyhow!("{} {why}:\n{}", self.name, self.said()))
    }

    fn said(&self) -> String {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already needs neither.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(stderr: ChildStderr, printed: &Mutex<String>, found: &Sender<SocketAddr>) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        if let Some(address) = served_at(&line) {
            // Whoever waited may have given up.
            let _ = found.send(address);
        }
        let mut printed = printed.lock().unwrap_or_else(PoisonError::into_inner);
        printed.push_str(&line);
        printed.push('\n');
    }
}

/// The address in `serving http://ADDRESS`, which `wasmtime serve` prints as `Serving HTTP on http://ADDRESS/`.
fn served_at(line: &str) -> Option<SocketAddr> {
    let (before, url) = line.split_once("http://")?;
    let serving = before.trim_start().to_ascii_lowercase().starts_with("serving");
    serving
        .then(|| url.trim_end().trim_end_matches('/').parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_what_a_server_prints() {
        let address = Some(([127, 0, 0, 1], 3000).into());
        assert_eq!(served_at("serving http://127.0.0.1:3000"), address);
        assert_eq!(served_at("Serving HTTP on http://127.0.0.1:3000/"), address);
        assert_eq!(served_at("warning: see http://127.0.0.1:3000"), None);
    }

    #[test]
    fn a_server_that_ends_is_an_error_with_what_it_said() {
        let error = Server::start("it", Command::new("sh").args(["-c", "echo no luck >&2; exit 3"])).err();
        let error = error.map(|error| error.to_string()).unwrap_or_default();
        assert_eq!(error, "it ended with exit status: 3:\nno luck\n");
    }
}
