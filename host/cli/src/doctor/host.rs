//! What running apps needs, and what makes it fast.

use super::{Finding, State};
use crate::code::{self, NoCache};
use crate::components::{self, bytes_in, go_cache, installed_in};
use crate::failure::counted;
use crate::size::size;
use dapr_code_cache::DEFAULT_LIMIT;
use dapr_runtime::egress::trusted;
use dapr_runtime::engine::{Allocator, scans_page_maps};
use dapr_runtime::limits::MemoryBudget;
use std::path::Path;

pub(super) fn findings() -> Vec<Finding> {
    vec![
        instances(Allocator::probe()),
        page_maps(scans_page_maps()),
        memory(),
        code_cache(),
        compiled_by_go(),
        components(),
        certificates(),
    ]
}

fn instances(allocator: Allocator) -> Finding {
    const NAME: &str = "instances";
    match allocator {
        Allocator::Pooling => Finding::ok(NAME, "from a pool"),
        _ => Finding::not(
            NAME,
            State::Warning,
            "made on demand, since there is no address space for a pool: requests take two to four times longer",
            "`ulimit -v unlimited` lifts the limit that is most often set",
        ),
    }
}

fn page_maps(are_scanned: bool) -> Finding {
    const NAME: &str = "page maps";
    match are_scanned {
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
    let most = MemoryBudget::of_this_machine().max() as u64;
    let says = format_args!("{} for all guests together, half of what there is", size(most));
    Finding::ok("memory", says).bytes(most)
}

fn code_cache() -> Finding {
    const NAME: &str = "code cache";
    match code::cache_folder() {
        Ok(folder) => {
            let (count, bytes) = walk::files(&folder);
            let (shown, count, limit) = (folder.display(), counted(count, "file"), size(DEFAULT_LIMIT));
            let says = format!("{shown}: {count} of {}, {limit} at most", size(bytes));
            Finding::ok(NAME, says).path(folder).bytes(bytes)
        }
        Err(NoCache::Unwritable(failure)) => {
            let failure = failure.help("without it each start compiles; name another place with XDG_CACHE_HOME");
            Finding::failed(NAME, State::Warning, &failure)
        }
        Err(NoCache::Refused(failure)) => Finding::failed(NAME, State::Error, &failure),
    }
}

/// What Go keeps of its builds, for apps and for Dapr's own components. Nothing bounds it.
fn compiled_by_go() -> Finding {
    const NAME: &str = "Go's cache";
    let Some(folder) = go_cache() else {
        return Finding::not(
            NAME,
            State::Warning,
            "there is no place for what Go compiles",
            "set HOME or XDG_CACHE_HOME",
        );
    };
    let bytes = match bytes_in(&folder, components::CACHE) {
        Ok(bytes) => bytes,
        Err(failure) => return Finding::failed(NAME, State::Warning, &failure).path(folder),
    };
    let rest = std::env::var("GOCACHE").ok().filter(|place| !place.is_empty());
    let rest = rest.map_or(String::new(), |place| {
        format!("; the rest is in {place}, which GOCACHE names")
    });
    let says = format!("{}: {}, without a limit{rest}", folder.display(), size(bytes));
    let finding = Finding::ok(NAME, says).path(folder).bytes(bytes);
    match bytes {
        0 => finding,
        _ => finding.help("`dapr-wasm cache clean` gives it back, and what is in the code cache"),
    }
}

fn components() -> Finding {
    const NAME: &str = "components";
    let Some(folder) = installed_in() else {
        return Finding::not(
            NAME,
            State::Warning,
            "there is no place for Dapr's own components",
            "set HOME or XDG_DATA_HOME",
        );
    };
    let bytes = match bytes_in(&folder, components::DATA) {
        Ok(bytes) => bytes,
        Err(failure) => return Finding::failed(NAME, State::Warning, &failure).path(folder),
    };
    let (shown, count) = (folder.display(), counted(walk::named(&folder, "wasm"), "component"));
    let says = format!("{shown}: {count}, {}", size(bytes));
    Finding::ok(NAME, says).path(folder).bytes(bytes)
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

    /// How many have this ending.
    pub(super) fn named(folder: &Path, extension: &str) -> usize {
        let has_it = |entry: &DirEntry| entry.path().extension().is_some_and(|found| found == extension);
        sum(folder, has_it).0
    }

    fn sum(folder: &Path, counts: impl Fn(&DirEntry) -> bool) -> (usize, u64) {
        // A folder that is not there yet has no files.
        let entries = read_dir(folder).into_iter().flatten().flatten().filter(counts);
        let sizes = entries.filter_map(|entry| entry.metadata().ok().filter(|facts| facts.is_file()));
        sizes.fold((0, 0), |(count, bytes), facts| (count + 1, bytes + facts.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What differs from machine to machine. Its words on this one are a case of the command line's tests.
    #[test]
    fn what_makes_requests_slower_is_a_warning_with_what_to_do() {
        for finding in [instances(Allocator::OnDemand), page_maps(false)] {
            assert_eq!(finding.state, State::Warning);
            assert!(finding.says.contains("longer") && finding.help.is_some(), "{finding:?}");
        }
        for finding in [instances(Allocator::Pooling), page_maps(true)] {
            assert_eq!((finding.state, finding.help), (State::Ok, None));
        }
    }
}
