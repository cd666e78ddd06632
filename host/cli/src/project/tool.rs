//! Tools of languages: from which version on apps are built with them, and what they say of themselves.
//!
//! One table for all who ask: what `doctor` calls too old, `build` does not start with. Of Go the releases are exact, since the
//! overlay is made for each, and are those of `dapr_go_components::supported`.

use crate::failure::{Failure, Outcome};
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

/// A tool that is the user's to install.
pub(crate) struct Tool {
    /// What it is called.
    pub(crate) name: &'static str,
    /// The oldest version, its first two parts.
    least: (u32, u32),
    /// How to get it.
    pub(crate) get: &'static str,
}

/// What `wasip2` needs, by which the template speaks HTTP. The target is in 1.82 and later.
pub(crate) const RUST: Tool = Tool {
    name: "Rust",
    least: (1, 87),
    get: "install Rust 1.87 or later: https://rustup.rs",
};

/// What the tools for JavaScript run on.
pub(crate) const NODE: Tool = Tool {
    name: "Node.js",
    least: (20, 0),
    get: "install Node.js 20 or later, with npm: https://nodejs.org",
};

/// What componentize-py runs on.
pub(crate) const PYTHON: Tool = Tool {
    name: "Python",
    least: (3, 10),
    get: "install Python 3.10 or later: https://www.python.org",
};

impl Tool {
    /// Whether what it says of its version is below the oldest. What says no number is taken as it is.
    pub(crate) fn is_too_old(&self, version: &str) -> bool {
        let mut parts = number(version).split('.').map_while(|part| part.parse::<u32>().ok());
        let major = parts.next();
        major.is_some_and(|major| (major, parts.next().unwrap_or(0)) < self.least)
    }

    /// What is said of one that is too old.
    pub(crate) fn too_old(&self, version: &str) -> String {
        // `1.80.1 (376290515 2024-07-16)`
        let version = number(version).split_whitespace().next().unwrap_or_default();
        format!("{} {version} is too old", self.name)
    }

    /// Refuses to build a folder with one that is too old. That it is not there at all is found when it is started.
    pub(super) fn require(&self, folder: &Path, program: &str) -> Outcome<()> {
        let mut asked = Command::new(program);
        // Which one it is may be the folder's to say, and rustup tells what it fetches then.
        asked.arg("--version").current_dir(folder).stderr(Stdio::inherit());
        match answered(&mut asked) {
            Some(version) if self.is_too_old(&version) => Err(Failure::usage(format!(
                "cannot build `{}`: {}",
                folder.display(),
                self.too_old(&version)
            ))
            .help(self.get)),
            _ => Ok(()),
        }
    }
}

/// The number in a version: `20.1.0` of `v20.1.0`, `3.11.2` of `Python 3.11.2`.
pub(crate) fn number(version: &str) -> &str {
    version.trim_start_matches(|character: char| !character.is_ascii_digit())
}

/// What a tool prints in its first line, if it is there and does what it is asked.
pub(crate) fn said<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(
    tool: impl AsRef<OsStr>,
    arguments: I,
) -> Option<String> {
    answered(Command::new(tool).args(arguments))
}

fn answered(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next().unwrap_or_default().trim().to_owned();
    output.status.success().then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for (tool, version, is) in [
            (NODE, "v20.0.0", false),
            (NODE, "v20.11.1", false),
            (NODE, "v100.0.0", false),
            (NODE, "v18.19.0", true),
            (NODE, "nonsense", false),
            (NODE, "", false),
            (PYTHON, "Python 3.11.2", false),
            (PYTHON, "Python 3.9.2", true),
            (PYTHON, "Python 4.0", false),
            (RUST, "rustc 1.86.0 (05f9846f8 2025-03-31)", true),
            (RUST, "cargo 1.87.0 (99624be96 2025-05-06)", false),
            (RUST, "rustc 1.97.0-nightly (0123456 2026-04-14)", false),
        ] {
            assert_eq!(tool.is_too_old(version), is, "{version}");
        }
    }

    #[test]
    fn how_to_get_a_tool_names_its_oldest_version() {
        for tool in [RUST, NODE, PYTHON] {
            let (major, minor) = tool.least;
            let least = match minor {
                0 => format!("{major}"),
                _ => format!("{major}.{minor}"),
            };
            let names = format!("install {} {least} or later", tool.name);
            assert!(tool.get.starts_with(&names), "{}", tool.get);
        }
    }

    #[test]
    fn what_is_too_old_is_said_by_its_number() {
        let said = RUST.too_old("rustc 1.80.1 (376290515 2024-07-16)");
        assert_eq!(said, "Rust 1.80.1 is too old");
    }
}
