//! A build beside what is served: `dapr-wasm build`, as a process that ends when it is no longer wanted.
//!
//! A process and not a thread, since a tool that runs cannot be told to stop but by a signal, and most tools start others: they
//! are a group of processes of their own, which the signal reaches as a whole. So the host, which gets it when somebody presses
//! Ctrl-C, hands it on.

use crate::args::LOG_FORMAT;
use crate::failure::{Failure, Outcome};
use crate::tell::is_json;
use rustix::process::{Pid, Signal, kill_process_group};
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::{Child, Command};

/// What became of a build.
pub(super) enum Built {
    /// The component is here.
    Component(PathBuf),
    /// There is none, and the tools have said why.
    Failed,
}

/// Builds the project in a folder, its output shown.
///
/// # Errors
///
/// If no process can be started or waited for.
///
/// # Cancel safety
///
/// Dropped before its end, the tools are told to stop.
pub(super) async fn build(folder: &Path) -> Outcome<Built> {
    let cannot = |error: &io::Error| Failure::run("cannot start a build").because(error);
    let program = std::env::current_exe().map_err(|error| cannot(&error))?;
    let mut command = Command::new(program);
    command.arg("build").arg(folder);
    if is_json() {
        command.args([LOG_FORMAT, "json"]);
    }
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| cannot(&error))?;
    let group = Group::of(&child);
    let output = child.wait_with_output().await.map_err(|error| cannot(&error))?;
    group.has_ended();
    if !output.status.success() {
        return Ok(Built::Failed);
    }
    let mut path = output.stdout;
    // A line.
    path.pop();
    Ok(Built::Component(OsString::from_vec(path).into()))
}

/// The processes of a build. Told to stop when dropped, unless they have ended.
struct Group(Option<Pid>);

impl Group {
    fn of(leader: &Child) -> Self {
        let id = leader.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }

    /// The number may be another's from now on.
    fn has_ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // It may have ended just now.
            let _ = kill_process_group(leader, Signal::TERM);
        }
    }
}
