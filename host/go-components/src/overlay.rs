//! The overlay on Go's standard library: which files it replaces, adds and edits, by the release of Go.
//!
//! A file of ours stands for one of Go's, or joins its package. An edit takes a text that has to be in Go's file exactly
//! once: a Go that is not as it was released does not build something else, it is an error. So none of Go's sources are
//! stored here. `go build -overlay` uses the result for one build and leaves the installation as it is.

use crate::files::{self, GO};
use crate::{BuildError, Go, GoVersion};
use std::collections::BTreeMap;
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

pub(crate) fn oldest() -> String {
    supported().swap_remove(0)
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
        replaced.insert(standard.join(name), folder.join(name));
    }
    for (name, text) in edited(&standard)? {
        let to = folder.join(name);
        std::fs::write(&to, text).map_err(BuildError::files(&to))?;
        replaced.insert(standard.join(name), to);
    }
    let file = folder.join("overlay.json");
    let json = serde_json::json!({ "Replace": replaced }).to_string();
    std::fs::write(&file, json).map_err(BuildError::files(&file))?;
    Ok(file)
}

fn overlay() -> Result<&'static include_dir::Dir<'static>, BuildError> {
    GO.get_dir("overlay")
        .ok_or_else(|| BuildError::Component("this program has no overlay".into()))
}

/// The files that are edited, as they are to be.
fn edited(standard: &Path) -> Result<BTreeMap<&'static str, String>, BuildError> {
    let mut texts = BTreeMap::new();
    for edit in &EDITS {
        let path = standard.join(edit.file);
        if !texts.contains_key(edit.file) {
            let text = std::fs::read_to_string(&path).map_err(BuildError::files(&path))?;
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
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "package other\n").unwrap();
        }
        let error = edited(root.path()).unwrap_err().to_string();
        assert!(
            error.contains("syscall/fs_wasip1.go") && error.contains("0 places"),
            "{error}"
        );
    }

    #[test]
    fn the_overlay_fits_the_installed_go() {
        let Ok(go) = Go::find() else {
            return; // `cargo xtask test` sees to it that there is one
        };
        let folder = tempfile::tempdir().unwrap();
        let file = write(&go, folder.path()).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let replaced = json["Replace"].as_object().unwrap();
        for (standard, ours) in replaced {
            assert!(standard.starts_with(go.root().to_str().unwrap()), "{standard}");
            assert!(Path::new(ours.as_str().unwrap()).is_file(), "{ours}");
        }
        // What stands for a file of Go stands for one that is there.
        for name in [
            "runtime/netpoll_wasip1.go",
            "syscall/net_wasip1.go",
            "net/net_fake.go",
            "net/lookup_unix.go",
        ] {
            let standard = go.root().join("src").join(name);
            assert!(
                standard.is_file() && replaced.contains_key(standard.to_str().unwrap()),
                "{name}"
            );
        }
    }
}
