//! Stores of components-contrib in a native program: `tests/native-go`, which takes and gives lines of JSON.

use anyhow::{Context, Result, anyhow, bail};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// Calls to measure.
pub(super) struct Calls {
    pub(super) operation: &'static str,
    /// They call one after the other each, all at the same time.
    pub(super) callers: u32,
    /// How long.
    pub(super) seconds: u64,
}

/// What was seen of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Seen {
    /// Calls of all callers.
    pub(super) per_second: f64,
    /// What one took, in nanoseconds.
    pub(super) p50: f64,
    pub(super) p99: f64,
}

/// The program, running. Killed when dropped.
pub(super) struct Native {
    child: Child,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Calls {
    /// Bytes of a value.
    pub(super) const SIZE: u32 = 100;
}

impl Seen {
    /// Reads `{"per_second": NUMBER, "p50_ns": NUMBER, "p99_ns": NUMBER}`, wherever that stands.
    pub(super) fn read(text: &str) -> Result<Self> {
        let number = |name: &str| {
            let (_, rest) = text.split_once(&format!("\"{name}\":"))?;
            rest.split([',', '}']).next()?.trim().parse().ok()
        };
        let seen = || {
            Some(Self {
                per_second: number("per_second")?,
                p50: number("p50_ns")?,
                p99: number("p99_ns")?,
            })
        };
        seen().with_context(|| format!("there are no times in {text:?}"))
    }
}

impl Native {
    /// Starts the program and opens a store.
    pub(super) fn start(program: &Path, store: &str, metadata: &[(&str, &str)]) -> Result<Self> {
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("a child has no pipes");
        };
        let native = Self {
            child,
            pipes: Mutex::new((input, BufReader::new(output))),
        };
        let metadata: Vec<_> = metadata
            .iter()
            .map(|(name, value)| format!("{name:?}: {value:?}"))
            .collect();
        native.ask(&format!(
            "{{\"type\": {store:?}, \"metadata\": {{{}}}}}",
            metadata.join(", ")
        ))?;
        Ok(native)
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Has a call answered.
    pub(super) fn touch(&self) -> Result<()> {
        self.ask("{\"do\": \"get\", \"key\": \"native||touched\"}").map(drop)
    }

    /// Has calls measured.
    pub(super) fn load(&self, calls: &Calls) -> Result<Seen> {
        let Calls {
            operation,
            callers,
            seconds,
        } = calls;
        // In a transaction of one, as the component's glue sets in Redis.
        let bench = format!(
            "{{\"operation\": {operation:?}, \"callers\": {callers}, \"seconds\": {seconds}, \"keys\": 1, \"size\": {}, \
             \"inTransaction\": true}}",
            Calls::SIZE
        );
        Seen::read(&self.ask(&format!("{{\"do\": \"bench\", \"bench\": {bench}}}"))?)
    }

    /// Writes a line, and reads the one that answers it.
    fn ask(&self, line: &str) -> Result<String> {
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        let (input, output) = &mut *pipes;
        writeln!(input, "{line}")?;
        let mut answer = String::new();
        match output.read_line(&mut answer)? {
            0 => Err(anyhow!("the native program ended at {line}")),
            _ if answer.contains("\"error\"") => Err(anyhow!("the native program answered {answer}")),
            _ => Ok(answer),
        }
    }
}

impl Drop for Native {
    fn drop(&mut self) {
        // One that has ended already needs neither.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_read_from_either_program() {
        let seen = Seen {
            per_second: 10.5,
            p50: 90.0,
            p99: 100.0,
        };
        for text in [
            r#"{"per_second": 10.5, "p50_ns": 90, "p99_ns": 100}"#,
            r#"{"measured":{"per_second":10.5,"p50_ns":90,"p99_ns":100}}"#,
        ] {
            assert_eq!(Seen::read(text).unwrap(), seen);
        }
        assert!(Seen::read("{}").is_err());
    }
}
