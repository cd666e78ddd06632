//! Tools of languages, asked about themselves.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

/// What a tool prints in its first line, if it is there and does what it is asked.
pub(crate) fn said<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(tool: &str, arguments: I) -> Option<String> {
    let output = Command::new(tool).args(arguments).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next().unwrap_or_default().trim().to_owned();
    output.status.success().then_some(line)
}
