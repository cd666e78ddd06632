//! The directory that compiled code lives in, held open so that what was checked is what is used.
//!
//! Everything that is loaded goes through the descriptor of a directory that this user owns and nobody else can write.
//! Whoever can rename one of its parents can make our files disappear, but cannot slip in others: names are resolved
//! in the directory that was checked, not along the path again.
//!
//! Read bits for others are accepted: the files have mode 0600, so that all they show is hashes and sizes. Write bits
//! are refused and not repaired, since what lies there may have been planted.

use crate::CacheError;
use crate::code::CodeFile;
use crate::error::Untrusted;
use crate::key::{Key, random};
use rustix::fs::{Access, AtFlags, Mode, OFlags};
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An open directory whose content this process may execute.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    open: File,
    life: Life,
}

/// What becomes of a directory after its last use.
#[derive(Debug)]
enum Life {
    Kept,
    Temporary,
}

impl Directory {
    /// Opens the directory, which is created with mode 0700 where it is missing, and its parents too.
    pub(crate) fn open(path: &Path) -> Result<Directory, CacheError> {
        let unwritable = |source| CacheError::Unwritable {
            path: path.to_owned(),
            source,
        };
        let path = std::path::absolute(path).map_err(unwritable)?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .map_err(unwritable)?;
        Directory::open_existing(path, Life::Kept)
    }

    /// Makes a directory that goes when the last thing in it has gone.
    ///
    /// The second choice is for read-only containers, which have no `/tmp` but a `/dev/shm`.
    pub(crate) fn temporary() -> Result<Directory, CacheError> {
        let name = format!("dapr-wasm-{}-{:016x}", std::process::id(), random());
        let create = |parent: &Path| {
            let path = parent.join(&name);
            DirBuilder::new().mode(0o700).create(&path).map(|()| path)
        };
        let first = std::env::temp_dir();
        let path = create(&first)
            .or_else(|source| create(Path::new("/dev/shm")).map_err(|_| source))
            .map_err(|source| CacheError::Unwritable { path: first, source })?;
        Directory::open_existing(path, Life::Temporary)
    }

    fn open_existing(path: PathBuf, life: Life) -> Result<Directory, CacheError> {
        let unwritable = |source| CacheError::Unwritable {
            path: path.clone(),
            source,
        };
        let refused = |reason| CacheError::Refused {
            path: path.clone(),
            reason,
        };
        // Looked at by name first, since a directory of somebody else may not even open, and that is the lesser news.
        check(&fs::metadata(&path).map_err(unwritable)?).map_err(refused)?;
        let open = rustix::fs::open(
            &path,
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .map_err(|e| unwritable(e.into()))?;
        let open = File::from(open);
        check(&open.metadata().map_err(unwritable)?).map_err(refused)?;
        rustix::fs::accessat(&open, ".", Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS)
            .map_err(|e| unwritable(e.into()))?;
        Ok(Directory { path, open, life })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a file of this directory if it is one that may be executed; `None` if there is none of that name.
    pub(crate) fn code(&self, name: &str) -> io::Result<Option<CodeFile>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.open, name, flags, Mode::empty()) {
            Ok(descriptor) => File::from(descriptor),
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other(Untrusted::NotAFile));
        }
        check(&metadata).map_err(io::Error::other)?;
        Ok(Some(CodeFile::checked(file)))
    }

    /// Gives a file its final name, in place of the one that may have it.
    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.open, from, &self.open, to)?)
    }

    /// Removes a file. Processes that have it mapped keep it until they end.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.open, name, AtFlags::empty())?)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if let Life::Temporary = self.life {
            // Only an empty directory goes, whatever has been put at the path by now.
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// The place for a file in the making: removed when dropped, unless it has been renamed.
#[derive(Debug)]
pub(crate) struct Partial {
    directory: Arc<Directory>,
    name: String,
}

impl Partial {
    pub(crate) fn new(directory: &Arc<Directory>, key: &Key) -> Partial {
        Partial {
            directory: Arc::clone(directory),
            name: key.temporary_name(),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path.join(&self.name)
    }

    pub(crate) fn code(&self) -> io::Result<Option<CodeFile>> {
        self.directory.code(&self.name)
    }

    pub(crate) fn rename(self, to: &str) -> io::Result<()> {
        self.directory.rename(&self.name, to)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Usually it is not there any more; and what cannot be removed now is swept up later.
        let _ = self.directory.remove(&self.name);
    }
}

/// `$XDG_CACHE_HOME/dapr-wasm/code`, else `$HOME/.cache/dapr-wasm/code`.
///
/// A relative path in `XDG_CACHE_HOME` counts as unset: <https://specifications.freedesktop.org/basedir-spec/latest/>.
pub(crate) fn default_path(xdg_cache_home: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    let absolute = |value: OsString| Some(PathBuf::from(value)).filter(|path| path.is_absolute());
    let cache = xdg_cache_home
        .and_then(absolute)
        .or_else(|| Some(home.and_then(absolute)?.join(".cache")))?;
    Some(cache.join("dapr-wasm").join("code"))
}

/// Whether nobody but this user (and root, who can do anything anyway) can have changed what this belongs to.
fn check(metadata: &Metadata) -> Result<(), Untrusted> {
    let (owner, user) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if owner != user {
        return Err(Untrusted::Owner { owner, user });
    }
    // With access control lists, the group's bits are the most that any entry gives.
    let mode = metadata.mode() & 0o7777;
    if mode & 0o022 != 0 {
        return Err(Untrusted::Writable { mode });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn refusal(path: &Path) -> Untrusted {
        match Directory::open(path) {
            Err(CacheError::Refused { reason, .. }) => reason,
            other => panic!("not refused: {other:?}"),
        }
    }

    // ---- opening ----

    #[test]
    fn a_missing_directory_is_made_for_this_user_alone_and_so_are_its_parents() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("cache/code");
        Directory::open(&path).unwrap();
        assert_eq!((mode(&path), mode(&root.path().join("cache"))), (0o700, 0o700));
    }

    #[test]
    fn a_directory_that_others_may_read_is_accepted_as_it_is() {
        let root = tempfile::tempdir().unwrap();
        set_mode(root.path(), 0o755);
        Directory::open(root.path()).unwrap();
        assert_eq!(mode(root.path()), 0o755);
    }

    #[test]
    fn a_directory_that_the_group_or_everybody_may_write_is_refused() {
        let root = tempfile::tempdir().unwrap();
        for mode in [0o770, 0o702, 0o1777] {
            set_mode(root.path(), mode);
            assert_eq!(refusal(root.path()), Untrusted::Writable { mode });
        }
    }

    #[test]
    fn a_directory_of_another_user_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let user = rustix::process::geteuid().as_raw();
        if user == 0 {
            std::os::unix::fs::chown(root.path(), Some(12345), None).unwrap();
            assert_eq!(refusal(root.path()), Untrusted::Owner { owner: 12345, user });
        } else {
            assert_eq!(refusal(Path::new("/")), Untrusted::Owner { owner: 0, user });
        }
    }

    #[test]
    fn a_link_counts_as_what_it_leads_to() {
        let root = tempfile::tempdir().unwrap();
        let (target, link) = (root.path().join("target"), root.path().join("link"));
        DirBuilder::new().mode(0o700).create(&target).unwrap();
        symlink(&target, &link).unwrap();
        Directory::open(&link).unwrap();
        set_mode(&target, 0o777);
        assert_eq!(refusal(&link), Untrusted::Writable { mode: 0o777 });
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_told_apart() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        for path in [file.join("below"), file, PathBuf::from("/proc/dapr-wasm")] {
            let result = Directory::open(&path);
            assert!(matches!(result, Err(CacheError::Unwritable { .. })), "{result:?}");
        }
    }

    // ---- files ----

    #[test]
    fn a_file_that_others_may_write_is_not_executed() {
        let root = tempfile::tempdir().unwrap();
        let directory = Directory::open(root.path()).unwrap();
        let file = root.path().join("code");
        fs::write(&file, "code").unwrap();
        set_mode(&file, 0o600);
        assert!(directory.code("code").unwrap().is_some());
        set_mode(&file, 0o622);
        assert!(directory.code("code").unwrap_err().to_string().contains("mode 0622"));
    }

    #[test]
    fn neither_a_link_nor_a_directory_is_executed() {
        let root = tempfile::tempdir().unwrap();
        let directory = Directory::open(root.path()).unwrap();
        fs::write(root.path().join("code"), "code").unwrap();
        symlink("code", root.path().join("link")).unwrap();
        DirBuilder::new()
            .mode(0o700)
            .create(root.path().join("directory"))
            .unwrap();
        assert!(directory.code("link").is_err());
        assert!(directory.code("directory").is_err());
        assert!(directory.code("missing").unwrap().is_none());
    }

    #[test]
    fn a_directory_put_in_the_place_of_the_checked_one_is_not_used() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("code");
        let directory = Directory::open(&path).unwrap();
        fs::rename(&path, root.path().join("moved")).unwrap();
        DirBuilder::new().mode(0o700).create(&path).unwrap();
        fs::write(path.join("planted"), "code").unwrap();
        assert!(directory.code("planted").unwrap().is_none());
    }

    #[tokio::test]
    async fn a_temporary_directory_goes_with_the_last_file_in_it() {
        let directory = Arc::new(Directory::temporary().unwrap());
        let path = directory.path().to_owned();
        let partial = Partial::new(&directory, &Key::of(&wasmtime::Engine::default(), b"").await);
        fs::write(partial.path(), "code").unwrap();
        assert_eq!(mode(&path), 0o700);
        drop(directory);
        assert!(path.exists());
        drop(partial);
        assert!(!path.exists());
    }

    // ---- default ----

    #[test]
    fn the_default_is_below_the_xdg_cache_directory_else_below_home() {
        let path = |xdg: &str, home: &str| {
            let set = |value: &str| (value != "unset").then(|| OsString::from(value));
            default_path(set(xdg), set(home)).map(|path| path.display().to_string())
        };
        assert_eq!(path("/xdg", "/home/ann").as_deref(), Some("/xdg/dapr-wasm/code"));
        for ignored in ["unset", "", "relative/cache"] {
            assert_eq!(
                path(ignored, "/home/ann").as_deref(),
                Some("/home/ann/.cache/dapr-wasm/code")
            );
            assert_eq!(path(ignored, "unset"), None);
            assert_eq!(path(ignored, ""), None);
        }
    }
}
