//! The overlay on Go's standard library: which files it replaces, adds and edits, by the release of Go.
//!
//! A file of ours stands for one of Go's, whose hash has to be the known one, or joins a package that has none of its name. An
//! edit takes a text that has to be in Go's file exactly once. So a Go that is not as it was released does not build something
//! else, it is an error; and none of Go's sources are stored here. `go build -overlay` uses the result for one build and leaves
//! the installation as it is.

use crate::files::{self, GO, hexadecimal};
use crate::{BuildError, Go, GoVersion};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A text of a file of the standard library, and what stands there instead.
struct Edit {
    file: &'static str,
    find: &'static str,
    replace: &'static str,
}

/// Releases that the overlay was made for and run with. They differ in no place that it touches; a release that does gets
/// files and edits of its own.
const RELEASES: [(u32, u32); 2] = [(1, 26), (1, 27)];

/// Go's files that one of ours stands for, with the SHA-256 of each: the same in all releases. All other files of ours are new.
const REPLACED: [(&str, &str); 6] = [
    (
        "net/lookup_unix.go",
        "7fc0ecb91aa268d3dbd6dad3b6b806d92223e11782d6fc1b4dcc4f5f9a4b788e",
    ),
    (
        "net/net_fake.go",
        "784b369c57be52fa87ace5f10e07e3c24b45d549639e1487734b793024188df3",
    ),
    (
        "net/sockopt_fake.go",
        "bdba169556903d963cbd678e8ed6b70bbdd87257b4e658f94c2d9ccbc374d64b",
    ),
    (
        "net/tcpsockopt_stub.go",
        "95fae3835bd80bbefbded9bf91eae9c0988ed93c69d996a4c453979fa6a05650",
    ),
    (
        "runtime/netpoll_wasip1.go",
        "5462ad1c05a38ba052d77b3795fb284e2606471585ef5faef4f99cc27f400082",
    ),
    (
        "syscall/net_wasip1.go",
        "9c9d74c7e16d6ce014c780740ea44cc47c718135723982df6a83051b3ac2691c",
    ),
];

const EDITS: [Edit; 5] = [
    Edit {
        file: "syscall/fs_wasip1.go",
        find: "func Close(fd int) error {\n",
        replace: "func Close(fd int) error {\n\tif s := wasiFind(fd); s != nil {\n\t\treturn wasiClose(fd, s)\n\t}\n",
    },
    Edit {
        file: "syscall/fs_wasip1.go",
        find: "func Read(fd int, b []byte) (int, error) {\n",
        replace: "func Read(fd int, b []byte) (int, error) {\n\tif s := wasiFind(fd); s != nil {\n\t\treturn wasiRead(s, b)\n\t}\n",
    },
    Edit {
        file: "syscall/fs_wasip1.go",
        find: "func Write(fd int, b []byte) (int, error) {\n",
        replace: "func Write(fd int, b []byte) (int, error) {\n\tif s := wasiFind(fd); s != nil {\n\t\treturn wasiWrite(s, b)\n\t}\n",
    },
    // The clock without the adapter between, which also stands still where the host may not be called.
    Edit {
        file: "runtime/os_wasip1.go",
        find: "func nanotime1() int64 {\n",
        replace: "func nanotime1() int64 {\n\treturn wasiNanotime()\n}\n\nfunc wasiNanotimeOfTheAdapter() int64 {\n",
    },
    // Whoever waits for a signal, which never comes here, would take a whole core for it.
    Edit {
        file: "runtime/lock_wasip1.go",
        find: "\t\tif sched_yield() != 0 {\n\t\t\tthrow(\"sched_yield failed\")\n\t\t}\n\t\tGosched()\n",
        replace: "\t\ttimeSleep(10 * 1000 * 1000)\n",
    },
];

/// The releases of Go that components can be built with, as `1.26`.
#[must_use]
pub fn supported() -> Vec<String> {
    RELEASES
        .iter()
        .map(|(major, minor)| format!("{major}.{minor}"))
        .collect()
}

pub(crate) fn carries(version: &GoVersion) -> bool {
    RELEASES.contains(&version.release())
}

/// Writes the overlay for this Go into a folder and answers the file for `go build -overlay`.
pub(crate) fn write(go: &Go, folder: &Path) -> Result<PathBuf, BuildError> {
    files::write(&GO, "overlay", folder)?;
    let standard = go.root().join("src");
    let mut replaced = BTreeMap::new();
    for (path, _) in files::all(overlay()?) {
        let name = path.strip_prefix("overlay").unwrap_or(path);
        let original = standard.join(name);
        if !is_known(&original, name)? {
            return Err(BuildError::Replaced {
                file: original,
                version: go.version().to_string(),
            });
        }
        replaced.insert(original, folder.join(name));
    }
    for (name, text) in edited(&standard)? {
        let to = folder.join(name);
        fs::write(&to, text).map_err(BuildError::files(&to))?;
        replaced.insert(standard.join(name), to);
    }
    let file = folder.join("overlay.json");
    let json = serde_json::json!({ "Replace": replaced }).to_string();
    fs::write(&file, json).map_err(BuildError::files(&file))?;
    Ok(file)
}

fn overlay() -> Result<&'static include_dir::Dir<'static>, BuildError> {
    GO.get_dir("overlay")
        .ok_or_else(|| BuildError::Component("this program has no overlay".into()))
}

/// Whether a file of Go's is the one that ours was made to stand for; or is not there, where ours is new.
fn is_known(original: &Path, name: &Path) -> Result<bool, BuildError> {
    let released = REPLACED.iter().find(|(replaced, _)| Path::new(replaced) == name);
    match fs::read(original) {
        Ok(found) => Ok(released.is_some_and(|(_, sum)| *sum == hexadecimal(&Sha256::digest(found)))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(released.is_none()),
        Err(error) => Err(BuildError::files(original)(error)),
    }
}

/// The files that are edited, as they are to be.
fn edited(standard: &Path) -> Result<BTreeMap<&'static str, String>, BuildError> {
    let mut texts = BTreeMap::new();
    for edit in &EDITS {
        let path = standard.join(edit.file);
        if !texts.contains_key(edit.file) {
            let text = fs::read_to_string(&path).map_err(BuildError::files(&path))?;
            texts.insert(edit.file, text);
        }
        if let Some(text) = texts.get_mut(edit.file) {
            *text = apply(text, edit).map_err(|times| BuildError::Overlay { file: path, times })?;
        }
    }
    Ok(texts)
}

/// The text with the edit, or how often what it looks for is there, if that is not once.
fn apply(text: &str, edit: &Edit) -> Result<String, usize> {
    match text.matches(edit.find).count() {
        1 => Ok(text.replacen(edit.find, edit.replace, 1)),
        times => Err(times),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EDIT: Edit = Edit {
        file: "a.go",
        find: "func A() {\n",
        replace: "func A() {\n\tb()\n",
    };

    #[test]
    fn an_edit_is_made_where_its_text_is_once() {
        let text = apply("package a\n\nfunc A() {\n}\n", &EDIT);
        assert_eq!(text.unwrap(), "package a\n\nfunc A() {\n\tb()\n}\n");
    }

    #[test]
    fn an_edit_whose_text_is_not_there_or_twice_is_refused() {
        assert_eq!(apply("package a\n", &EDIT), Err(0));
        assert_eq!(apply("func A() {\n}\nfunc A() {\n}\n", &EDIT), Err(2));
    }

    #[test]
    fn a_standard_library_that_is_another_is_named_by_its_file() {
        let root = tempfile::tempdir().unwrap();
        for edit in &EDITS {
            let path = root.path().join(edit.file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "package other\n").unwrap();
        }
        let error = edited(root.path()).unwrap_err().to_string();
        assert!(
            error.contains("syscall/fs_wasip1.go") && error.contains("0 places"),
            "{error}"
        );
    }

    #[test]
    fn what_stands_for_a_file_of_go_is_there() {
        for (name, _) in REPLACED {
            assert!(
                overlay().unwrap().get_file(format!("overlay/{name}")).is_some(),
                "{name}"
            );
        }
    }

    /// A root with those files of the installed Go that the overlay knows.
    #[cfg(feature = "go")]
    fn root_with_known_files() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let go = Go::find().unwrap();
        let replaced = REPLACED.iter().map(|(name, _)| *name);
        for name in replaced.chain(EDITS.iter().map(|edit| edit.file)) {
            let name = Path::new("src").join(name);
            let to = root.path().join(&name);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(go.root().join(&name), to).unwrap();
        }
        root
    }

    #[cfg(feature = "go")]
    #[test]
    fn a_go_with_another_file_where_one_of_ours_would_stand_is_refused_by_the_name_of_it() {
        let root = root_with_known_files();
        let go = crate::go::pretended_in(root.path(), "go1.26.8");
        let folder = tempfile::tempdir().unwrap();
        write(&go, folder.path()).unwrap();
        let refuses = |name: &str| {
            let error = write(&go, folder.path()).unwrap_err();
            let file = root.path().join("src").join(name);
            assert!(
                matches!(&error, BuildError::Replaced { file: found, .. } if *found == file),
                "{error}"
            );
        };
        for (name, _) in REPLACED {
            let path = root.path().join("src").join(name);
            let text = fs::read_to_string(&path).unwrap();
            fs::write(&path, text.clone() + "\n").unwrap();
            refuses(name);
            fs::remove_file(&path).unwrap();
            refuses(name);
            fs::write(&path, text).unwrap();
        }
        let new = "syscall/wasi_lookup_wasip1.go";
        fs::write(root.path().join("src").join(new), "package syscall\n").unwrap();
        refuses(new);
    }

    #[cfg(feature = "go")]
    #[test]
    fn the_overlay_fits_the_installed_go() {
        let go = Go::find().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = write(&go, folder.path()).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        let replaced = json["Replace"].as_object().unwrap();
        for (standard, ours) in replaced {
            assert!(standard.starts_with(go.root().to_str().unwrap()), "{standard}");
            assert!(Path::new(ours.as_str().unwrap()).is_file(), "{ours}");
        }
    }
}
