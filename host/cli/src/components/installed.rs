//! The components that are installed: `.wasm` files in a folder of the user's, each of which says what it is.
//!
//! A component is found by what its file says and not by its name; the name that `components build` gives it is only looked
//! at first, so that a start does not open them all.

use super::folder::{self, FolderError};
use super::manifest::{ManifestError, Said};
use super::name::Name;
use dapr_runtime::providers::sections::Sections;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// A component's file.
#[derive(Clone, Debug)]
pub(super) struct Installed {
    pub(super) file: PathBuf,
    pub(super) bytes: u64,
    pub(super) said: Said,
}

/// Why a file is not taken for a component that is installed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    /// Its folder, or itself, cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// It does not say what it is.
    #[error("`{}` is no component that can be installed", file.display())]
    Manifest { file: PathBuf, source: ManifestError },
}

/// The file of the component of this name; none if none is installed.
pub(super) fn find(name: &Name) -> Result<Option<Installed>, ReadError> {
    let Some(folder) = folder::installed() else {
        return Ok(None);
    };
    if !folder::is_there(&folder)? {
        return Ok(None);
    }
    find_in(&folder, name)
}

fn find_in(folder: &Path, name: &Name) -> Result<Option<Installed>, ReadError> {
    let usual = folder.join(name.file());
    let first = match usual.is_file() {
        true => Some(read_own(&usual)),
        false => None,
    };
    match first {
        Some(Ok(found)) if found.said.name == *name => return Ok(Some(found)),
        Some(Err(error)) => return Err(error),
        _ => {}
    }
    // What is wrong with a file of another component is nobody's business here.
    let (found, _) = all_in(folder)?;
    Ok(found.into_iter().find(|installed| installed.said.name == *name))
}

/// All that are installed, by name, and what is wrong with other files.
pub(super) fn all() -> Result<(Vec<Installed>, Vec<ReadError>), FolderError> {
    match folder::installed() {
        Some(folder) if folder::is_there(&folder)? => all_in(&folder),
        _ => Ok((Vec::new(), Vec::new())),
    }
}

fn all_in(folder: &Path) -> Result<(Vec<Installed>, Vec<ReadError>), FolderError> {
    let cannot = || FolderError::io(folder);
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder).map_err(cannot())? {
        let file = entry.map_err(cannot())?.path();
        if file.extension().is_none_or(|kind| kind != "wasm") {
            continue;
        }
        match read_own(&file) {
            Ok(installed) => found.push(installed),
            Err(error) => wrong.push(error),
        }
    }
    found.sort_by(|one, other| (&one.said.name, &one.file).cmp(&(&other.said.name, &other.file)));
    wrong.sort_by_key(ToString::to_string);
    Ok((found, wrong))
}

/// Reads a file of the folder, which must be this user's as the folder is.
fn read_own(file: &Path) -> Result<Installed, ReadError> {
    let metadata = fs::metadata(file).map_err(FolderError::io(file))?;
    folder::check(file, &metadata)?;
    read(file)
}

/// Reads what a file says of itself.
pub(super) fn read(file: &Path) -> Result<Installed, ReadError> {
    let cannot = || FolderError::io(file);
    let mut open = File::open(file).map_err(cannot())?;
    let sections = Sections::read(&mut open).map_err(cannot())?;
    let bytes = open.metadata().map_err(cannot())?.len();
    let said = Said::read(&sections).map_err(|source| ReadError::Manifest {
        file: file.to_owned(),
        source,
    })?;
    Ok(Installed {
        file: file.to_owned(),
        bytes,
        said,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use dapr_runtime::providers::sections;
    use std::os::unix::fs::PermissionsExt;

    fn name(kind: &str, version: &str) -> Name {
        Name::new(kind, version).unwrap()
    }

    /// A file that says to be this component.
    fn install(folder: &Path, file: &str, name: &Name) {
        let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
        let manifest = format!(
            r#"{{"type":"{}","version":"{}","contrib":"v1.18.4","go":"go1.26.8"}}"#,
            name.kind, name.version
        );
        sections::append(&mut bytes, "dapr:component", manifest.as_bytes());
        fs::write(folder.join(file), bytes).unwrap();
    }

    fn file_of(found: &Installed) -> String {
        found.file.file_name().unwrap().to_string_lossy().into_owned()
    }

    #[test]
    fn a_component_is_found_by_what_its_file_says() {
        let folder = tempfile::tempdir().unwrap();
        let (mongodb, v2) = (name("state.mongodb", "v1"), name("state.postgresql", "v2"));
        install(folder.path(), "downloaded.wasm", &mongodb);
        install(folder.path(), &v2.file(), &v2);
        fs::write(folder.path().join("notes.txt"), "none").unwrap();
        let find = |name: &Name| find_in(folder.path(), name).unwrap().map(|found| file_of(&found));
        assert_eq!(find(&mongodb).as_deref(), Some("downloaded.wasm"));
        assert_eq!(find(&v2).as_deref(), Some("state.postgresql.v2.wasm"));
        assert_eq!(find(&name("state.postgresql", "v1")), None);
        install(folder.path(), &mongodb.file(), &mongodb);
        assert_eq!(
            find(&mongodb).as_deref(),
            Some("state.mongodb.wasm"),
            "its own name comes first"
        );
    }

    #[test]
    fn a_file_that_does_not_say_what_it_is_stands_in_the_way_of_its_own_name_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (mongodb, redis) = (name("state.mongodb", "v1"), name("state.redis", "v1"));
        fs::write(folder.path().join(mongodb.file()), b"\0asm\x0d\0\x01\0").unwrap();
        install(folder.path(), "other.wasm", &redis);
        let error = find_in(folder.path(), &mongodb).unwrap_err().to_string();
        assert!(
            error.ends_with("state.mongodb.wasm` is no component that can be installed"),
            "{error}"
        );
        assert!(find_in(folder.path(), &redis).unwrap().is_some());
        let (found, wrong) = all_in(folder.path()).unwrap();
        assert_eq!((found.len(), wrong.len()), (1, 1));
    }

    #[test]
    fn a_file_that_others_may_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mongodb = name("state.mongodb", "v1");
        install(folder.path(), &mongodb.file(), &mongodb);
        let file = folder.path().join(mongodb.file());
        fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
        let error = find_in(folder.path(), &mongodb).unwrap_err();
        assert!(matches!(
            error,
            ReadError::Folder(FolderError::Writable { mode: 0o666, .. })
        ));
    }
}
