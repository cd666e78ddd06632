//! The providers of `tests/providers`, in other languages than Rust: built with the tools of their languages, by the
//! commands that `docs/providers.md` names.

use crate::languages::{Language, bindings, build as in_language, compile_c, from_pypi, npm_ci, pinned, wit};
use crate::made::{Made, copy};
use crate::tools::{root, run};
use anyhow::{Context, Result, anyhow};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A provider: the folder of its sources, and what builds it in a copy of that folder.
struct Provider {
    name: &'static str,
    language: Language,
    build: fn(&Path, &Path) -> Result<()>,
}

const PROVIDERS: [Provider; 4] = [
    Provider {
        name: "javascript",
        language: Language::JavaScript,
        build: javascript,
    },
    Provider {
        name: "python",
        language: Language::Python,
        build: python,
    },
    Provider {
        name: "go",
        language: Language::Go,
        build: go,
    },
    Provider {
        name: "c",
        language: Language::C,
        build: c,
    },
];

const WORLD: &str = "dapr:host/state-store";

/// Where the Go code is that Go's bindings import: in the source of their generator, in this version of it.
const GO_GENERATOR: &str = "wit-bindgen-go-0.63.0";

/// Builds all providers that are not built yet.
pub(crate) fn build() -> Result<()> {
    let place = root().join("target/providers");
    for provider in &PROVIDERS {
        let made = Made {
            place: &place,
            name: provider.name,
            sources: &root().join("tests/providers").join(provider.name),
            also: &[wit(), pinned()],
            builder: include_str!("providers.rs"),
            build: &provider.build,
        };
        in_language(provider.name, provider.language, &place, || made.make())?;
    }
    Ok(())
}

fn javascript(folder: &Path, component: &Path) -> Result<()> {
    npm_ci(folder)?;
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
        .args(["-w", WORLD, "componentize", "store", "-o"])
        .arg(component)
        .current_dir(folder))
}

fn go(folder: &Path, component: &Path) -> Result<()> {
    run(bindings().args(["go", WORLD]).arg(wit()).arg(folder))?;
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
        .args(["embed", WORLD])
        .arg(wit())
        .arg(folder.join("core.wasm"))
        .arg(component))
}

fn c(folder: &Path, component: &Path) -> Result<()> {
    run(bindings().args(["c", WORLD]).arg(wit()).arg(folder.join("gen")))?;
    compile_c(&from_pypi()?, folder, &["store.c".to_owned()], "state_store", component)
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
