//! Languages beside Rust: their tools, and whether this machine has them.
//!
//! Tools come from npm and PyPI, in versions that are pinned beside the sources, and stay in `target`. The bindings of C and Go
//! are written by `guest-bindings`, which the build of the workspace makes.

use crate::tools::{output, root, run};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Releases of Node.js and Python that tools run on: these and later ones.
const NODE: (u32, u32) = (20, 0);
const PYTHON: (u32, u32) = (3, 10);

/// Releases of Go that the host has an overlay for, and no others.
const GO: [(u32, u32); 2] = [(1, 26), (1, 27)];

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

/// What a program prints when it is asked this, if it is there and answers.
type Asked<'a> = &'a dyn Fn(&str, &[&str]) -> Option<String>;

impl Language {
    pub(crate) const ALL: [Self; 4] = [Self::C, Self::Go, Self::JavaScript, Self::Python];

    /// What it is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::C => "C",
            Self::Go => "Go",
            Self::JavaScript => "JavaScript and TypeScript",
            Self::Python => "Python",
        }
    }

    /// What it needs and this machine does not have.
    pub(crate) fn lacks(self) -> Option<String> {
        self.lacks_where(&|program, arguments| output(Command::new(program).args(arguments)).ok())
    }

    fn lacks_where(self, asked: Asked<'_>) -> Option<String> {
        let (needs, lacking) = match self {
            Self::C | Self::Python => (
                "Python 3.10 or newer with pip and venv, on Debian with `apt-get install python3-venv`",
                lacking_of_python(asked),
            ),
            Self::Go => ("Go 1.26 or 1.27, from https://go.dev/dl", lacking_of_go(asked)),
            Self::JavaScript => (
                "Node.js 20 or newer with npm, from https://nodejs.org",
                lacking_of_node(asked),
            ),
        };
        lacking.map(|lacking| format!("it needs {needs}: {lacking}"))
    }
}

fn lacking_of_python(asked: Asked<'_>) -> Option<String> {
    let lacking = too_old(asked("python3", &["--version"]), "python3", PYTHON);
    // Debian has them in a package of their own.
    let has_venv = || asked("python3", &["-c", "import ensurepip, venv"]).is_some();
    lacking.or_else(|| (!has_venv()).then(|| "python3 is without venv and pip".to_owned()))
}

fn lacking_of_go(asked: Asked<'_>) -> Option<String> {
    match asked("go", &["env", "GOVERSION"]) {
        None => Some("go is not there".to_owned()),
        Some(said) if release(&said).is_some_and(|found| GO.contains(&found)) => None,
        Some(said) => Some(format!("go is {said}")),
    }
}

fn lacking_of_node(asked: Asked<'_>) -> Option<String> {
    let lacking = too_old(asked("node", &["--version"]), "node", NODE);
    let has_npm = || asked("npm", &["--version"]).is_some();
    lacking.or_else(|| (!has_npm()).then(|| "npm is not there".to_owned()))
}

/// What is wrong with a program that said this of its version.
fn too_old(said: Option<String>, program: &str, least: (u32, u32)) -> Option<String> {
    match said {
        None => Some(format!("{program} is not there")),
        Some(said) if release(&said).is_some_and(|found| found >= least) => None,
        Some(said) => Some(format!("{program} is {said}")),
    }
}

/// The first two numbers in what a program says of its version: `Python 3.11.2`, `v20.11.1`, `go1.26.8`.
fn release(said: &str) -> Option<(u32, u32)> {
    let number = said.trim_start_matches(|char: char| !char.is_ascii_digit());
    let mut parts = number.split(|char: char| !char.is_ascii_digit()).map(str::parse);
    Some((parts.next()?.ok()?, parts.next().and_then(Result::ok).unwrap_or(0)))
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
    let installed = environment.join("installed.txt");
    if !programs.join("pip").is_file() {
        // It says what was in one that is not there any more.
        let _ = fs::remove_file(&installed);
        run(Command::new("python3").args(["-m", "venv"]).arg(&environment)).context("guests need Python with venv")?;
    }
    let list = pinned();
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine with programs that say this of their versions.
    fn lacks(language: Language, programs: &[(&str, &str)]) -> Option<String> {
        let asked = |program: &str, arguments: &[&str]| {
            let found = programs.iter().find(|(name, _)| *name == program)?;
            let asks_for_venv = arguments.contains(&"import ensurepip, venv");
            (!asks_for_venv || !found.1.contains("without venv")).then(|| found.1.to_owned())
        };
        language.lacks_where(&asked)
    }

    #[test]
    fn a_language_is_there_with_tools_that_are_new_enough() {
        for (language, programs) in [
            (Language::C, &[("python3", "Python 3.10.0")][..]),
            (Language::Python, &[("python3", "Python 3.13.1")]),
            (Language::Go, &[("go", "go1.26.8")]),
            (Language::Go, &[("go", "go1.27rc1")]),
            (Language::JavaScript, &[("node", "v20.0.0"), ("npm", "10.2.4")]),
            (Language::JavaScript, &[("node", "v100.1.0"), ("npm", "10.2.4")]),
        ] {
            assert_eq!(lacks(language, programs), None, "{programs:?}");
        }
    }

    #[test]
    fn what_is_not_there_or_too_old_is_named() {
        for (language, programs, named) in [
            (Language::C, &[][..], "python3 is not there"),
            (
                Language::Python,
                &[("python3", "Python 3.9.2")],
                "python3 is Python 3.9.2",
            ),
            (
                Language::Python,
                &[("python3", "Python 3.11.2 without venv")],
                "python3 is without venv and pip",
            ),
            (Language::Go, &[], "go is not there"),
            (Language::Go, &[("go", "go1.25.1")], "go is go1.25.1"),
            (Language::Go, &[("go", "go1.28")], "go is go1.28"),
            (Language::JavaScript, &[("npm", "10.2.4")], "node is not there"),
            (
                Language::JavaScript,
                &[("node", "v18.19.0"), ("npm", "10.2.4")],
                "node is v18.19.0",
            ),
            (Language::JavaScript, &[("node", "v20.0.0")], "npm is not there"),
        ] {
            let lacking = lacks(language, programs).unwrap();
            assert!(lacking.starts_with("it needs "), "{lacking}");
            assert!(lacking.ends_with(&format!(": {named}")), "{lacking}");
        }
    }

    /// Of another workspace member, which `xtask` does not wait for.
    #[test]
    fn the_releases_of_go_are_those_of_the_hosts_overlay() {
        let overlay = fs::read_to_string(root().join("host/go-components/src/overlay.rs")).unwrap();
        assert!(overlay.contains(&format!("const RELEASES: [(u32, u32); {}] = {GO:?};", GO.len())));
    }
}
