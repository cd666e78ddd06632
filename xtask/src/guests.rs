//! The guests that tests and benchmarks run: built once, for the targets that they need.

use crate::tools::{cargo, output, root, run};
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::process::Command;

const TARGETS: [&str; 2] = ["wasm32-wasip1", "wasm32-wasip2"];

/// Guests that are core modules.
const CORE_MODULES: [&str; 2] = ["command", "reactor-p1"];

/// Builds all guests.
pub(crate) fn build() -> Result<()> {
    require_targets()?;
    for workspace in ["guest-examples", "tests/guests"] {
        let folder = root().join(workspace);
        let mut build = cargo();
        build
            .args([
                "build",
                "--release",
                "--locked",
                "--target",
                "wasm32-wasip2",
                "--workspace",
            ])
            .current_dir(&folder);
        if workspace == "tests/guests" {
            build.args(["--exclude", "reactor-p1"]);
        }
        run(&mut build)?;
    }
    let mut build = cargo();
    build.args(["build", "--release", "--locked", "--target", "wasm32-wasip1"]);
    build.args(CORE_MODULES.iter().flat_map(|guest| ["--package", guest]));
    run(build.current_dir(root().join("tests/guests")))
}

/// The file of a guest of `tests/guests` for `wasm32-wasip2`.
pub(crate) fn test_guest(name: &str) -> PathBuf {
    let file = format!("{}.wasm", name.replace('-', "_"));
    root().join("tests/guests/target/wasm32-wasip2/release").join(file)
}

/// The file of an example.
pub(crate) fn example(name: &str) -> PathBuf {
    let file = format!("{}.wasm", name.replace('-', "_"));
    root().join("guest-examples/target/wasm32-wasip2/release").join(file)
}

/// Adds the targets that the toolchain lacks.
fn require_targets() -> Result<()> {
    for target in TARGETS {
        let libdir = output(Command::new("rustc").args(["--print", "target-libdir", "--target", target]))?;
        if PathBuf::from(libdir).is_dir() {
            continue;
        }
        let mut add = Command::new("rustup");
        add.args(["target", "add", target]).current_dir(root());
        run(&mut add).with_context(|| format!("guests need Rust's target {target}, and rustup did not bring it"))?;
    }
    Ok(())
}
