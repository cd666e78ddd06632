//! Languages beside Rust: their tools, and whether this machine has them.
//!
//! Tools come from npm and PyPI, in versions that are pinned beside the sources, and stay in `target`. The bindings of C and Go
//! are written by `guest-bindings`, which the build of the workspace makes.

use crate::tools::{output, root, run};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program that a language needs, and where one gets it.
struct Tool {
    program: &'static str,
    version: &'static str,
    help: &'static str,
}

const NODE: Tool = Tool {
    program: "npm",
    version: "--version",
    help: "Node 20 or newer with npm, on Debian with `apt-get install nodejs npm`",
};

const PYTHON: Tool = Tool {
    program: "python3",
    version: "--version",
    help: "Python 3.10 or newer with pip and venv, on Debian with `apt-get install python3-venv`",
};

const GO: Tool = Tool {
    program: "go",
    version: "version",
    help: "Go 1.26 or newer, from https://go.dev/dl",
};

/// A language that guests are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// By Zig's compiler, which PyPI has.
    C,
    Go,
    /// And TypeScript.
    JavaScript,
    Python,
}

impl Language {
    fn tool(self) -> Tool {
        match self {
            Self::C | Self::Python => PYTHON,
            Self::Go => GO,
            Self::JavaScript => NODE,
        }
    }

    /// What it needs and this machine does not have.
    pub(crate) fn lacks(self) -> Option<String> {
        let tool = self.tool();
        let error = output(Command::new(tool.program).arg(tool.version)).err()?;
        Some(format!("it needs {}: {error:#}", tool.help))
    }
}

/// Builds what is in a language, and answers whether that was done. Where its tools are not there, it says so and leaves a note
/// for the tests in the folder of what is built; under CI, where all languages have to be there, it fails.
pub(crate) fn build(name: &str, language: Language, place: &Path, build: impl FnOnce() -> Result<()>) -> Result<bool> {
    fs::create_dir_all(place).with_context(|| format!("cannot create {}", place.display()))?;
    let note = place.join(format!("{name}.no-tools"));
    let Some(lacking) = language.lacks() else {
        if note.exists() {
            fs::remove_file(&note).with_context(|| format!("cannot remove {}", note.display()))?;
        }
        return build().map(|()| true);
    };
    if std::env::var_os("CI").is_some() {
        bail!("guests in {name} cannot be built, and CI is set: {lacking}");
    }
    eprintln!("> no guests in {name}, and no tests of them: {lacking}");
    fs::write(&note, lacking).with_context(|| format!("cannot write {}", note.display()))?;
    Ok(false)
}

/// The contract.
pub(crate) fn wit() -> PathBuf {
    root().join("wit")
}

/// What programs of PyPI guests are built with, by version.
pub(crate) fn pinned() -> PathBuf {
    root().join("tests/providers/requirements.txt")
}

/// Installs what a project's `package-lock.json` says.
pub(crate) fn npm_ci(folder: &Path) -> Result<()> {
    run(Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund"])
        .current_dir(folder))
}

/// What generates bindings, and makes components of Go.
pub(crate) fn bindings() -> Command {
    Command::new(root().join("target/debug/guest-bindings"))
}

/// The folder of programs that PyPI has given.
pub(crate) fn from_pypi() -> Result<PathBuf> {
    let environment = root().join("target/python-tools");
    let programs = environment.join("bin");
    if !programs.join("pip").is_file() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&environment))
            .with_context(|| format!("guests need {}", PYTHON.help))?;
    }
    let (list, installed) = (pinned(), environment.join("installed.txt"));
    let wanted = fs::read(&list).with_context(|| format!("cannot read {}", list.display()))?;
    if !fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        pip_install(&programs, &list, None)?;
        fs::write(&installed, wanted).with_context(|| format!("cannot write {}", installed.display()))?;
    }
    Ok(programs)
}

/// Installs what a file lists, for the programs themselves or into a folder.
pub(crate) fn pip_install(programs: &Path, list: &Path, folder: Option<&Path>) -> Result<()> {
    let mut pip = Command::new(programs.join("python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    if let Some(folder) = folder {
        pip.arg("--target").arg(folder);
    }
    run(pip.arg("--requirement").arg(list))
}

/// Compiles C into a core module that has its contract in it: `bindings` are the generated files, by their common name.
pub(crate) fn compile_c(programs: &Path, folder: &Path, sources: &[String], bindings: &str, to: &Path) -> Result<()> {
    run(Command::new(programs.join("python"))
        .args(["-m", "ziglang", "cc", "-target", "wasm32-wasi", "-Os"])
        .args(["-Wall", "-Werror", "-mexec-model=reactor", "-Igen", "-o"])
        .arg(to)
        .args(sources)
        .args([format!("gen/{bindings}.c"), format!("gen/{bindings}_component_type.o")])
        .arg("-Wl,--strip-all")
        .current_dir(folder))
}
