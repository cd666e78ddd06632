//! The examples of apps in other languages than Rust, `guest-examples/LANGUAGE/NAME`: built with the tools of their languages,
//! by the commands that their README names, into `target/apps/LANGUAGE-NAME.wasm`; and the apps that try the SDKs.

use crate::languages::{
    Language, bindings, build as in_language, compile_c, from_pypi, npm_ci, pinned, pip_install, wit,
};
use crate::made::Made;
use crate::tools::{root, run};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A language with examples, and what builds one of them in a copy of its folder.
struct Examples {
    name: &'static str,
    language: Language,
    build: Build,
    /// What else they are made from, from the root of the repository.
    also: &'static [&'static str],
}

/// Makes a component in this place from a folder with an app.
type Build = fn(&Path, &Path) -> Result<()>;

const EXAMPLES: [Examples; 5] = [
    Examples {
        name: "typescript",
        language: Language::JavaScript,
        build: npm,
        also: &[],
    },
    Examples {
        name: "javascript",
        language: Language::JavaScript,
        build: npm,
        also: &[],
    },
    Examples {
        name: "python",
        language: Language::Python,
        build: python,
        also: &[],
    },
    Examples {
        name: "go",
        language: Language::Go,
        build: go,
        also: &["host/go-components/go", "host/go-components/src", "host/runtime/wit"],
    },
    Examples {
        name: "c",
        language: Language::C,
        build: c,
        also: &[],
    },
];

/// The examples that every language has.
const APPS: [&str; 2] = ["counter", "todo"];

/// The apps in Python that wait for several calls at once: their names, and where they are.
const WAIT: [(&str, &str); 2] = [
    ("fan-in", "guest-examples/python/fan-in"),
    ("sdk-async", "tests/sdks/python-async"),
];

/// The app of a language with an SDK that tries it, `tests/sdks/LANGUAGE`.
const TRIES_ITS_SDK: &str = "sdk";

const WORLD: &str = "dapr:host/http-app";
const ASYNC_WORLD: &str = "dapr:host/http-app-async";

/// Builds all that are not built yet.
pub(crate) fn build() -> Result<()> {
    let place = root().join("target/apps");
    for examples in &EXAMPLES {
        in_language(examples.name, examples.language, &place, || examples.make(&place))?;
    }
    Ok(())
}

impl Examples {
    fn make(&self, place: &Path) -> Result<()> {
        let folder = root().join("guest-examples").join(self.name);
        APPS.iter()
            .try_for_each(|app| self.make_app(place, app, &folder.join(app), self.build))?;
        if self.language == Language::Python {
            WAIT.iter()
                .try_for_each(|(app, folder)| self.make_app(place, app, &root().join(folder), python_async))?;
        }
        let trial = root().join("tests/sdks").join(self.name);
        match trial.is_dir() {
            true => self.make_app(place, TRIES_ITS_SDK, &trial, self.build),
            false => Ok(()),
        }
    }

    fn make_app(&self, place: &Path, app: &str, sources: &Path, build: Build) -> Result<()> {
        let mut also = vec![pinned()];
        also.extend(self.also.iter().map(|path| root().join(path)));
        let made = Made {
            place,
            name: &format!("{}-{app}", self.name),
            sources,
            also: &also,
            builder: include_str!("apps.rs"),
            build: &build,
        };
        made.make()
    }
}

fn npm(folder: &Path, component: &Path) -> Result<()> {
    npm_ci(folder)?;
    run(Command::new("npm").args(["run", "build"]).current_dir(folder))?;
    moved(&folder.join("build/app.wasm"), component)?;
    // 350 MB for each example, which nobody needs again before something changes.
    let modules = folder.join("node_modules");
    fs::remove_dir_all(&modules).with_context(|| format!("cannot remove {}", modules.display()))
}

fn python(folder: &Path, component: &Path) -> Result<()> {
    let programs = from_pypi()?;
    let vendor = folder.join("vendor");
    pip_install(&programs, &folder.join("requirements.txt"), Some(&vendor))?;
    run(Command::new(programs.join("componentize-py"))
        .args([
            "-d",
            "wit",
            "-w",
            WORLD,
            "componentize",
            "app",
            "-p",
            ".",
            "-p",
            "vendor",
            "-o",
        ])
        .arg(component)
        .current_dir(folder))
}

fn python_async(folder: &Path, component: &Path) -> Result<()> {
    run(Command::new(from_pypi()?.join("componentize-py"))
        .args(["-d", "wit", "-w", ASYNC_WORLD, "componentize", "app", "-p", ".", "-o"])
        .arg(component)
        .current_dir(folder))
}

fn go(folder: &Path, component: &Path) -> Result<()> {
    // Go keeps what it compiles beside the builds, for all of them.
    let cache = root().join("target/test-cache/go-apps");
    run(bindings().args(["go-app", WORLD]).arg(folder).arg(cache).arg(component))
}

fn c(folder: &Path, component: &Path) -> Result<()> {
    run(bindings().args(["c", WORLD]).arg(wit()).arg(folder.join("gen")))?;
    let sources = sources(folder, "c")?;
    compile_c(&from_pypi()?, folder, &sources, "http_app", component)
}

/// The files of a folder with this ending, in the order of their names.
fn sources(folder: &Path, ending: &str) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut names: Vec<_> = entries
        .flatten()
        .map(|entry| PathBuf::from(entry.file_name()))
        .filter(|name| name.extension().is_some_and(|extension| extension == ending))
        .map(|name| name.display().to_string())
        .collect();
    names.sort();
    Ok(names)
}

fn moved(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).with_context(|| format!("there is no {}", from.display()))
}
