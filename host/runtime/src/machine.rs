//! What the machine lets this process have.

use rustix::process::{Resource, getrlimit};
use std::fs;
use std::path::Path;

/// What a machine has that does not say: enough for a hundred small guests.
const UNKNOWN: usize = 4 << 30;

/// Bytes of memory that this process may use: the least limit of its control groups, else the machine's memory.
pub(crate) fn available_memory() -> usize {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| total(&text));
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let group = least_limit(Path::new("/sys/fs/cgroup"), &groups);
    machine.into_iter().chain(group).min().unwrap_or(UNKNOWN)
}

/// Files and sockets that this process may have open.
pub(crate) fn descriptors() -> usize {
    let limit = getrlimit(Resource::Nofile).current;
    limit
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(usize::MAX)
}

/// The machine's memory, from `/proc/meminfo`.
fn total(meminfo: &str) -> Option<usize> {
    let line = meminfo.lines().find(|line| line.starts_with("MemTotal:"))?;
    line.split_whitespace().nth(1)?.parse::<usize>().ok()?.checked_mul(1024)
}

/// The least memory limit of the control groups in `groups`, the text of `/proc/self/cgroup`, and of all above them.
///
/// In a container the file may name groups outside of what is mounted at `root`; the limit then stands at the root itself.
fn least_limit(root: &Path, groups: &str) -> Option<usize> {
    let limits = groups.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        let (mount, file) = match controllers {
            "" => (root.to_owned(), "memory.max"),
            _ if controllers.split(',').any(|name| name == "memory") => (root.join("memory"), "memory.limit_in_bytes"),
            _ => return None,
        };
        let group = mount.join(path.trim_start_matches('/'));
        let limit = |group: &Path| fs::read_to_string(group.join(file)).ok()?.trim().parse().ok();
        group
            .ancestors()
            .take_while(|group| group.starts_with(&mount))
            .filter_map(limit)
            .min()
    });
    limits.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn the_limit_of_a_service_or_of_a_group_above_it_holds() {
        let root = tree(&[
            ("system.slice/orders.service/memory.max", "536870912\n"),
            ("system.slice/memory.max", "max\n"),
        ]);
        let groups = "0::/system.slice/orders.service\n";
        assert_eq!(least_limit(root.path(), groups), Some(512 << 20));
        fs::write(root.path().join("system.slice/memory.max"), "268435456\n").unwrap();
        assert_eq!(least_limit(root.path(), groups), Some(256 << 20));
    }

    #[test]
    fn a_container_that_sees_only_its_own_group_has_the_limit_at_the_root() {
        let root = tree(&[("memory.max", "1073741824\n")]);
        assert_eq!(least_limit(root.path(), "0::/kubepods/pod1/main\n"), Some(1 << 30));
    }

    #[test]
    fn groups_of_the_first_version_count_too() {
        let root = tree(&[("memory/jobs/memory.limit_in_bytes", "134217728\n")]);
        let groups = "4:cpu,cpuacct:/\n3:memory:/jobs/7\n0::/\n";
        assert_eq!(least_limit(root.path(), groups), Some(128 << 20));
        assert_eq!(least_limit(root.path(), "3:cpu:/jobs\n"), None);
    }

    #[test]
    fn the_machines_memory_is_in_kibibytes() {
        assert_eq!(
            total("MemFree: 1 kB\nMemTotal:       24642304 kB\n"),
            Some(24_642_304 * 1024)
        );
    }
}
