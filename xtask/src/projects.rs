//! Projects as `dapr-wasm new` makes them, in each language that this machine has the tools of: what benchmarks build and
//! transcripts show.

use crate::languages::{self, Language};
use crate::tools::output;
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A language that `new` knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begun {
    /// What it is called.
    pub(crate) name: &'static str,
    /// What `new --lang` takes.
    pub(crate) word: &'static str,
    /// The file that a change is made in, and how a comment begins there.
    main: (&'static str, &'static str),
    /// None: it is what the host itself is built with.
    needs: Option<Language>,
}

const ALL: [Begun; 6] = [
    Begun {
        name: "Rust",
        word: "rust",
        main: ("src/lib.rs", "//"),
        needs: None,
    },
    Begun {
        name: "Go",
        word: "go",
        main: ("main.go", "//"),
        needs: Some(Language::Go),
    },
    Begun {
        name: "C",
        word: "c",
        main: ("counter.c", "//"),
        needs: Some(Language::C),
    },
    Begun {
        name: "TypeScript",
        word: "ts",
        main: ("src/app.ts", "//"),
        needs: Some(Language::JavaScript),
    },
    Begun {
        name: "JavaScript",
        word: "js",
        main: ("src/app.js", "//"),
        needs: Some(Language::JavaScript),
    },
    Begun {
        name: "Python",
        word: "python",
        main: ("app.py", "#"),
        needs: Some(Language::Python),
    },
];

/// A folder for projects, which is gone when this is dropped. Outside of the repository: cargo would take what is in it for a part
/// of its workspace.
pub(crate) struct Outside(PathBuf);

impl Outside {
    /// An empty one of this name.
    pub(crate) fn new(name: &str) -> Result<Self> {
        let path = std::env::temp_dir().join(format!("dapr-wasm-{name}"));
        // Left behind by a run that was killed.
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }

    /// Makes a folder in it.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.0.join(name);
        std::fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(path)
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        // What is left is removed by the next run.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Those that this machine has the tools of; it says which it leaves out.
pub(crate) fn languages() -> Vec<Begun> {
    let has_tools = |begun: &Begun| match begun.needs.and_then(Language::lacks) {
        None => true,
        Some(lacking) => {
            eprintln!("  without {}: {lacking}", begun.name);
            false
        }
    };
    ALL.into_iter().filter(has_tools).collect()
}

impl Begun {
    /// The host, which finds the language's tools where a user would have them.
    pub(crate) fn host(&self, program: &Path) -> Result<Command> {
        let mut host = Command::new(program);
        // Where cargo puts what it makes is the project's own `target`.
        host.env_remove("CARGO_TARGET_DIR");
        if self.needs == Some(Language::C) {
            host.env("PATH", path_with(languages::from_pypi()?)?);
        }
        Ok(host)
    }

    /// Changes a project, so that there is something to build: tools that find nothing changed do nothing.
    pub(crate) fn change(&self, project: &Path, number: usize) -> Result<()> {
        let (name, comment) = self.main;
        let path = project.join(name);
        let cannot = || format!("cannot change {}", path.display());
        let mut file = File::options().append(true).open(&path).with_context(cannot)?;
        writeln!(file, "{comment} change {number}").with_context(cannot)
    }
}

/// Has a project built, and answers where the component is.
pub(crate) fn built(build: &mut Command, folder: &Path) -> Result<PathBuf> {
    let said = output(build)?;
    let component = folder.join(said.lines().next_back().unwrap_or_default());
    match component.is_file() {
        true => Ok(component),
        false => bail!("there is no {}", component.display()),
    }
}

/// What is looked for in this folder first.
fn path_with(first: PathBuf) -> Result<OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = [first].into_iter().chain(std::env::split_paths(&path));
    std::env::join_paths(folders).context("a folder's name has a colon")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::root;

    /// A template that was renamed would be found out after minutes.
    #[test]
    fn the_file_that_is_changed_is_one_of_the_template() {
        let templates = root().join("host/cli/src/new/templates.rs");
        let templates = std::fs::read_to_string(templates).unwrap();
        for Begun { main: (file, _), .. } in ALL {
            assert!(templates.contains(&format!("(\"{file}\", ")), "{file}");
        }
    }
}
