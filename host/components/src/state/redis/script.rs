//! The scripts, which Redis keeps under the names that it gives them.

/// Reads items.
pub(super) const READ: &str = include_str!("read.lua");

/// Writes items.
pub(super) const WRITE: &str = include_str!("write.lua");

/// Which script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Script {
    Read,
    Write,
}

impl Script {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Read => READ,
            Self::Write => WRITE,
        }
    }
}

/// What Redis calls them: a hash of their text.
#[derive(Clone, Debug)]
pub(super) struct Names {
    pub(super) read: String,
    pub(super) write: String,
}

impl Names {
    pub(super) fn of(&self, script: Script) -> &str {
        match script {
            Script::Read => &self.read,
            Script::Write => &self.write,
        }
    }
}
