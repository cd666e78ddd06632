//! Which files are watched: sources, as far as that can be told by a name.

use std::path::{Path, PathBuf};

/// What builds make and fetch in the root of a project, by the names that the tools of all languages here have for it. Deeper
/// down, `build` may well be somebody's module.
const NOT_IN_ROOT: [&str; 5] = ["bindings", "build", "dist", "target", "vendor"];

/// The same, wherever it is.
const NOWHERE: [&str; 2] = ["__pycache__", "node_modules"];

/// How the names of files end that SQLite keeps beside a database.
const OF_DATABASE: [&[u8]; 3] = [b"-wal", b"-shm", b"-journal"];

/// The files of a folder, or one file.
#[derive(Clone)]
pub(super) struct Scope {
    root: PathBuf,
    /// Files that are somebody else's, and with them those that a database keeps beside its own.
    others: Vec<PathBuf>,
}

impl Scope {
    /// Of a path that is there, without these.
    pub(super) fn new(root: PathBuf, others: &[PathBuf]) -> Self {
        let others = others
            .iter()
            .filter_map(|other| as_the_system_names_it(other))
            .collect();
        Self { root, others }
    }

    /// The folder or file.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Whether a file or folder of this path is watched.
    pub(super) fn has(&self, path: &Path) -> bool {
        let Ok(within) = path.strip_prefix(&self.root) else {
            return false;
        };
        let of_sources = within.iter().enumerate().all(|(depth, name)| {
            let name = name.to_string_lossy();
            is_source(&name) && !(depth == 0 && NOT_IN_ROOT.contains(&&*name))
        });
        of_sources && !self.is_others(path)
    }

    fn is_others(&self, path: &Path) -> bool {
        let path = path.as_os_str().as_encoded_bytes();
        let beside = |other: &PathBuf| path.strip_prefix(other.as_os_str().as_encoded_bytes());
        let mut beside = self.others.iter().filter_map(beside);
        beside.any(|ending| ending.is_empty() || OF_DATABASE.contains(&ending))
    }
}

/// Not hidden, and not what an editor keeps beside a file.
fn is_source(name: &str) -> bool {
    !(name.starts_with(['.', '#']) || name.ends_with('~') || NOWHERE.contains(&name))
}

/// The one path without links that leads to a file, which may not be there yet.
fn as_the_system_names_it(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let folder = path.parent()?.canonicalize().ok()?;
    Some(folder.join(path.file_name()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(others: &[PathBuf]) -> Scope {
        Scope::new(PathBuf::from("/p"), others)
    }

    #[test]
    fn sources_are_watched_and_what_tools_make_is_not() {
        let scope = scope(&[]);
        let has = |path: &str| scope.has(Path::new(path));
        for source in [
            "/p",
            "/p/app.py",
            "/p/src/lib.rs",
            "/p/src/build/mod.rs",
            "/p/src/target",
            "/p/wit/a.wit",
        ] {
            assert!(has(source), "{source}");
        }
        for made in [
            "/p/target",
            "/p/target/release/app.wasm",
            "/p/build/app.wasm",
            "/p/src/__pycache__/app.pyc",
            "/p/web/node_modules/a/index.js",
            "/p/.git/index",
            "/p/src/.lib.rs.swp",
            "/p/src/lib.rs~",
            "/p/#app.py#",
            "/q/app.py",
        ] {
            assert!(!has(made), "{made}");
        }
    }

    #[test]
    fn what_belongs_to_a_store_is_not_watched_also_before_it_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let scope = Scope::new(root.clone(), &[root.join("state")]);
        for file in ["state", "state-wal", "state-shm", "state-journal"] {
            assert!(!scope.has(&root.join(file)), "{file}");
        }
        for file in ["state.rs", "state_error.rs", "state-wal.rs", "stat"] {
            assert!(scope.has(&root.join(file)), "{file}");
        }
    }

    #[test]
    fn a_file_is_watched_alone() {
        let scope = Scope::new(PathBuf::from("/p/.hidden/app.wasm"), &[]);
        assert!(scope.has(Path::new("/p/.hidden/app.wasm")));
        assert!(!scope.has(Path::new("/p/.hidden/app.wasm.new")));
    }
}
