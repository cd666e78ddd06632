//! Components that were written for other hosts, `tests/others`: built from what their authors publish, without a change, into
//! `target/others`.

use crate::languages::{Language, build as in_language, from_pypi, pinned};
use crate::made::{Made, copy};
use crate::tools::{cargo, output, root, run};
use anyhow::{Context, Result};
use serde::Deserialize;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The crate whose example is an HTTP server.
const WSTD: &str = "wstd";

/// Examples of componentize-py's source package, and the world of each.
const EXAMPLES: [(&str, &str); 2] = [
    ("http", "wasi:http/proxy@0.2.0"),
    ("http-p3", "wasi:http/service@0.3.0"),
];

fn place() -> PathBuf {
    root().join("target/others")
}

/// What is made from, and what builds it: `build` gets a folder for itself, and the file to make.
fn make(name: &str, also: &[PathBuf], build: &dyn Fn(&Path, &Path) -> Result<()>) -> Result<()> {
    let made = Made {
        place: &place(),
        name,
        sources: &root().join("tests/others"),
        also,
        builder: include_str!("others.rs"),
        build,
    };
    made.make()
}

/// Builds the one in Rust, if it is not built yet.
pub(crate) fn in_rust() -> Result<()> {
    make("wstd-http-server", &[root().join("tests/guests/Cargo.lock")], &wstd)
}

/// Builds those in other languages that are not built yet.
pub(crate) fn in_other_languages() -> Result<()> {
    in_language("python", Language::Python, &place(), || {
        EXAMPLES.iter().try_for_each(|(example, world)| {
            make(
                &format!("componentize-py-{example}"),
                &[pinned()],
                &|folder, component| componentize_py(folder, component, example, world),
            )
        })
    })?;
    Ok(())
}

/// Cargo's description of a workspace, as much as is used of it.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
}

/// Where cargo has unpacked the source of a crate that the guests depend on.
fn unpacked(name: &str) -> Result<PathBuf> {
    let manifest = root().join("tests/guests/Cargo.toml");
    let mut asked = cargo();
    asked.args(["metadata", "--format-version", "1", "--locked", "--manifest-path"]);
    let described = output(asked.arg(manifest))?;
    let described: Metadata = serde_json::from_str(&described).context("cargo describes the guests")?;
    let package = described.packages.into_iter().find(|package| package.name == name);
    let manifest = package
        .with_context(|| format!("no guest depends on {name}"))?
        .manifest_path;
    Ok(manifest.parent().unwrap_or(&manifest).to_owned())
}

fn wstd(folder: &Path, component: &Path) -> Result<()> {
    let copied = folder.join(WSTD);
    copy(&unpacked(WSTD)?, &copied)?;
    let manifest = copied.join("Cargo.toml");
    let written = OpenOptions::new().append(true).open(&manifest);
    written
        .and_then(|mut manifest| manifest.write_all(b"\n[workspace]\n"))
        .with_context(|| format!("cannot write {}", manifest.display()))?;
    let mut build = cargo();
    build
        .args(["build", "--release", "--locked", "--target", "wasm32-wasip2"])
        .args(["--example", "http_server"])
        .current_dir(&copied);
    run(&mut build)?;
    let target = copied.join("target");
    let built = target.join("wasm32-wasip2/release/examples/http_server.wasm");
    fs::rename(&built, component).with_context(|| format!("there is no {}", built.display()))?;
    // 100 MB that nobody needs again before something changes.
    fs::remove_dir_all(&target).with_context(|| format!("cannot remove {}", target.display()))
}

fn componentize_py(folder: &Path, component: &Path, example: &str, world: &str) -> Result<()> {
    let programs = from_pypi()?;
    let mut pip = Command::new(programs.join("python"));
    pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check"])
        .args(["--no-deps", "--no-binary", "componentize-py", "--require-hashes"])
        .args(["--requirement", "requirements.txt"]);
    run(pip.current_dir(folder))?;
    let packages = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut names = packages.flatten().map(|entry| entry.file_name());
    let package = names.find(|name| name.to_string_lossy().ends_with(".tar.gz"));
    let package = package.context("pip has brought no source package")?;
    run(Command::new("tar")
        .args(["-xzf".as_ref(), package.as_os_str()])
        .args(["--strip-components", "1"])
        .current_dir(folder))?;
    run(Command::new(programs.join("componentize-py"))
        .args(["-d", "../../wit", "-w", world, "componentize", "app", "-o"])
        .arg(component)
        .current_dir(folder.join("examples").join(example)))
}
