//! `dapr-wasm wit DIR`: the contract, for a guest's project; and whether what a project has is that of this host.
//!
//! | in the folder | is | `wit` |
//! |---|---|---|
//! | `package.wit` | the worlds of `dapr:host` | writes it |
//! | `app.wit` | a world of the user's own among them | leaves it |
//! | `deps/NAME-VERSION`, of a package that this host has | the package | writes it, and removes what is not of it |
//! | anything else | the user's | leaves it |

use crate::failure::{Failure, Outcome};
use crate::tell::one_line;
use include_dir::{Dir, File, include_dir};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

static WIT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../wit");

/// The worlds of this host.
const WORLDS: &str = "package.wit";

/// A world of the user's own. No file of this host has the name.
pub(crate) const OWN: &str = "app.wit";

/// Brings a folder to the WIT packages of this host, and says what was done.
pub(crate) fn write(folder: &Path) -> Outcome<String> {
    let shown = folder.display().to_string();
    let shown = one_line(&shown);
    let difference = Difference::of(folder);
    let is_new = !folder.join(WORLDS).exists();
    let written = fs::create_dir_all(folder).and_then(|()| WIT.extract(folder));
    let written = written.and_then(|()| {
        difference
            .left
            .iter()
            .try_for_each(|left| fs::remove_file(folder.join(left)))
    });
    written.map_err(|error| {
        Failure::run(format!("cannot write to the folder `{shown}`"))
            .because(&error)
            .help("DIR is a folder, new or old")
    })?;
    if difference.is_none() {
        return Ok(format!(
            "`{shown}` has the worlds of dapr:host already, as this host has them"
        ));
    }
    let mut done =
        format!("wrote the worlds of dapr:host to `{shown}`, and the packages that they use to `{shown}/deps`");
    // All of a new one would be no news.
    let added: &[PathBuf] = if is_new { &[] } else { &difference.lacking };
    for (word, paths) in [
        ("added", added),
        ("replaced", &difference.other),
        ("removed", &difference.left),
    ] {
        for path in paths {
            done.push_str(&format!("\n  {word} {}", one_line(&path.display().to_string())));
        }
    }
    Ok(done)
}

/// Warns of a folder whose WIT is that of another version of this host.
pub(crate) fn warn_of_another_version(folder: &Path) {
    let worlds = fs::read_to_string(folder.join(WORLDS)).unwrap_or_default();
    let is_of_dapr = worlds.lines().any(|line| line.starts_with("package dapr:host"));
    if is_of_dapr && !Difference::of(folder).is_none() {
        let shown = folder.display();
        Failure::usage(format!("the WIT in `{shown}` is not that of this version of the host"))
            .help(format!("`dapr-wasm wit {shown}` updates it"))
            .help(format!("a world of your own is safe in `{shown}/{OWN}`"))
            .warn();
    }
}

/// Whether a folder has a world of the user's own.
pub(crate) fn has_own(folder: &Path) -> bool {
    folder.join(OWN).is_file()
}

/// Whether a folder lacks what a world stands on.
pub(crate) fn is_lacking(folder: &Path) -> bool {
    // One that is there, and has neither, is the user's affair.
    !folder.exists() || (has_own(folder) && !folder.join(WORLDS).is_file())
}

/// Whether a file, by its path in a folder with WIT, is as [`write`] leaves it there.
pub(crate) fn is_as_written(path: &Path, contents: &[u8]) -> bool {
    WIT.get_file(path).is_some_and(|file| file.contents() == contents)
}

/// How what lies in a folder differs from what this host has, by paths in it.
struct Difference {
    /// Files of this host that are not there.
    lacking: Vec<PathBuf>,
    /// Files of this host with other contents.
    other: Vec<PathBuf>,
    /// Files in its packages that it does not have.
    left: Vec<PathBuf>,
}

impl Difference {
    fn of(folder: &Path) -> Self {
        let mut difference = Self {
            lacking: Vec::new(),
            other: Vec::new(),
            left: Vec::new(),
        };
        for file in files(&WIT) {
            match fs::read(folder.join(file.path())) {
                Ok(contents) if contents == file.contents() => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    difference.lacking.push(file.path().to_owned())
                }
                _ => difference.other.push(file.path().to_owned()),
            }
        }
        for package in WIT.get_dir("deps").into_iter().flat_map(Dir::dirs) {
            // A second file with the same interface would break each build.
            for entry in fs::read_dir(folder.join(package.path()))
                .into_iter()
                .flatten()
                .flatten()
            {
                let path = package.path().join(entry.file_name());
                let is_wit = path.extension().is_some_and(|extension| extension == "wit");
                if is_wit && !WIT.contains(&path) {
                    difference.left.push(path);
                }
            }
        }
        difference.left.sort();
        difference
    }

    fn is_none(&self) -> bool {
        self.lacking.is_empty() && self.other.is_empty() && self.left.is_empty()
    }
}

/// All files below a folder.
fn files<'a>(folder: &'a Dir<'a>) -> Vec<&'a File<'a>> {
    let below = folder.dirs().flat_map(files);
    folder.files().chain(below).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_lacking_that_is_not_there_or_has_a_world_of_its_own_alone() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("wit");
        assert!(is_lacking(&folder));
        fs::create_dir(&folder).unwrap();
        assert!(!is_lacking(&folder), "it is of somebody who knows why");
        fs::write(folder.join(OWN), "world app { include http-app; }\n").unwrap();
        assert!(is_lacking(&folder));
        write(&folder).unwrap();
        assert!(!is_lacking(&folder) && has_own(&folder));
    }

    #[test]
    fn no_file_of_this_host_has_the_name_of_the_users_own() {
        assert!(WIT.contains(WORLDS) && !WIT.contains(OWN));
    }
}
