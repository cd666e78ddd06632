//! A host that builds a project and serves it: what it says until then, and when.

use super::shown;
use crate::tools;
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Longer than any language's first build takes on a slow machine with a slow network.
const PATIENCE: Duration = Duration::from_secs(900);

/// A host that serves. Killed when dropped.
pub(super) struct Served {
    child: Child,
    lines: Vec<String>,
    /// From its start until the project was built.
    pub(super) built: Duration,
    /// From its start until it served.
    pub(super) serves: Duration,
}

impl Served {
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let begin = Instant::now();
        let mut child = command.spawn().context("the host does not start")?;
        let stderr = child.stderr.take().context("a child has no standard error")?;
        let mut served = Self {
            child,
            lines: Vec::new(),
            built: Duration::ZERO,
            serves: Duration::ZERO,
        };
        let (to, lines) = channel();
        // Read to the end: a host whose pipe is full would stand still.
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = to.send((begin.elapsed(), line));
            }
        });
        served.wait(&lines)?;
        Ok(served)
    }

    fn wait(&mut self, lines: &Receiver<(Duration, String)>) -> Result<()> {
        loop {
            let (when, line) = match lines.recv_timeout(PATIENCE) {
                Ok(said) => said,
                Err(RecvTimeoutError::Timeout) => bail!("the host said nothing for {PATIENCE:?}:\n{}", self.said()),
                Err(RecvTimeoutError::Disconnected) => bail!("the host ended:\n{}", self.said()),
            };
            if self.built.is_zero() && shown::is_of_the_host(&line) {
                self.built = when;
            }
            let is_last = line.starts_with("serving http://");
            self.lines.push(line);
            if is_last {
                self.serves = when;
                return Ok(());
            }
        }
    }

    /// What it said until it served.
    pub(super) fn said(&self) -> String {
        self.lines.join("\n")
    }

    /// Asks it to finish.
    pub(super) fn stop(mut self) -> Result<()> {
        tools::output(Command::new("kill").arg(self.child.id().to_string()))?;
        let status = self.child.wait()?;
        match status.success() {
            true => Ok(()),
            false => bail!("the host ended with {status} when asked to finish"),
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // One that has ended already needs neither.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
