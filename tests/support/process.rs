//! What the kernel knows of a process, from `/proc`.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a process uses now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Bytes of memory that are resident.
    pub resident: u64,
    /// Those of them that no file has: compiled code is a file's, and the system takes and gives such pages as it likes.
    pub anonymous: u64,
    /// The most that were ever resident.
    pub resident_at_most: u64,
    /// Open files, sockets and the like.
    pub descriptors: usize,
    /// Those of them that are sockets. Threads that come and go have files, and no sockets.
    pub sockets: usize,
    /// Threads.
    pub threads: usize,
    /// The time that it had a processor, all its threads together.
    pub processor_time: Duration,
}

impl Facts {
    /// Of a process that runs.
    pub fn of(pid: u32) -> Self {
        let folder = PathBuf::from(format!("/proc/{pid}"));
        let status = std::fs::read_to_string(folder.join("status")).expect("the process runs");
        let number = |name: &str| -> u64 {
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .expect("Linux reports it");
            line.split_whitespace()
                .next()
                .and_then(|number| number.parse().ok())
                .expect("it is a number")
        };
        let open = std::fs::read_dir(folder.join("fd")).expect("the process runs");
        // One that was closed meanwhile has no name any more.
        let names: Vec<_> = open
            .map(|entry| entry.and_then(|entry| std::fs::read_link(entry.path())))
            .collect();
        let is_socket = |name: &std::io::Result<PathBuf>| {
            name.as_ref()
                .is_ok_and(|name| name.to_string_lossy().starts_with("socket:"))
        };
        Self {
            resident: number("VmRSS:") << 10,
            anonymous: number("RssAnon:") << 10,
            resident_at_most: number("VmHWM:") << 10,
            descriptors: names.len(),
            sockets: names.iter().filter(|name| is_socket(name)).count(),
            threads: number("Threads:") as usize,
            processor_time: processor_time(&folder.join("stat")),
        }
    }
}

/// Lets this process have as many open files and sockets as the system allows: clients by the thousand need them.
pub fn take_all_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, all).expect("a process may raise its limit that far");
}

fn processor_time(stat: &Path) -> Duration {
    let stat = std::fs::read_to_string(stat).expect("the process runs");
    // The program's name may have anything in it, so that fields are counted from the bracket that ends it.
    let (_, fields) = stat.rsplit_once(')').expect("the name is in brackets");
    // In user mode and in the kernel: fields 14 and 15 of proc(5), of which this text begins with the third.
    let ticks = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<u64>().expect("it is a number"));
    Duration::from_millis(ticks.sum::<u64>() * 1000 / rustix::param::clock_ticks_per_second())
}
