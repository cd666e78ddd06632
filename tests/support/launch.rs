//! How a host is to be started: app, configuration, arguments, folder.

use crate::built;
use crate::host::Host;
use crate::output::Output;
use crate::wait::{START, until};
use rustix::process::geteuid;
use serde_json::Value;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use tempfile::TempDir;

/// Where a configuration is written in the host's folder: where the host looks without being told.
const CONFIGURATION: &str = "components.toml";

/// A host to be started, as often as one likes: each time in the same folder, which goes when the last user does.
#[derive(Clone, Debug)]
#[must_use = "nothing is started yet"]
pub struct Launch {
    app: PathBuf,
    folder: Arc<TempDir>,
    options: Vec<OsString>,
    arguments: Vec<OsString>,
    env: Vec<(String, String)>,
    /// What the shell's `ulimit` is told.
    ulimit: Option<String>,
    /// What the host sees in place of `/etc/hosts`.
    names: Option<PathBuf>,
    reader: Reader,
    log_format: &'static str,
    /// Whether it answers `/healthz`.
    pub(crate) is_watched: bool,
}

/// Who reads what the host prints to its standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// The test, all the time.
    Test,
    /// Nobody, though the pipe is open: as a pager that waits for its user.
    Nobody,
}

/// A host that came to its end by itself.
#[derive(Debug)]
pub struct Ended {
    /// How.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: String,
}

impl Ended {
    /// Its standard output as text.
    ///
    /// # Panics
    ///
    /// If it is none.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("it is text")
    }

    /// A part of the JSON that it printed.
    ///
    /// # Panics
    ///
    /// If it is none.
    pub fn json(&self, pointer: &str) -> Value {
        let all: Value = serde_json::from_str(self.text()).expect("it is JSON");
        all.pointer(pointer).cloned().unwrap_or_default()
    }
}

impl Launch {
    /// The host with a guest of this name, and with the built-in configuration.
    pub fn guest(name: &str) -> Self {
        Self::file(built::guest(name))
    }

    /// The host with an app's file, and with the built-in configuration.
    pub fn file(app: impl Into<PathBuf>) -> Self {
        let folder = tempfile::Builder::new().prefix("dapr-wasm-test-").tempdir();
        Self {
            app: app.into(),
            folder: Arc::new(folder.expect("the system has room for a folder")),
            options: Vec::new(),
            arguments: Vec::new(),
            env: Vec::new(),
            ulimit: None,
            names: None,
            reader: Reader::Test,
            log_format: "text",
            is_watched: false,
        }
    }

    /// Telling all as JSON, an object a line.
    pub fn in_json(self) -> Self {
        Self {
            log_format: "json",
            ..self
        }
    }

    /// With this configuration.
    pub fn components(self, toml: &str) -> Self {
        std::fs::write(self.folder().join(CONFIGURATION), toml).expect("the folder is writable");
        self
    }

    /// With another option of `dapr-wasm run`.
    pub fn option(mut self, option: &str) -> Self {
        self.options.push(option.into());
        self
    }

    /// With another argument for a program.
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// With a variable in the host's own environment. It has no others but `PATH`, `HOME` and its cache's.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With room for this many open files and sockets.
    pub fn descriptors(self, most: usize) -> Self {
        Self {
            ulimit: Some(format!("-n {most}")),
            ..self
        }
    }

    /// With these names in place of those in `/etc/hosts`, as text of such a file: in a mount namespace of the host's own.
    pub fn names(mut self, hosts: &str) -> Self {
        let path = self.folder().join("hosts");
        std::fs::write(&path, hosts).expect("the folder is writable");
        self.names = Some(path);
        self
    }

    /// With this much address space, in GiB.
    pub fn address_space(self, gib: usize) -> Self {
        Self {
            ulimit: Some(format!("-v {}", gib << 20)),
            ..self
        }
    }

    /// With an address that tells how it is, and how much it has under way.
    pub fn watched(self) -> Self {
        Self {
            is_watched: true,
            ..self
        }
    }

    /// With a standard output that is open and that nobody reads.
    pub fn unread(self) -> Self {
        Self {
            reader: Reader::Nobody,
            ..self
        }
    }

    /// Where it runs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts it and waits until it serves.
    ///
    /// # Panics
    ///
    /// If it ends before, or takes too long.
    pub fn start(&self) -> Host {
        let mut command = self.command();
        command.stdin(Stdio::null());
        Host::serving(self.clone(), spawn(&mut command), self.reader)
    }

    /// Runs it to its end, with this standard input.
    ///
    /// # Panics
    ///
    /// If it takes too long.
    pub fn run(&self, stdin: &[u8]) -> Ended {
        ended(&mut self.command(), stdin)
    }

    /// Has the host checked and not run: in text or JSON.
    ///
    /// # Panics
    ///
    /// If it takes too long.
    pub fn check(&self, format: &str) -> Ended {
        let mut command = self.program();
        command.arg("check").arg(&self.app).args(["--format", format]);
        ended(self.here(&mut command), b"")
    }

    /// The host's binary, or a shell that arranges its surroundings and then becomes it.
    fn program(&self) -> Command {
        let limit = self.ulimit.iter().map(|limit| format!("ulimit {limit}"));
        let names = self.names.iter();
        let names = names.map(|names| format!("mount --bind '{}' /etc/hosts", names.display()));
        let mut steps: Vec<_> = limit.chain(names).collect();
        if steps.is_empty() {
            return Command::new(built::binary());
        }
        steps.push("exec \"$0\" \"$@\"".to_owned());
        let mut shell = match self.names {
            Some(_) => {
                let mut unshare = Command::new("unshare");
                if !geteuid().is_root() {
                    unshare.arg("--map-root-user");
                }
                unshare.args(["--mount", "sh"]);
                unshare
            }
            None => Command::new("sh"),
        };
        shell.args(["-c", &steps.join(" && ")]).arg(built::binary());
        shell
    }

    fn command(&self) -> Command {
        let mut command = self.program();
        command
            .arg("run")
            .arg(&self.app)
            .args(["--listen", "0", "--log-format", self.log_format])
            .args(&self.options);
        if self.is_watched {
            command.args(["--admin-listen", "0"]);
        }
        if !self.arguments.is_empty() {
            command.arg("--").args(&self.arguments);
        }
        self.here(&mut command);
        command
    }

    /// In its folder, with its variables.
    fn here<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command
            .env_clear()
            .env("HOME", self.folder())
            .env("XDG_CACHE_HOME", built::cache_home());
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
            .current_dir(self.folder())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
    }
}

/// Runs a command to its end.
fn ended(command: &mut Command, stdin: &[u8]) -> Ended {
    let mut child = spawn(command.stdin(Stdio::piped()));
    let mut stdout = Output::of(child.stdout.take().expect("it is piped"));
    let mut stderr = Output::of(child.stderr.take().expect("it is piped"));
    let mut input = child.stdin.take().expect("it is piped");
    // A host that ends without reading its input closes the pipe.
    let _ = input.write_all(stdin);
    drop(input);
    let mut child = Killed(child);
    let status = until("the host to end", START, || {
        child.0.try_wait().expect("it can be waited for")
    });
    stdout.finish();
    stderr.finish();
    Ended {
        status,
        stdout: stdout.bytes().clone(),
        stderr: stderr.text(),
    }
}

fn spawn(command: &mut Command) -> Child {
    command
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"))
}

/// A process that does not outlive its test.
#[derive(Debug)]
pub(crate) struct Killed(pub(crate) Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
