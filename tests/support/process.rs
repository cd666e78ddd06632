//! What the kernel knows of a process, from `/proc`.

use std::path::PathBuf;

/// What a process uses now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Bytes of memory that are in use and resident.
    pub resident: u64,
    /// Open files, sockets and the like.
    pub descriptors: usize,
    /// Threads.
    pub threads: usize,
}

impl Facts {
    /// Of a process that runs.
    pub fn of(pid: u32) -> Self {
        let folder = PathBuf::from(format!("/proc/{pid}"));
        let status = std::fs::read_to_string(folder.join("status")).expect("the process runs");
        let number = |name: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("Linux reports it");
            line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("it is a number")
        };
        Self {
            resident: number("VmRSS:") << 10,
            descriptors: std::fs::read_dir(folder.join("fd")).expect("the process runs").count(),
            threads: number("Threads:") as usize,
        }
    }
}
