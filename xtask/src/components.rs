//! Dapr's own components that tests use: built once, by the host itself, as a user would have them built.

use crate::tools::{root, run};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The types, each of which has its tests in `tests/go_components/`.
pub(crate) const TESTED: [&str; 3] = ["state.in-memory", "state.memcached", "state.redis"];

/// Builds components with a host that was built before. It needs Go, and says so.
pub(crate) fn build(host: &Path, types: &[&str]) -> Result<()> {
    let mut build = Command::new(host);
    build
        .args(["components", "build"])
        .args(types)
        .env("XDG_DATA_HOME", data_home())
        .env("XDG_CACHE_HOME", root().join("target/test-cache"));
    run(&mut build)
}

/// Where hosts find them.
pub(crate) fn data_home() -> PathBuf {
    root().join("target/test-data")
}

/// Builds the program that the same stores are in natively, and answers where it is.
pub(crate) fn native_go() -> Result<PathBuf> {
    let program = root().join("target/native-go");
    let mut build = Command::new("go");
    build.args(["build", "-buildvcs=false", "-o"]).arg(&program).arg(".");
    run(build.current_dir(root().join("tests/native-go"))).context("the native program needs Go")?;
    Ok(program)
}
