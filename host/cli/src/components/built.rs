//! What was built, kept under the name of all that it depends on, so that it is built once.

use super::folder::{self, FolderError};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A component that was built and says which settings it has, and the licences of what is linked into it.
pub(super) struct Finished {
    pub(super) component: Vec<u8>,
    pub(super) licences: Vec<u8>,
}

/// Where it is kept.
pub(super) struct Kept {
    component: PathBuf,
    licences: PathBuf,
}

impl Kept {
    /// In a folder, under this fingerprint.
    pub(super) fn new(folder: &Path, fingerprint: &str) -> Self {
        Self {
            component: folder.join(format!("{fingerprint}.wasm")),
            licences: folder.join(format!("{fingerprint}.licences.txt")),
        }
    }

    /// What was kept; none if there is nothing whole.
    pub(super) fn find(&self) -> Option<Finished> {
        // The component is written last. One that others could have written is built anew.
        let metadata = fs::metadata(&self.component).ok()?;
        folder::check(&self.component, &metadata).ok()?;
        let read = || -> io::Result<_> {
            Ok(Finished {
                component: fs::read(&self.component)?,
                licences: fs::read(&self.licences)?,
            })
        };
        read().ok()
    }

    /// Keeps it.
    pub(super) fn keep(&self, finished: &Finished) -> Result<(), FolderError> {
        folder::write(&self.licences, &finished.licences)?;
        folder::write(&self.component, &finished.component)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_was_built_is_found_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::new(folder.path(), "abc");
        assert!(kept.find().is_none());
        let finished = Finished {
            component: b"wasm".to_vec(),
            licences: b"MIT".to_vec(),
        };
        kept.keep(&finished).unwrap();
        let found = kept.find().unwrap();
        assert_eq!(
            (found.component, found.licences),
            (finished.component, finished.licences)
        );
        fs::set_permissions(&kept.component, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(kept.find().is_none(), "others could have written it");
        fs::remove_file(&kept.licences).unwrap();
        assert!(kept.find().is_none());
    }
}
