//! What is made of a folder of sources by tools that take their time: in a copy of the folder, and only when something that it
//! is made from has changed.

use crate::tools::root;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What tools leave in a folder of sources where somebody builds there, and nobody makes anything from.
const LEFT: [&str; 7] = [
    ".venv",
    "__pycache__",
    "bindings",
    "build",
    "gen",
    "node_modules",
    "vendor",
];

/// A component to be made.
pub(crate) struct Made<'a> {
    /// The folder that it comes to, with the copy of the sources beside it.
    pub(crate) place: &'a Path,
    pub(crate) name: &'a str,
    /// The folder of the sources.
    pub(crate) sources: &'a Path,
    /// Files and folders that it is made from as well.
    pub(crate) also: &'a [PathBuf],
    /// The text of what builds it.
    pub(crate) builder: &'a str,
    /// Makes the component, the second, in the copy of the sources, the first.
    pub(crate) build: &'a dyn Fn(&Path, &Path) -> Result<()>,
}

impl Made<'_> {
    /// Makes it, if it is not there or was made from something else.
    pub(crate) fn make(&self) -> Result<()> {
        let component = self.place.join(format!("{}.wasm", self.name));
        let record = self.place.join(format!("{}.made-from", self.name));
        let made_from = self.inputs()?;
        if component.is_file() && fs::read(&record).is_ok_and(|before| before == made_from) {
            return Ok(());
        }
        let folder = self.place.join(self.name);
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        copy(self.sources, &folder)?;
        let started = Instant::now();
        (self.build)(&folder, &component).with_context(|| format!("{} is not built", self.sources.display()))?;
        let size = fs::metadata(&component).with_context(|| format!("there is no {}", component.display()))?;
        eprintln!(
            "> {}: {} kB in {:.1} s",
            component.display(),
            size.len() / 1000,
            started.elapsed().as_secs_f64()
        );
        fs::write(&record, made_from).with_context(|| format!("cannot write {}", record.display()))
    }

    /// All that it is made from, in one piece.
    fn inputs(&self) -> Result<Vec<u8>> {
        let mut all = [include_str!("made.rs"), self.builder].concat().into_bytes();
        let mut inputs = files(self.sources)?;
        for path in self.also {
            inputs.extend(if path.is_dir() {
                files(path)?
            } else {
                vec![path.clone()]
            });
        }
        for file in inputs {
            // The same wherever the repository is.
            all.extend(file.strip_prefix(root()).unwrap_or(&file).to_string_lossy().as_bytes());
            all.extend(fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?);
        }
        Ok(all)
    }
}

/// All files below a folder, in the order of their names. What a link leads to is where the link is.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let unreadable = || format!("cannot read {}", folder.display());
        for entry in fs::read_dir(&folder).with_context(unreadable)? {
            let entry = entry.with_context(unreadable)?;
            let path = entry.path();
            if !path.is_dir() {
                found.push(path);
            } else if !LEFT.iter().any(|left| entry.file_name() == *left) {
                folders.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Copies all files below a folder. The copies can be written to, also of what cargo has unpacked.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    for file in files(from)? {
        let to = to.join(file.strip_prefix(from).unwrap_or(&file));
        let parent = to.parent().unwrap_or(&to);
        fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        let bytes = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        fs::write(&to, bytes).with_context(|| format!("cannot write {}", to.display()))?;
    }
    Ok(())
}
