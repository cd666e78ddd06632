//! What leaves the cache: the least recently used above the limit, leftovers, and everything when asked.
//!
//! A file's modification time is the time of its last use; access times are off or coarse on most systems. Only names
//! that this cache makes are ever touched, and files that a process has mapped stay usable for it after removal.

use crate::directory::Directory;
use crate::key::Kind;
use std::fs;
use std::io;
use std::time::{Duration, SystemTime};

/// When a file in the making counts as left over. It is written in one go after compiling, so that a minute would do;
/// but the clocks of machines that share a home may differ. The process id in its name says nothing here, since it may
/// be one of another container or machine.
const LEFT_OVER_AFTER: Duration = Duration::from_secs(60 * 60);

/// What [`CodeCache::clean`](crate::CodeCache::clean) removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// How many files.
    pub files: u64,
    /// How many bytes they had in all.
    pub bytes: u64,
}

/// Removes finished files, the longest unused first, until they have at most `limit` bytes in all, and leftovers.
///
/// The file `keep` stays even if it is larger than the limit by itself.
pub(crate) fn evict(directory: &Directory, limit: u64, keep: &str, now: SystemTime) -> io::Result<()> {
    let (mut code, temporary): (Vec<_>, Vec<_>) = entries(directory)?
        .into_iter()
        .partition(|entry| entry.kind == Kind::Code);
    for entry in temporary {
        if now.duration_since(entry.used).is_ok_and(|age| age > LEFT_OVER_AFTER) {
            remove(directory, &entry)?;
        }
    }
    code.sort_by_key(|entry| entry.used);
    let mut total: u64 = code.iter().map(|entry| entry.bytes).sum();
    for entry in code.iter().filter(|entry| entry.name != keep) {
        if total <= limit {
            break;
        }
        remove(directory, entry)?;
        total = total.saturating_sub(entry.bytes);
    }
    Ok(())
}

/// Removes all files of this cache, finished or not.
pub(crate) fn clean(directory: &Directory) -> io::Result<Cleaned> {
    let mut cleaned = Cleaned::default();
    for entry in entries(directory)? {
        remove(directory, &entry)?;
        cleaned.files += 1;
        cleaned.bytes += entry.bytes;
    }
    Ok(cleaned)
}

/// A file of this cache.
struct Entry {
    name: String,
    kind: Kind,
    bytes: u64,
    used: SystemTime,
}

/// The files of this cache. They are listed by path: wherever it leads by now, removing goes by [`Directory`].
fn entries(directory: &Directory) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for file in fs::read_dir(directory.path())? {
        let file = file?;
        let Some((name, kind)) = file.file_name().into_string().ok().and_then(|name| {
            let kind = Kind::of(&name)?;
            Some((name, kind))
        }) else {
            continue;
        };
        match file.metadata() {
            Ok(metadata) => entries.push(Entry {
                name,
                kind,
                bytes: metadata.len(),
                used: metadata.modified()?,
            }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
    }
    Ok(entries)
}

/// Removes a file that another process may be removing too.
fn remove(directory: &Directory, entry: &Entry) -> io::Result<()> {
    match directory.remove(&entry.name) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use tempfile::TempDir;

    const HOUR: Duration = Duration::from_secs(60 * 60);

    fn cache() -> (TempDir, Directory) {
        let root = tempfile::tempdir().unwrap();
        let directory = Directory::open(root.path()).unwrap();
        (root, directory)
    }

    fn code(digit: char) -> String {
        format!("{}.cwasm", digit.to_string().repeat(64))
    }

    fn temporary(digit: char) -> String {
        format!("{}.tmp-1-0123456789abcdef", digit.to_string().repeat(64))
    }

    /// A file of 100 bytes, last used so long before `now`.
    fn put(root: &TempDir, name: &str, age: Duration, now: SystemTime) {
        let path = root.path().join(name);
        fs::write(&path, [0; 100]).unwrap();
        File::open(&path).unwrap().set_modified(now - age).unwrap();
    }

    fn names(root: &TempDir) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(root.path())
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    // ---- evict ----

    #[test]
    fn the_longest_unused_go_first_and_only_until_the_rest_fits() {
        let ((root, directory), now) = (cache(), SystemTime::now());
        put(&root, &code('a'), HOUR, now);
        put(&root, &code('b'), 4 * HOUR, now);
        put(&root, &code('c'), 2 * HOUR, now);
        put(&root, &code('d'), 3 * HOUR, now);
        evict(&directory, 200, &code('a'), now).unwrap();
        assert_eq!(names(&root), [code('a'), code('c')]);
    }

    #[test]
    fn what_fits_stays() {
        let ((root, directory), now) = (cache(), SystemTime::now());
        put(&root, &code('a'), HOUR, now);
        put(&root, &code('b'), 2 * HOUR, now);
        evict(&directory, 200, &code('a'), now).unwrap();
        assert_eq!(names(&root), [code('a'), code('b')]);
    }

    #[test]
    fn the_file_just_written_stays_even_if_it_is_too_large_and_looks_old() {
        let ((root, directory), now) = (cache(), SystemTime::now());
        put(&root, &code('a'), 9 * HOUR, now);
        put(&root, &code('b'), HOUR, now);
        evict(&directory, 50, &code('a'), now).unwrap();
        assert_eq!(names(&root), [code('a')]);
    }

    #[test]
    fn files_in_the_making_count_as_left_over_after_an_hour() {
        let ((root, directory), now) = (cache(), SystemTime::now());
        put(&root, &temporary('a'), HOUR / 2, now);
        put(&root, &temporary('b'), 2 * HOUR, now);
        evict(&directory, 0, &code('c'), now).unwrap();
        assert_eq!(names(&root), [temporary('a')]);
    }

    #[test]
    fn foreign_files_neither_count_nor_go() {
        let ((root, directory), now) = (cache(), SystemTime::now());
        put(&root, "README", 9 * HOUR, now);
        put(&root, "app.cwasm", 9 * HOUR, now);
        put(&root, &code('a'), HOUR, now);
        evict(&directory, 100, "", now).unwrap();
        assert_eq!(names(&root), ["README".into(), code('a'), "app.cwasm".into()]);
    }

    // ---- clean ----

    #[test]
    fn cleaning_removes_all_files_of_the_cache_and_no_others() {
        let ((root, directory), now) = (cache(), SystemTime::now());
        put(&root, "README", HOUR, now);
        put(&root, &code('a'), HOUR, now);
        put(&root, &temporary('b'), Duration::ZERO, now);
        assert_eq!(clean(&directory).unwrap(), Cleaned { files: 2, bytes: 200 });
        assert_eq!(names(&root), ["README"]);
        assert_eq!(clean(&directory).unwrap(), Cleaned::default());
    }
}
