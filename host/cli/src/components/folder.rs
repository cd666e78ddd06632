//! The folders of installed components and of what was built: whose files decide what the host runs.
//!
//! A store's component sees passwords and values. So its folder is this user's, and nobody else can write to it: else the
//! user is told, and the folder is not used and not repaired, since what lies there may have been planted.

use crate::failure::{Failure, Outcome};
use dapr_code_cache::CodeCache;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A folder, or a file in it, that is not used.
#[derive(Debug, thiserror::Error)]
pub(super) enum FolderError {
    /// Another user owns it.
    #[error("`{}` belongs to user {owner}, and this is user {user}", path.display())]
    Owner { path: PathBuf, owner: u32, user: u32 },
    /// Others can write to it.
    #[error("others can write to `{}`, which has mode {mode:04o}", path.display())]
    Writable { path: PathBuf, mode: u32 },
    /// It cannot be read, or not be made.
    #[error("cannot use `{}`", path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl FolderError {
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    /// What to do about it, where this variable names the place.
    pub(super) fn help(&self, variable: &str) -> String {
        let elsewhere = format!("name another place with {variable}");
        match self {
            Self::Owner { .. } | Self::Writable { .. } => {
                format!("make it yours alone (chown, chmod go-w), or {elsewhere}")
            }
            Self::Io { .. } => elsewhere,
        }
    }
}

/// What names the place of installed components, and that of built ones.
pub(crate) const DATA: &str = "XDG_DATA_HOME";
pub(crate) const CACHE: &str = "XDG_CACHE_HOME";

/// Where components are installed: `$XDG_DATA_HOME/dapr-wasm/components`, else `$HOME/.local/share/dapr-wasm/components`.
pub(crate) fn installed() -> Option<PathBuf> {
    below_data_home(std::env::var_os("XDG_DATA_HOME"), std::env::var_os("HOME"))
}

/// Where built components are kept: beside compiled code.
pub(crate) fn built() -> Option<PathBuf> {
    CodeCache::default_dir().map(|code| code.with_file_name("go"))
}

/// A relative path counts as unset: <https://specifications.freedesktop.org/basedir-spec/latest/>.
fn below_data_home(xdg_data_home: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    let absolute = |value: OsString| Some(PathBuf::from(value)).filter(|path| path.is_absolute());
    let data = xdg_data_home
        .and_then(absolute)
        .or_else(|| Some(home.and_then(absolute)?.join(".local/share")))?;
    Some(data.join("dapr-wasm/components"))
}

/// Whether the folder is there.
///
/// # Errors
///
/// If it is and cannot be used.
pub(super) fn is_there(path: &Path) -> Result<bool, FolderError> {
    match fs::metadata(path) {
        Ok(metadata) => check(path, &metadata).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(FolderError::io(path)(source)),
    }
}

/// The bytes of all that is in a folder, which this variable names; none if it is not there yet.
///
/// # Errors
///
/// If it cannot be used.
pub(crate) fn bytes(path: &Path, variable: &str) -> Outcome<u64> {
    let there = is_there(path).and_then(|there| match there {
        true => bytes_in(path).map_err(FolderError::io(path)),
        false => Ok(0),
    });
    there.map_err(|error| Failure::usage(&error).caused(&error).help(error.help(variable)))
}

/// Makes the folder, for this user alone, where it is missing.
#[cfg(feature = "go-components")]
pub(super) fn make(path: &Path) -> Result<(), FolderError> {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(path).map_err(FolderError::io(path))?;
    is_there(path).map(|_| ())
}

/// Whether nobody but this user can have changed what this belongs to.
pub(super) fn check(path: &Path, metadata: &Metadata) -> Result<(), FolderError> {
    let (owner, user) = (metadata.uid(), rustix::process::geteuid().as_raw());
    let path = path.to_owned();
    if owner != user {
        return Err(FolderError::Owner { path, owner, user });
    }
    match metadata.mode() & 0o7777 {
        mode if mode & 0o022 != 0 => Err(FolderError::Writable { path, mode }),
        _ => Ok(()),
    }
}

/// Gives a file of a folder its contents, or leaves it as it was.
#[cfg(feature = "go-components")]
pub(super) fn write(path: &Path, contents: &[u8]) -> Result<(), FolderError> {
    let mut new = path.as_os_str().to_owned();
    new.push(format!(".{}.new", std::process::id()));
    let new = PathBuf::from(new);
    let written = fs::write(&new, contents).and_then(|()| fs::rename(&new, path));
    written.map_err(|source| {
        // What is left says nothing.
        let _ = fs::remove_file(&new);
        FolderError::io(path)(source)
    })
}

/// What was removed.
#[derive(Default)]
pub(crate) struct Removed {
    pub(crate) components: usize,
    /// Of components and their licences.
    pub(crate) bytes: u64,
    /// Of what Go had compiled, and of builds that were broken off.
    pub(crate) of_go: u64,
}

/// Removes what was built and is not installed, what Go compiled for it, and what was left of builds that were broken off.
pub(crate) fn clean() -> Outcome<Removed> {
    let mut removed = Removed::default();
    let Some(folder) = built() else {
        return Ok(removed);
    };
    let failed = |error: FolderError| Failure::run(&error).caused(&error);
    if !is_there(&folder).map_err(failed)? {
        return Ok(removed);
    }
    let cannot = |source| failed(FolderError::io(&folder)(source));
    for entry in fs::read_dir(&folder).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        let (path, metadata) = (entry.path(), entry.metadata().map_err(cannot)?);
        if metadata.is_dir() {
            removed.of_go += bytes_in(&path).map_err(cannot)?;
            fs::remove_dir_all(&path).map_err(cannot)?;
            continue;
        }
        fs::remove_file(&path).map_err(cannot)?;
        removed.bytes += metadata.len();
        removed.components += usize::from(path.extension().is_some_and(|kind| kind == "wasm"));
    }
    Ok(removed)
}

/// The bytes of all files below a folder.
fn bytes_in(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let counted = entry.metadata().and_then(|metadata| match metadata.is_dir() {
            true => bytes_in(&entry.path()),
            false => Ok(metadata.len()),
        });
        bytes += match counted {
            // A build that is under way has removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            counted => counted?,
        };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_default_is_below_the_xdg_data_directory_else_below_home() {
        let path = |xdg: &str, home: &str| {
            let set = |value: &str| (value != "unset").then(|| OsString::from(value));
            below_data_home(set(xdg), set(home)).map(|path| path.display().to_string())
        };
        assert_eq!(path("/xdg", "/home/ann").as_deref(), Some("/xdg/dapr-wasm/components"));
        for ignored in ["unset", "", "relative"] {
            let below_home = Some("/home/ann/.local/share/dapr-wasm/components");
            assert_eq!(path(ignored, "/home/ann").as_deref(), below_home);
            assert_eq!(path(ignored, "unset"), None);
        }
    }

    #[test]
    fn a_folder_that_others_may_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(is_there(folder.path()).unwrap());
        assert!(!is_there(&folder.path().join("none")).unwrap());
        for mode in [0o770, 0o702, 0o777] {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
            let refused = is_there(folder.path());
            assert!(matches!(refused, Err(FolderError::Writable { mode: found, .. }) if found == mode));
        }
    }

    #[test]
    fn a_folder_of_another_user_is_refused() {
        if rustix::process::geteuid().is_root() {
            let folder = tempfile::tempdir().unwrap();
            std::os::unix::fs::chown(folder.path(), Some(12345), None).unwrap();
            assert!(matches!(
                is_there(folder.path()),
                Err(FolderError::Owner { owner: 12345, .. })
            ));
        } else {
            assert!(matches!(
                is_there(Path::new("/")),
                Err(FolderError::Owner { owner: 0, .. })
            ));
        }
    }

    #[cfg(feature = "go-components")]
    #[test]
    fn a_file_is_written_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let (file, within) = (folder.path().join("file"), folder.path().join("made/for/us"));
        write(&file, b"one").unwrap();
        write(&file, b"two").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert!(write(&folder.path().join("none/file"), b"x").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        make(&within).unwrap();
        assert_eq!(fs::metadata(&within).unwrap().mode() & 0o7777, 0o700);
    }
}
