//! What a release publishes: components, the licence texts of what is linked into each, and the sums of all of them.

use crate::tools::root;
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// As `sha256sum --check` reads them.
const SUMS: &str = "SHA256SUMS";

/// The folder.
pub(super) struct Release {
    folder: PathBuf,
}

impl Release {
    pub(super) fn at_its_place() -> Result<Self> {
        Self::at(root().join("target/components"))
    }

    fn at(folder: PathBuf) -> Result<Self> {
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self { folder })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Removes what an earlier run published.
    pub(super) fn empty(&self) -> Result<()> {
        for file in self.files()? {
            fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
        }
        self.sum()
    }

    /// Takes the files of a component from where it was installed.
    pub(super) fn publish(&self, files: &[PathBuf]) -> Result<()> {
        for file in files {
            let to = self.folder.join(file.file_name().unwrap_or_default());
            fs::copy(file, &to).with_context(|| format!("cannot copy {} to {}", file.display(), to.display()))?;
        }
        Ok(())
    }

    /// Removes the files of a component that does not build any more.
    pub(super) fn withdraw(&self, stem: &str) -> Result<()> {
        for name in [format!("{stem}.wasm"), format!("{stem}.licences.txt")] {
            match fs::remove_file(self.folder.join(&name)) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("cannot remove {name}"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes the sums of what is there.
    pub(super) fn sum(&self) -> Result<()> {
        let mut sums = String::new();
        for file in self.files()? {
            let bytes = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            for byte in Sha256::digest(bytes) {
                let _ = write!(sums, "{byte:02x}");
            }
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let _ = writeln!(sums, "  {name}");
        }
        let path = self.folder.join(SUMS);
        fs::write(&path, sums).with_context(|| format!("cannot write {}", path.display()))
    }

    /// All but the sums, by name.
    fn files(&self) -> Result<Vec<PathBuf>> {
        let cannot = || format!("cannot read {}", self.folder.display());
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder).with_context(cannot)? {
            files.push(entry.with_context(cannot)?.path());
        }
        files.retain(|file| file.file_name().is_some_and(|name| name != SUMS));
        files.sort();
        Ok(files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::output;
    use std::process::Command;

    #[test]
    fn sums_are_those_of_what_is_published_and_fit_what_checks_them() {
        let folder = std::env::temp_dir().join(format!("xtask-release-{}", std::process::id()));
        let release = Release::at(folder.join("components")).unwrap();
        let files = ["state.redis.wasm", "state.redis.licences.txt", "state.mysql.wasm"].map(|name| folder.join(name));
        for file in &files {
            fs::write(file, "text").unwrap();
        }
        release.publish(&files).unwrap();
        release.withdraw("state.mysql").unwrap();
        release.sum().unwrap();
        let check = |_| {
            output(
                Command::new("sha256sum")
                    .args(["--check", SUMS])
                    .current_dir(release.folder()),
            )
        };
        assert_eq!(check(()).unwrap(), "state.redis.licences.txt: OK\nstate.redis.wasm: OK");
        fs::write(release.folder().join("state.redis.wasm"), "other").unwrap();
        assert!(check(()).is_err());
        release.empty().unwrap();
        assert!(release.files().unwrap().is_empty());
        fs::remove_dir_all(folder).unwrap();
    }
}
