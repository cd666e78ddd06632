//! Dapr's own components that tests use: built once, by the host itself, as a user would have them built; and the same code as
//! a native program, which they are compared with.

use crate::tools::{root, run};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The types, each of which has its tests in `tests/go_components/`, and two folders with Go packages of the tests' own.
pub(crate) const TESTED: [&str; 11] = [
    "secretstores.hashicorp.vault",
    "state.etcd",
    "state.in-memory",
    "state.memcached",
    "state.mysql",
    "state.postgresql",
    "state.postgresql/v1",
    "state.redis",
    "state.zookeeper",
    "tests/go-postgresql-panics",
    "tests/go-store-panics",
];

/// Builds components with a host that was built before. It needs Go, and says so.
pub(crate) fn build(host: &Path, types: &[&str]) -> Result<()> {
    let mut build = Command::new(host);
    build
        .args(["components", "build"])
        .args(types)
        .env("XDG_DATA_HOME", data_home())
        .env("XDG_CACHE_HOME", root().join("target/test-cache"))
        .current_dir(root());
    run(&mut build)
}

/// Where hosts find them.
pub(crate) fn data_home() -> PathBuf {
    root().join("target/test-data")
}

/// Builds the native program, and answers where it is.
pub(crate) fn native_go() -> Result<PathBuf> {
    let program = root().join("target/native-go");
    let mut build = Command::new("go");
    build
        .args(["build", "-mod=readonly", "-buildvcs=false", "-o"])
        .arg(&program)
        .arg(".");
    run(build.current_dir(root().join("tests/native-go"))).context("the native program needs Go")?;
    Ok(program)
}
