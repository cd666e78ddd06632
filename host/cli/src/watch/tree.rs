//! What is in the files that are watched, and which of them have changed.
//!
//! Looked at as a whole each time, in place of following what the system tells of each file: what it tells differs between
//! systems and is lost when there is too much of it, and sources are few. What counts is what is in a file: one that is written
//! anew as it was, as some builds do with what they make, has not changed, so that no build is the cause of the next.

use super::scope::Scope;
use super::watched::Watch;
use crate::failure::Outcome;
use crate::project::LOCKS;
use crate::wit;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata};
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

/// Bytes of a file that are looked at. One that is larger is no source, and has changed when it was written.
const LOOKED_AT: u64 = 16 << 20;

/// Which files there are, and what was in them.
pub(super) struct Tree {
    scope: Scope,
    known: BTreeMap<PathBuf, Stamp>,
}

/// What a file was like.
#[derive(Clone, Copy)]
struct Stamp {
    length: u64,
    written: Option<SystemTime>,
    /// None: it is too large.
    content: Option<u64>,
}

impl Tree {
    /// The files as they are now.
    pub(super) fn new(scope: Scope, watch: &mut impl Watch) -> Outcome<Self> {
        let files = files(&scope, watch)?.into_iter();
        let known = files.filter_map(|path| Stamp::compared(&path, None).map(|stamp| (path, stamp)));
        Ok(Self {
            known: known.collect(),
            scope,
        })
    }

    /// What a build has just written by the way is known from now on. The build that it would be the cause of makes the same.
    pub(super) fn built(&mut self, watch: &mut impl Watch) -> Outcome<()> {
        let root = self.scope.root().to_owned();
        for path in files(&self.scope, watch)? {
            let within = path.strip_prefix(&root).unwrap_or(&path);
            if !is_of_a_build(within, &path) {
                continue;
            }
            if let Some(stamp) = Stamp::compared(&path, self.known.get(&path).copied()) {
                self.known.insert(path, stamp);
            }
        }
        Ok(())
    }

    /// The files that came, went or have other contents since the last time.
    pub(super) fn changed(&mut self, watch: &mut impl Watch) -> Outcome<Vec<PathBuf>> {
        let mut before = std::mem::take(&mut self.known);
        let mut changed = Vec::new();
        for path in files(&self.scope, watch)? {
            let Some(new) = Stamp::compared(&path, before.get(&path).copied()) else {
                // It went just now, or is the one that is watched and has gone.
                continue;
            };
            let old = before.remove(&path);
            if old.is_none_or(|old| new.differs(old)) {
                changed.push(path.clone());
            }
            self.known.insert(path, new);
        }
        changed.extend(before.into_keys());
        let mut changed = without_ignored(self.scope.root(), changed);
        changed.sort();
        Ok(changed)
    }
}

/// Whether a build writes this file, by its path in the project, beside what it is to make: what its tools have taken, and the WIT of
/// this host where it lacked.
fn is_of_a_build(within: &Path, path: &Path) -> bool {
    if let Ok(of_wit) = within.strip_prefix("wit") {
        return fs::read(path).is_ok_and(|contents| wit::is_as_written(of_wit, &contents));
    }
    LOCKS.iter().any(|lock| within == Path::new(lock))
}

/// All files that are watched. Their folders are watched before they are read, so that nothing comes between.
fn files(scope: &Scope, watch: &mut impl Watch) -> Outcome<Vec<PathBuf>> {
    let root = scope.root();
    if !root.is_dir() {
        watch.folder(root.parent().unwrap_or(root))?;
        return Ok(vec![root.to_owned()]);
    }
    let (mut files, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        watch.folder(&folder)?;
        // One that went meanwhile has no files.
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if !scope.has(&path) || kind.is_symlink() => {}
                Ok(kind) if kind.is_dir() => folders.push(path),
                Ok(_) => files.push(path),
                Err(_) => {}
            }
        }
    }
    Ok(files)
}

impl Stamp {
    /// Of a file, if it is there.
    fn unread(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok().filter(Metadata::is_file)?;
        Some(Self {
            length: metadata.len(),
            written: metadata.modified().ok(),
            content: None,
        })
    }

    /// The same, with its content unless it was not written since.
    fn compared(path: &Path, old: Option<Self>) -> Option<Self> {
        let new = Self::unread(path)?;
        let content = match old {
            Some(old) if old.was_written_with(new) => old.content,
            _ => content(path, new.length),
        };
        Some(Self { content, ..new })
    }

    fn was_written_with(self, other: Self) -> bool {
        (self.length, self.written) == (other.length, other.written)
    }

    fn differs(self, old: Self) -> bool {
        match (self.content, old.content) {
            (Some(new), Some(old)) => new != old,
            _ => !self.was_written_with(old),
        }
    }
}

/// A number for what is in a file, unless it is too large.
fn content(path: &Path, length: u64) -> Option<u64> {
    let mut bytes = Vec::new();
    let read = |file: File| file.take(LOOKED_AT).read_to_end(&mut bytes);
    let read: io::Result<usize> = File::open(path).and_then(read);
    (length <= LOOKED_AT && read.is_ok()).then(|| digest(&bytes))
}

/// A number for bytes, by which one tells whether they are others.
pub(super) fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

/// Those of them that git does not ignore. All of them where there is no git, or no repository.
fn without_ignored(root: &Path, paths: Vec<PathBuf>) -> Vec<PathBuf> {
    if paths.is_empty() || !root.is_dir() {
        return paths;
    }
    let Ok(answer) = ignored(root, &paths) else {
        return paths;
    };
    let ignored: BTreeSet<_> = answer.split(|byte| *byte == 0).collect();
    let is_kept = |path: &PathBuf| !ignored.contains(path.as_os_str().as_encoded_bytes());
    paths.into_iter().filter(is_kept).collect()
}

/// What git says of paths: those that it ignores, a zero behind each.
fn ignored(root: &Path, paths: &[PathBuf]) -> io::Result<Vec<u8>> {
    let mut git = Command::new("git")
        .args(["check-ignore", "--stdin", "-z"])
        .current_dir(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let paths = paths.iter().map(|path| path.as_os_str().as_encoded_bytes());
    let asked: Vec<_> = paths.flat_map(|path| [path, b"\0"].concat()).collect();
    let stdin = git.stdin.take();
    std::thread::scope(|scope| {
        // Beside reading: git answers while it is asked. Where there is no repository it does not read.
        scope.spawn(|| stdin.map(|mut stdin| stdin.write_all(&asked)));
        git.wait_with_output().map(|output| output.stdout)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    /// Watches nothing: a look needs no telling.
    struct Nobody;

    impl Watch for Nobody {
        fn folder(&mut self, _folder: &Path) -> Outcome<()> {
            Ok(())
        }
    }

    struct Project {
        folder: TempDir,
        tree: Tree,
    }

    impl Project {
        fn with(files: &[(&str, &str)]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            for (path, text) in files {
                write(folder.path(), path, text);
            }
            let scope = Scope::new(folder.path().to_owned(), &[]);
            let tree = Tree::new(scope, &mut Nobody).unwrap();
            Self { folder, tree }
        }

        fn write(&self, path: &str, text: &str) {
            write(self.folder.path(), path, text);
        }

        fn changed(&mut self) -> Vec<String> {
            let changed = self.tree.changed(&mut Nobody).unwrap();
            let within = changed
                .iter()
                .map(|path| path.strip_prefix(self.folder.path()).unwrap());
            within.map(|path| path.display().to_string()).collect()
        }
    }

    fn write(folder: &Path, path: &str, text: &str) {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn what_comes_goes_and_becomes_another_has_changed() {
        let mut project = Project::with(&[("app.py", "1"), ("src/a.rs", "1"), ("src/b.rs", "1")]);
        assert_eq!(project.changed(), [""; 0]);
        project.write("app.py", "22");
        project.write("new/folder/c.rs", "1");
        fs::remove_file(project.folder.path().join("src/b.rs")).unwrap();
        assert_eq!(project.changed(), ["app.py", "new/folder/c.rs", "src/b.rs"]);
        assert_eq!(project.changed(), [""; 0]);
    }

    #[test]
    fn a_file_that_is_written_as_it_was_has_not_changed() {
        let mut project = Project::with(&[]);
        project.write("made.rs", "same");
        assert_eq!(project.changed(), ["made.rs"]);
        let made = project.folder.path().join("made.rs");
        let file = File::options().write(true).open(&made).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(project.changed(), [""; 0]);
        // Of the same length, which alone tells nothing.
        project.write("made.rs", "SAME");
        assert_eq!(project.changed(), ["made.rs"]);
    }

    #[test]
    fn a_file_that_was_there_before_and_is_written_as_it_was_has_not_changed() {
        let mut project = Project::with(&[("made.rs", "same")]);
        let made = project.folder.path().join("made.rs");
        let file = File::options().write(true).open(&made).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(project.changed(), [""; 0]);
    }

    #[test]
    fn what_a_build_writes_by_the_way_has_not_changed_and_all_else_has() {
        let mut project = Project::with(&[("app.js", "1"), ("Cargo.lock", "1")]);
        // Before the build, by somebody.
        project.write("app.js", "2");
        for lock in ["Cargo.lock", "package-lock.json"] {
            project.write(lock, "2");
        }
        wit::write(&project.folder.path().join("wit")).unwrap();
        project.write("wit/app.wit", "world app {}");
        project.write("wit/deps/mine/package.wit", "package my:own;");
        project.write("deeper/Cargo.lock", "1");
        project.tree.built(&mut Nobody).unwrap();
        assert_eq!(
            project.changed(),
            [
                "app.js",
                "deeper/Cargo.lock",
                "wit/app.wit",
                "wit/deps/mine/package.wit"
            ]
        );
        // After it.
        project.write("package-lock.json", "3");
        project.write("wit/package.wit", "package my:own;");
        assert_eq!(project.changed(), ["package-lock.json", "wit/package.wit"]);
    }

    #[test]
    fn what_git_ignores_has_not_changed() {
        let mut project = Project::with(&[(".gitignore", "/out/\n*.log\n")]);
        let git = Command::new("git")
            .arg("init")
            .current_dir(project.folder.path())
            .output();
        assert!(git.unwrap().status.success());
        for path in ["out/made.rs", "deep/app.log", "deep/app.rs"] {
            project.write(path, "1");
        }
        assert_eq!(project.changed(), ["deep/app.rs"]);
    }
}
