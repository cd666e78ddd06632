//! What a process holds in memory.

use anyhow::{Context, Result};

/// The resident memory of a process, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resident {
    /// `VmRSS`.
    pub(super) total: u64,
    /// The part that no other process shares.
    pub(super) private: u64,
}

impl Resident {
    pub(super) fn of(process: u32) -> Result<Self> {
        let read = |file: &str| {
            let path = format!("/proc/{process}/{file}");
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
        };
        let (status, rollup) = (read("status")?, read("smaps_rollup")?);
        let private = field(&rollup, "Private_Clean")? + field(&rollup, "Private_Dirty")?;
        Ok(Self {
            total: field(&status, "VmRSS")?,
            private,
        })
    }
}

/// A field of `/proc` in bytes: `NAME: NUMBER kB`.
pub(super) fn field(text: &str, name: &str) -> Result<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    Ok(number.with_context(|| format!("there is no {name} in:\n{text}"))? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_holds_something() {
        let resident = Resident::of(std::process::id()).unwrap();
        assert!(resident.total >= resident.private && resident.private > 0);
    }
}
