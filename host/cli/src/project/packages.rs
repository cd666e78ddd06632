//! Whether the packages that `package.json` asks for are there, as npm has installed them.
//!
//! The last that npm writes is a list of what it has installed, `node_modules/.package-lock.json`. Where that is missing, an install
//! did not come to its end; where it is older than what was to be installed, somebody has asked for something else since. Of a
//! workspace it is in the folder at its root, and lists the folders of all that belong to it. Times are compared and no versions: git
//! and editors give a file that they change a new one, and an install too many costs a second.
//!
//! What pnpm, Yarn and others have laid is theirs, and never looked into.

use super::javascript::{LOCK, MANIFEST};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Where packages are.
const PACKAGES: &str = "node_modules";

/// What npm has installed there.
const INSTALLED: &str = ".package-lock.json";

/// What other tools write down of what they take.
const LOCKS_OF_OTHERS: [&str; 5] = ["bun.lock", "bun.lockb", "deno.lock", "pnpm-lock.yaml", "yarn.lock"];

/// How much is there of what `package.json` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packages {
    /// Nothing was installed yet.
    None,
    /// Something was, and not all that is asked for now.
    Stale,
    /// All.
    Installed,
}

impl Packages {
    pub(super) fn of(folder: &Path) -> Self {
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let is_there = folder.join(PACKAGES).is_dir();
        match (root(&folder), is_there) {
            _ if is_of_another_tool(&folder) && is_there => Self::Installed,
            (Some(root), _) if is_newer(&root, &folder) => Self::Installed,
            (Some(_), _) | (None, true) => Self::Stale,
            (None, false) => Self::None,
        }
    }
}

/// Where npm has listed what it installed: in the folder, or in that of the workspace which it belongs to.
fn root(folder: &Path) -> Option<PathBuf> {
    let is_root = |above: &&Path| {
        let list = above.join(PACKAGES).join(INSTALLED);
        match folder.strip_prefix(above) {
            Ok(within) if within.as_os_str().is_empty() => list.is_file(),
            Ok(within) => lists(&list, within),
            Err(_) => false,
        }
    };
    folder.ancestors().find(is_root).map(Path::to_owned)
}

/// Whether a list of npm's has a folder of its workspace.
fn lists(list: &Path, folder: &Path) -> bool {
    #[derive(Deserialize)]
    struct List {
        packages: BTreeMap<String, IgnoredAny>,
    }
    let list = fs::read(list).ok();
    let list: Option<List> = list.and_then(|text| serde_json::from_slice(&text).ok());
    list.is_some_and(|list| folder.to_str().is_some_and(|folder| list.packages.contains_key(folder)))
}

/// Whether what npm has installed is newer than what is asked for.
fn is_newer(root: &Path, folder: &Path) -> bool {
    let installed = written(&root.join(PACKAGES).join(INSTALLED));
    let asks = [folder.join(MANIFEST), root.join(MANIFEST), root.join(LOCK)];
    asks.iter().all(|file| written(file) <= installed)
}

/// None is before all others.
fn written(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|file| file.modified()).ok()
}

fn is_of_another_tool(folder: &Path) -> bool {
    let has_lock = |above: &Path| LOCKS_OF_OTHERS.iter().any(|lock| above.join(lock).is_file());
    !folder.join(LOCK).is_file() && folder.ancestors().any(has_lock)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tempfile::TempDir;

    /// A folder with these files, each written a second after the one before.
    fn folder(files: &[(&str, &str)]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (second, (path, text)) in (0..).zip(files) {
            let file = folder.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, text).unwrap();
            let written = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000 + second);
            let file = fs::File::options().append(true).open(&file).unwrap();
            file.set_modified(written).unwrap();
        }
        folder
    }

    const ASKS: (&str, &str) = ("package.json", "{}");
    const TAKES: (&str, &str) = ("package-lock.json", "{}");
    const LISTS: (&str, &str) = ("node_modules/.package-lock.json", "{}");
    const PACKAGE: (&str, &str) = ("node_modules/hono/package.json", "{}");

    #[test]
    fn what_was_installed_before_it_was_asked_for_is_stale() {
        for (files, are) in [
            (&[ASKS][..], Packages::None),
            (&[ASKS, TAKES], Packages::None),
            (&[ASKS, TAKES, PACKAGE, LISTS], Packages::Installed),
            (&[ASKS, PACKAGE, LISTS], Packages::Installed),
            // It was interrupted.
            (&[ASKS, TAKES, PACKAGE], Packages::Stale),
            (&[TAKES, PACKAGE, LISTS, ASKS], Packages::Stale),
            (&[ASKS, PACKAGE, LISTS, TAKES], Packages::Stale),
        ] {
            assert_eq!(Packages::of(folder(files).path()), are, "{files:?}");
        }
    }

    #[test]
    fn what_another_tool_has_installed_is_its_own_affair() {
        for lock in LOCKS_OF_OTHERS {
            let lock = (lock, "");
            let of = |files: &[_]| Packages::of(folder(files).path());
            assert_eq!(of(&[PACKAGE, ASKS, lock]), Packages::Installed, "{lock:?}");
            assert_eq!(of(&[ASKS, lock]), Packages::None, "{lock:?}");
            // Left from before the project came to npm.
            assert_eq!(of(&[lock, PACKAGE, LISTS, ASKS, TAKES]), Packages::Stale, "{lock:?}");
            let above = folder(&[("web/node_modules/a/index.js", ""), ("web/package.json", ""), lock]);
            assert_eq!(Packages::of(&above.path().join("web")), Packages::Installed, "{lock:?}");
        }
    }

    #[test]
    fn of_a_workspace_counts_what_was_installed_for_all() {
        const LISTS_ALL: (&str, &str) = (
            LISTS.0,
            r#"{ "packages": { "node_modules/hono": {}, "apps/web": {} } }"#,
        );
        const WEB: (&str, &str) = ("apps/web/package.json", "{}");
        for (files, are) in [
            (&[WEB, ASKS, TAKES, LISTS_ALL][..], Packages::Installed),
            (&[ASKS, TAKES, LISTS_ALL, WEB], Packages::Stale),
            (&[WEB, TAKES, LISTS_ALL, ASKS], Packages::Stale),
            (&[WEB, ASKS, LISTS_ALL, TAKES], Packages::Stale),
            // It is none of those that the list above has.
            (&[WEB, ASKS, TAKES, LISTS], Packages::None),
        ] {
            let folder = folder(files);
            assert_eq!(Packages::of(&folder.path().join("apps/web")), are, "{files:?}");
        }
    }
}
