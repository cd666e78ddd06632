//! A disk of a server's own: a small file system in memory, which can be filled.

use super::program;
use crate::wait::PATIENCE;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What fills it, in its folder.
const BALLAST: &str = "ballast";

/// Bytes that are written at once to fill it. The last ones are written one by one.
const PIECE: usize = 1 << 16;

/// A file system in a folder, for servers alone. Dropping it takes it away, whoever still uses it.
#[derive(Debug)]
pub(super) struct Disk(PathBuf);

impl Disk {
    /// Makes the folder, and the file system in it.
    pub(super) fn mount(folder: &Path, bytes: u64) -> Self {
        std::fs::create_dir(folder).expect("the folder is writable");
        let options = format!("size={bytes},{}", program::mount_options());
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", &options, "dapr-wasm-test"])
            .arg(folder);
        program::run(&mut mount, PATIENCE).unwrap_or_else(|error| {
            panic!("no disk for a server, since no file system can be mounted here; run the tests as root: {error}")
        });
        Self(folder.to_owned())
    }

    /// Leaves no byte of it free.
    pub(super) fn fill(&self) {
        let mut ballast = File::create(self.0.join(BALLAST)).expect("it is there");
        let mut piece = vec![0; PIECE];
        while !piece.is_empty() {
            match ballast.write(&piece) {
                Ok(written) if written == piece.len() => {}
                // It has no room for as much.
                Ok(_) => piece.truncate(piece.len() / 2),
                Err(error) if error.kind() == ErrorKind::StorageFull => piece.truncate(piece.len() / 2),
                Err(error) => panic!("cannot fill a disk: {error}"),
            }
        }
    }

    /// Gives back what was filled.
    pub(super) fn free(&self) {
        std::fs::remove_file(self.0.join(BALLAST)).expect("it was filled");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a process that is being killed may still hold a file. What fails here leaves some memory behind.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).output();
    }
}
