//! The files below a folder of the user's own that a build may read: packages, and what they embed.

use crate::BuildError;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Folders of version control: Go embeds nothing of them.
const OF_VERSION_CONTROL: [&str; 4] = [".bzr", ".git", ".hg", ".svn"];

/// The files, by their paths within the folder and in the order of these; but for tests. Links are followed, as Go follows
/// them, into each folder once. What this user may not read is left out: Go may not read it either.
pub(crate) fn files(root: &Path) -> Result<Vec<PathBuf>, BuildError> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        if !seen.insert(folder.canonicalize().map_err(BuildError::files(&folder))?) {
            continue;
        }
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => continue,
            entries => entries.map_err(BuildError::files(&folder))?,
        };
        for entry in entries {
            let path = entry.map_err(BuildError::files(&folder))?.path();
            // None of a link that leads nowhere.
            let Ok(metadata) = fs::metadata(&path) else { continue };
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if metadata.is_dir() && !OF_VERSION_CONTROL.contains(&&*name) {
                folders.push(path);
            } else if metadata.is_file() && !name.ends_with("_test.go") && may_be_read(&path) {
                found.push(path.strip_prefix(root).unwrap_or(&path).to_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

fn may_be_read(file: &Path) -> bool {
    !File::open(file).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    fn names(root: &Path) -> Vec<String> {
        let files = files(root).unwrap();
        files.iter().map(|file| file.display().to_string()).collect()
    }

    #[test]
    fn files_of_all_folders_are_found_but_for_tests_and_version_control() {
        let root = tempfile::tempdir().unwrap();
        for file in [
            ".git/config",
            "go.mod",
            "internal/deep/.hidden",
            "internal/deep/a.go",
            "internal/deep/a_test.go",
            "store.go",
            "texts/a.txt",
        ] {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        assert_eq!(
            names(root.path()),
            [
                "go.mod",
                "internal/deep/.hidden",
                "internal/deep/a.go",
                "store.go",
                "texts/a.txt"
            ]
        );
    }

    #[test]
    fn links_are_followed_once_and_what_is_no_file_is_left_out() {
        let (root, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(other.path().join("a.go"), "").unwrap();
        symlink(other.path(), root.path().join("other")).unwrap();
        symlink(other.path().join("a.go"), root.path().join("b.go")).unwrap();
        symlink(root.path(), root.path().join("again")).unwrap();
        symlink("/nowhere", root.path().join("nowhere.go")).unwrap();
        let _socket = UnixListener::bind(root.path().join("socket")).unwrap();
        assert_eq!(names(root.path()), ["b.go", "other/a.go"]);
    }
}
