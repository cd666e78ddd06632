//! The instrumented build. `fuzz/.cargo/config.toml` says how, and why so.

use crate::tools::{cargo, output, root, run};
use anyhow::Result;
use std::path::PathBuf;
use std::process::Command;

/// Builds all targets, and returns the folder that they are in.
pub(super) fn build() -> Result<PathBuf> {
    let folder = root().join("fuzz");
    let mut build = cargo();
    build.args(["build", "--release", "--locked", "--bins"]);
    // They would replace the instrumentation.
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
        build.env_remove(variable);
    }
    run(build.current_dir(&folder))?;
    let here = output(Command::new("rustc").args(["--print", "host-tuple"]))?;
    Ok(folder.join("target").join(here).join("release"))
}
