//! What running apps needs, and what makes it fast.

use super::{Finding, State};
use crate::code;
use crate::components::installed_in;
use crate::failure::counted;
use crate::size::size;
use dapr_code_cache::DEFAULT_LIMIT;
use dapr_runtime::egress::trusted;
use dapr_runtime::engine::{Allocator, scans_page_maps};
use dapr_runtime::limits::MemoryBudget;
use std::path::Path;

pub(super) fn findings() -> Vec<Finding> {
    vec![
        instances(),
        page_maps(),
        memory(),
        code_cache(),
        components(),
        certificates(),
    ]
}

fn instances() -> Finding {
    const NAME: &str = "instances";
    match Allocator::probe() {
        Allocator::Pooling => Finding::ok(NAME, "from a pool"),
        _ => Finding::not(
            NAME,
            State::Warning,
            "made on demand, since there is no address space for a pool: requests take two to four times longer",
            "`ulimit -v unlimited` lifts the limit that is most often set",
        ),
    }
}

fn page_maps() -> Finding {
    const NAME: &str = "page maps";
    match scans_page_maps() {
        true => Finding::ok(NAME, "the kernel scans them"),
        false => Finding::not(
            NAME,
            State::Warning,
            "the kernel cannot scan them: fresh instances take about a third longer",
            "Linux 6.7 and later can",
        ),
    }
}

fn memory() -> Finding {
    let most = size(MemoryBudget::of_this_machine().max() as u64);
    Finding::ok(
        "memory",
        format_args!("{most} for all guests together, half of what there is"),
    )
}

fn code_cache() -> Finding {
    const NAME: &str = "code cache";
    match code::cache_folder() {
        Ok(folder) => {
            let (count, bytes) = walk::files(&folder);
            let (count, limit) = (counted(count, "file"), size(DEFAULT_LIMIT));
            Finding::ok(
                NAME,
                format_args!("{}: {count} of {}, {limit} at most", folder.display(), size(bytes)),
            )
        }
        Err(failure) => Finding::not(
            NAME,
            State::Warning,
            failure.message(),
            "without it each start compiles; name another place with XDG_CACHE_HOME",
        ),
    }
}

fn components() -> Finding {
    const NAME: &str = "components";
    match installed_in() {
        Some(folder) => {
            let (count, _) = walk::named(&folder, "wasm");
            Finding::ok(
                NAME,
                format_args!("{}: {}", folder.display(), counted(count, "component")),
            )
        }
        None => Finding::not(
            NAME,
            State::Warning,
            "there is no place for Dapr's own components",
            "set HOME or XDG_DATA_HOME",
        ),
    }
}

fn certificates() -> Finding {
    const NAME: &str = "certificates";
    match trusted() {
        0 => Finding::not(
            NAME,
            State::Warning,
            "the system trusts nobody: TLS with servers fails",
            "install ca-certificates, or name a file with SSL_CERT_FILE",
        ),
        count => Finding::ok(NAME, format_args!("{count} that the system trusts")),
    }
}

/// Files of a folder.
mod walk {
    use super::Path;
    use std::fs::{DirEntry, read_dir};

    /// How many there are, and their bytes.
    pub(super) fn files(folder: &Path) -> (usize, u64) {
        sum(folder, |_| true)
    }

    /// Those with this ending.
    pub(super) fn named(folder: &Path, extension: &str) -> (usize, u64) {
        sum(folder, |entry| {
            entry.path().extension().is_some_and(|found| found == extension)
        })
    }

    fn sum(folder: &Path, counts: impl Fn(&DirEntry) -> bool) -> (usize, u64) {
        // A folder that is not there yet has no files.
        let entries = read_dir(folder).into_iter().flatten().flatten().filter(counts);
        let sizes = entries.filter_map(|entry| entry.metadata().ok().filter(|facts| facts.is_file()));
        sizes.fold((0, 0), |(count, bytes), facts| (count + 1, bytes + facts.len()))
    }
}
