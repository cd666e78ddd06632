//! The build folder: a Go module with the glue, the bindings, and a package `source` that names what is built.

use crate::bindings::{Contract, Layout};
use crate::files::{self, GO};
use crate::own::Own;
use crate::{BuildError, Go, Recipe, Source, modules, tree};
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A folder in which a component is built, removed when it is let go of.
pub(crate) struct Folder {
    path: PathBuf,
    /// Locked for as long as the folder is in use: the system unlocks it when the process ends, whichever way.
    _in_use: File,
}

/// How the folders are called.
const PREFIX: &str = "build-";

/// The file within that is locked.
const IN_USE: &str = "in-use";

impl Folder {
    /// Makes an empty one in a folder that is there or is made, and removes those that killed builds left there.
    pub(crate) fn new(parent: &Path) -> Result<Self, BuildError> {
        let parent = std::path::absolute(parent).map_err(BuildError::files(parent))?;
        std::fs::create_dir_all(&parent).map_err(BuildError::files(&parent))?;
        // One at a time: nobody sees a folder that is made and not locked yet.
        let _turn = locked(&parent.join("lock"))?;
        remove_left(&parent);
        for number in 0..1000 {
            let path = parent.join(format!("{PREFIX}{}-{number}", std::process::id()));
            match std::fs::create_dir(&path) {
                Ok(()) => {
                    let in_use = locked(&path.join(IN_USE))?;
                    return Ok(Self { path, _in_use: in_use });
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(BuildError::files(&path)(error)),
            }
        }
        Err(BuildError::files(&parent)(ErrorKind::AlreadyExists.into()))
    }

    /// What Go compiles, for the next build: beside all folders.
    pub(crate) fn compiled(&self) -> PathBuf {
        self.path.with_file_name("compiled")
    }

    pub(crate) fn module(&self) -> PathBuf {
        self.path.join("module")
    }

    /// What Go writes.
    pub(crate) fn core(&self) -> PathBuf {
        self.path.join("core.wasm")
    }

    pub(crate) fn overlay(&self) -> PathBuf {
        self.path.join("overlay")
    }

    /// Where the contract is written for its parser.
    pub(crate) fn wit(&self) -> PathBuf {
        self.path.join("wit")
    }

    /// Writes the module, and answers the contract.
    pub(crate) fn fill(&self, go: &Go, recipe: &Recipe) -> Result<Contract, BuildError> {
        let module = self.module();
        files::write(&GO, "pkg", &module.join("pkg"))?;
        files::write(&GO, "glue/common", &module)?;
        files::write(&GO, &format!("glue/{}", recipe.block().glue), &module)?;
        self.write_source(go, recipe)?;
        let worlds = module.join("world.wit");
        let worlds = std::fs::read_to_string(&worlds).map_err(BuildError::files(&worlds))?;
        let contract = Contract::read(&self.wit(), &worlds)?;
        contract.generate(&module, Layout::Program)?;
        modules::write(go, recipe, &module)?;
        Ok(contract)
    }

    /// The package that the glue asks for what it is glue for.
    fn write_source(&self, go: &Go, recipe: &Recipe) -> Result<(), BuildError> {
        let (package, constructor) = match recipe.source() {
            Source::Known(known) => (format!("{}/{}", modules::CONTRIB, known.package), known.constructor),
            Source::Package {
                folder, constructor, ..
            } => (self.own_package(go, folder)?, constructor.as_str()),
        };
        let text = format!(
            "// Package source is what the component is made of.\npackage source\n\n\
             import (\n\t\"github.com/dapr/components-contrib/{block}\"\n\t\"github.com/dapr/kit/logger\"\n\n\
             \timplementation {package:?}\n)\n\n\
             // Dapr's names for it.\nconst (\n\tType    = {name:?}\n\tVersion = {version:?}\n)\n\n\
             // New makes one that is not open.\n\
             func New(log logger.Logger) {interface} {{ return implementation.{constructor}(log) }}\n",
            block = recipe.block().name,
            interface = recipe.block().interface,
            name = recipe.name(),
            version = recipe.version(),
        );
        let folder = self.module().join("source");
        std::fs::create_dir_all(&folder).map_err(BuildError::files(&folder))?;
        let file = folder.join("source.go");
        std::fs::write(&file, text).map_err(BuildError::files(&file))
    }

    /// How the user's own package is imported: by its module, or, if it is in none, as a copy in the module that is built.
    fn own_package(&self, go: &Go, own: &Path) -> Result<String, BuildError> {
        if let Some(own) = Own::of(go, own)? {
            return Ok(own.package);
        }
        let copy = self.module().join("implementation");
        for file in tree::files(own)? {
            let (file, to) = (own.join(&file), copy.join(&file));
            let parent = to.parent().unwrap_or(&copy);
            std::fs::create_dir_all(parent).map_err(BuildError::files(parent))?;
            std::fs::copy(&file, &to).map_err(BuildError::files(&file))?;
        }
        Ok("wit_component/implementation".to_owned())
    }
}

/// A file that is made if need be, once nobody else has it locked.
fn locked(path: &Path) -> Result<File, BuildError> {
    let open = File::options().create(true).append(true).open(path);
    let file = open.map_err(BuildError::files(path))?;
    file.lock().map_err(BuildError::files(path))?;
    Ok(file)
}

/// Removes folders that nobody uses. What cannot be removed is no reason not to build.
fn remove_left(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX) && path.is_dir();
        if is_ours && !is_in_use(&path) {
            let _ = std::fs::remove_dir_all(&path);
        }
    }
}

/// One without the file was left before it was locked.
fn is_in_use(path: &Path) -> bool {
    File::open(path.join(IN_USE)).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left is a folder in a cache.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_build_left_is_removed_by_the_next_one_and_what_is_in_use_stays() {
        let parent = tempfile::tempdir().unwrap();
        let other = Folder::new(parent.path()).unwrap();
        for left in ["build-1-0", "build-2-0"] {
            std::fs::create_dir_all(parent.path().join(left).join("module")).unwrap();
        }
        std::fs::write(parent.path().join("build-1-0").join(IN_USE), "").unwrap();
        std::fs::create_dir(parent.path().join("compiled")).unwrap();
        let own = Folder::new(parent.path()).unwrap();
        let names = || {
            let entries = std::fs::read_dir(parent.path()).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
            names.sort();
            names
        };
        let [compiled, lock] = ["compiled", "lock"].map(|name| parent.path().join(name));
        assert_eq!(
            names(),
            [other.path.clone(), own.path.clone(), compiled.clone(), lock.clone()]
        );
        drop((other, own));
        assert_eq!(names(), [compiled, lock]);
    }
}
