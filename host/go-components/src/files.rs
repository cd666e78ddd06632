//! What this crate carries: Go sources, and the contract in WIT.

use crate::BuildError;
use include_dir::{Dir, DirEntry, include_dir};
use std::path::Path;

/// The folder `go/`.
pub(crate) static GO: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/go");
/// The contract: the folder `wit/` of the repository.
pub(crate) static WIT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../wit");
/// What the host has beside it, and the overlay asks for: sockets.
pub(crate) static UNPUBLISHED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../runtime/wit");

/// Writes a folder of this crate to a folder on disk, without its own name.
pub(crate) fn write(from: &Dir<'_>, name: &str, to: &Path) -> Result<(), BuildError> {
    let folder = from
        .get_dir(name)
        .ok_or_else(|| BuildError::Component(format!("this program has no `{name}`")))?;
    for (path, contents) in all(folder) {
        let to = to.join(path.strip_prefix(folder.path()).unwrap_or(path));
        if let Some(parent) = to.parent() {
            std::fs::create_dir_all(parent).map_err(BuildError::files(parent))?;
        }
        std::fs::write(&to, contents).map_err(BuildError::files(&to))?;
    }
    Ok(())
}

/// All files below a folder, in the order of their names.
pub(crate) fn all<'a>(folder: &'a Dir<'a>) -> Vec<(&'a Path, &'a [u8])> {
    let mut files = Vec::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in folder.entries() {
            match entry {
                DirEntry::Dir(dir) => folders.push(dir),
                DirEntry::File(file) => files.push((file.path(), file.contents())),
            }
        }
    }
    files.sort_by_key(|(path, _)| *path);
    files
}

/// Bytes as hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_written_without_its_own_name() {
        let to = tempfile::tempdir().unwrap();
        write(&GO, "pkg", to.path()).unwrap();
        assert!(to.path().join("wit/runtime/runtime.go").is_file());
        assert!(to.path().join("LICENSE").is_file());
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let to = tempfile::tempdir().unwrap();
        assert!(write(&GO, "nothing", to.path()).is_err());
    }
}
