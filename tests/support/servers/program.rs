//! Programs of servers and clients: where they are, run to their end.

use crate::launch::Killed;
use crate::output::Output;
use rustix::process::geteuid;
use std::fmt;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Who runs servers where the tests are run by root, which PostgreSQL, MariaDB and memcached refuse: `nobody`, user and
/// group, on every Linux. One user for all, since a server's own one is there only if all of its packages are.
const NOBODY: u32 = 65534;

/// Where Debian keeps what is not on everybody's path.
const POSTGRESQL: &str = "/usr/lib/postgresql";
const FOR_ROOT: &str = "/usr/sbin";

/// A program that did not do what it was to do.
#[derive(Debug)]
pub(super) struct Failed(pub(super) String);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A program that is or prepares a server: never root, killed when the tests end however they do, and told nothing by
/// variables.
pub(super) fn of_server(name: &str) -> Command {
    // It becomes the program, and is there on every Debian.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]);
    if geteuid().is_root() {
        command.arg(format!("--reuid={NOBODY}"));
        command.arg(format!("--regid={NOBODY}")).arg("--clear-groups");
    }
    command.arg("--").arg(find(name));
    bare(command)
}

/// A client's program.
pub(super) fn of_client(name: &str) -> Command {
    bare(Command::new(find(name)))
}

/// Makes a folder theirs who run servers.
pub(super) fn give_to_servers(folder: &Path) {
    if geteuid().is_root() {
        chown(folder, Some(NOBODY), Some(NOBODY)).expect("root may do so");
    }
}

/// What makes a file system theirs, among the options of `mount`.
pub(super) fn mount_options() -> String {
    format!("mode=700,uid={NOBODY},gid={NOBODY}")
}

/// Runs a program to its end and returns what it printed, without the last line's end.
pub(super) fn run(command: &mut Command, within: Duration) -> Result<Vec<u8>, Failed> {
    let started = Instant::now();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let mut stdout = Output::of(child.stdout.take().expect("it is piped"));
    let mut stderr = Output::of(child.stderr.take().expect("it is piped"));
    let mut child = Killed(child);
    let status = loop {
        if let Some(status) = child.0.try_wait().expect("it can be waited for") {
            break status;
        }
        if started.elapsed() > within {
            return Err(Failed(format!("no end within {within:?}")));
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    stdout.finish();
    stderr.finish();
    if !status.success() {
        return Err(Failed(format!("{status}: {}{}", stdout.text(), stderr.text())));
    }
    let mut printed = stdout.bytes().clone();
    if printed.last() == Some(&b'\n') {
        printed.pop();
    }
    Ok(printed)
}

/// The file of a program.
fn find(name: &str) -> PathBuf {
    // PostgreSQL's own folder before the path, where Debian has scripts that choose among versions.
    let mut versions: Vec<_> = std::fs::read_dir(POSTGRESQL).into_iter().flatten().flatten().collect();
    versions.sort_by_key(|version| std::cmp::Reverse(version.file_name()));
    let mut folders: Vec<_> = versions.iter().map(|version| version.path().join("bin")).collect();
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    folders.push(FOR_ROOT.into());
    let found = folders
        .iter()
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("there is no `{name}`: run cargo xtask test"))
}

/// Without variables but the path, since each of these programs takes options from its own; and with text in UTF-8.
fn bare(mut command: Command) -> Command {
    command.env_clear().env("LC_ALL", "C.UTF-8");
    command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command
}
