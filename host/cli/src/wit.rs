//! `dapr-wasm wit DIR`: the contract, for a guest's project; and whether what a project has is that of this host.
//!
//! | in the folder | is | `wit` |
//! |---|---|---|
//! | `package.wit` | the worlds of `dapr:host` | writes it |
//! | `app.wit` | a world of the user's own among them | leaves it |
//! | `deps/NAME-VERSION`, of a package that this host has | the package | writes it, and removes what is not of it |
//! | a link, and what it leads to | the user's, whatever its name | leaves it |
//! | anything else | the user's | leaves it |
//!
//! A folder whose files name another package is that package, and stays what it is: the files of a folder are of one.

use crate::failure::{Failure, Outcome};
use crate::tell::one_line;
use include_dir::{Dir, File, include_dir};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

static WIT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../wit");

/// The worlds of this host.
const WORLDS: &str = "package.wit";

/// What the worlds are in.
const PACKAGE: &str = "dapr:host";

/// A world of the user's own. No file of this host has the name.
pub(crate) const OWN: &str = "app.wit";

/// Brings a folder to the WIT packages of this host, and says what was done.
pub(crate) fn write(folder: &Path) -> Outcome<String> {
    let shown = folder.display().to_string();
    let shown = one_line(&shown);
    require_no_other_package(folder)?;
    let difference = Difference::of(folder);
    let is_new = !folder.join(WORLDS).exists();
    let written = extract(folder, difference.lacking.iter().chain(&difference.other)).and_then(|()| {
        let mut left = difference.left.iter();
        left.try_for_each(|left| fs::remove_file(folder.join(left)))
    });
    written.map_err(|error| unwritable(folder, &error).help("DIR is a folder, new or old"))?;
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

/// Refuses a folder that is another package: its `package.wit` would be lost, and the files of two packages in one folder are none.
fn require_no_other_package(folder: &Path) -> Outcome<()> {
    let mut files: Vec<_> = at_the_top(folder).collect();
    files.sort();
    let found = files.iter().find_map(|file| {
        let package = package(file).filter(|package| package != PACKAGE)?;
        Some((file.display().to_string(), package))
    });
    let Some((file, package)) = found else {
        return Ok(());
    };
    let shown = folder.display();
    Err(Failure::usage(format!(
        "`{file}` is of the package `{package}`, and the files of a folder are of one package"
    ))
    .help(format!(
        "write the worlds of {PACKAGE} to another folder: `dapr-wasm wit {shown}/dapr`"
    ))
    .help(format!(
        "what `{package}` uses of it, it finds once it is copied from `{shown}/dapr/deps` to `{shown}/deps`"
    )))
}

/// Brings what a world stands on to a folder that lacks it. What is there stays as it is.
pub(crate) fn bring(folder: &Path) -> Outcome<()> {
    if !is_lacking(folder) {
        return Ok(());
    }
    let lacking = Difference::of(folder).lacking;
    extract(folder, &lacking).map_err(|error| unwritable(folder, &error))
}

/// Writes these files of this host, and no others: one that is written anew is compiled anew.
fn extract<'a>(folder: &Path, paths: impl IntoIterator<Item = &'a PathBuf>) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for file in paths.into_iter().filter_map(|path| WIT.get_file(path)) {
        let to = folder.join(file.path());
        fs::create_dir_all(to.parent().unwrap_or(folder))?;
        fs::write(&to, file.contents())?;
    }
    Ok(())
}

fn unwritable(folder: &Path, error: &io::Error) -> Failure {
    let shown = folder.display().to_string();
    Failure::run(format!("cannot write to the folder `{}`", one_line(&shown))).because(error)
}

/// Warns of a folder whose WIT is that of another version of this host.
pub(crate) fn warn_of_another_version(folder: &Path) {
    let is_of_dapr = package(&folder.join(WORLDS)).is_some_and(|package| package == PACKAGE);
    if is_of_dapr && !Difference::of(folder).is_none() {
        let shown = folder.display();
        Failure::usage(format!("the WIT in `{shown}` is not that of this version of the host"))
            .help(format!("`dapr-wasm wit {shown}` updates it"))
            .help(format!(
                "a world of your own in `{shown}/{WORLDS}` would be lost: move it to `{shown}/{OWN}` first"
            ))
            .warn();
    }
}

/// Whether a folder has a world of the user's own. A file of this name that names a package is the user's own WIT as a whole.
pub(crate) fn has_own(folder: &Path) -> bool {
    let text = fs::read_to_string(folder.join(OWN));
    text.is_ok_and(|text| package_in(&text).is_none())
}

/// Whether a folder lacks what a world stands on.
fn is_lacking(folder: &Path) -> bool {
    let has_package = || at_the_top(folder).any(|file| package(&file).is_some());
    // One that is there, and has no such world, is the user's affair.
    !folder.exists() || (has_own(folder) && !has_package())
}

/// The files of WIT in a folder itself.
fn at_the_top(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| is_wit(path))
}

/// The package that a file of WIT says it is of, if it can be read.
fn package(file: &Path) -> Option<String> {
    package_in(&fs::read_to_string(file).ok()?)
}

/// The package that a text says it is of, without its version.
fn package_in(text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let name = words.next().filter(|word| *word == "package").and(words.next())?;
        name.split(['@', ';']).next().map(str::to_owned)
    })
}

fn is_wit(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "wit")
}

/// Whether a step on the way from a folder to a file in it is a link.
fn is_linked(folder: &Path, path: &Path) -> bool {
    let mut steps = path.ancestors().filter(|step| !step.as_os_str().is_empty());
    steps.any(|step| folder.join(step).is_symlink())
}

/// Whether a file, by its path in a folder with WIT, is as [`write`] leaves it there.
pub(crate) fn is_as_written(path: &Path, contents: &[u8]) -> bool {
    WIT.get_file(path).is_some_and(|file| file.contents() == contents)
}

/// How what lies in a folder differs from what this host has, by paths in it. What is behind a link is somebody else's, too, and
/// differs in nothing.
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
        for file in files(&WIT).into_iter().filter(|file| !is_linked(folder, file.path())) {
            match fs::read(folder.join(file.path())) {
                Ok(contents) if contents == file.contents() => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    difference.lacking.push(file.path().to_owned())
                }
                _ => difference.other.push(file.path().to_owned()),
            }
        }
        let packages = WIT.get_dir("deps").into_iter().flat_map(Dir::dirs).map(Dir::path);
        for package in packages.filter(|package| !is_linked(folder, package)) {
            // A second file with the same interface would break each build.
            let entries = fs::read_dir(folder.join(package)).into_iter().flatten().flatten();
            let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
            let paths = files.map(|entry| package.join(entry.file_name()));
            difference
                .left
                .extend(paths.filter(|path| is_wit(path) && !WIT.contains(path)));
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
    use std::os::unix::fs::symlink;
    use std::time::SystemTime;

    #[test]
    fn a_folder_is_lacking_that_is_not_there_or_has_a_world_of_its_own_alone() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("wit");
        assert!(is_lacking(&folder));
        fs::create_dir(&folder).unwrap();
        assert!(!is_lacking(&folder), "it is of somebody who knows why");
        fs::write(folder.join(OWN), "world app { include http-app; }\n").unwrap();
        assert!(is_lacking(&folder));
        bring(&folder).unwrap();
        assert!(!is_lacking(&folder) && has_own(&folder));
        assert!(Difference::of(&folder).is_none());
    }

    #[test]
    fn a_folder_with_a_package_of_the_users_lacks_nothing() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(OWN), "// Mine.\n  package my:app;\nworld app {}\n").unwrap();
        assert!(!has_own(folder.path()) && !is_lacking(folder.path()));
        fs::write(folder.path().join(OWN), "world app {}\n").unwrap();
        fs::write(folder.path().join("main.wit"), "package my:app;\n").unwrap();
        assert!(has_own(folder.path()) && !is_lacking(folder.path()));
    }

    #[test]
    fn what_is_brought_replaces_and_removes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let package = folder.path().join("deps/dapr-state-0.1.0");
        fs::create_dir_all(&package).unwrap();
        for file in ["store.wit", "mine.wit"] {
            fs::write(package.join(file), "// mine\n").unwrap();
        }
        fs::write(folder.path().join(OWN), "world app { include http-app; }\n").unwrap();
        bring(folder.path()).unwrap();
        assert!(folder.path().join(WORLDS).is_file());
        for file in ["store.wit", "mine.wit"] {
            assert_eq!(fs::read_to_string(package.join(file)).unwrap(), "// mine\n");
        }
    }

    #[test]
    fn what_is_as_it_should_be_is_not_written_again() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        let (same, other) = (
            folder.path().join(WORLDS),
            folder.path().join("deps/dapr-state-0.1.0/store.wit"),
        );
        let file = fs::File::options().write(true).open(&same).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        fs::write(&other, "").unwrap();
        write(folder.path()).unwrap();
        assert_eq!(fs::metadata(&same).unwrap().modified().unwrap(), SystemTime::UNIX_EPOCH);
        assert_ne!(fs::read(&other).unwrap(), b"");
    }

    #[test]
    fn folders_and_what_links_lead_to_are_left() {
        let parent = tempfile::tempdir().unwrap();
        let (folder, elsewhere) = (parent.path().join("wit"), parent.path().join("elsewhere"));
        write(&folder).unwrap();
        fs::create_dir(folder.join("deps/dapr-secrets-0.1.0/more.wit")).unwrap();
        let package = folder.join("deps/dapr-state-0.1.0");
        fs::rename(&package, &elsewhere).unwrap();
        symlink(&elsewhere, &package).unwrap();
        for file in ["store.wit", "mine.wit"] {
            fs::write(elsewhere.join(file), "// mine\n").unwrap();
        }
        write(&folder).unwrap();
        assert!(folder.join("deps/dapr-secrets-0.1.0/more.wit").is_dir());
        for file in ["store.wit", "mine.wit"] {
            assert_eq!(fs::read_to_string(elsewhere.join(file)).unwrap(), "// mine\n");
        }
    }

    #[test]
    fn no_file_of_this_host_has_the_name_of_the_users_own() {
        assert!(WIT.contains(WORLDS) && !WIT.contains(OWN));
    }
}
