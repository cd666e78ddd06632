//! Dapr's own components that tests use: built once, by the host itself, as a user would have them built; and the same code as
//! a native program, which they are compared with.

use crate::tools::{root, run};
use anyhow::Result;
use std::process::Command;

/// The types, each of which has its tests in `tests/go_components/`, and a folder with a Go package of the tests' own.
const WHAT: [&str; 8] = [
    "state.etcd",
    "state.in-memory",
    "state.memcached",
    "state.mysql",
    "state.postgresql",
    "state.redis",
    "state.zookeeper",
    "tests/go-store-panics",
];

/// Builds them with the host that was built before. It needs Go, and says so.
pub(crate) fn build() -> Result<()> {
    let data = root().join("target/test-data");
    let mut build = Command::new(root().join("target/debug/dapr-wasm"));
    build
        .args(["components", "build"])
        .args(WHAT)
        .env("XDG_DATA_HOME", &data)
        .env("XDG_CACHE_HOME", root().join("target/test-cache"))
        .current_dir(root());
    run(&mut build)?;
    let mut native = Command::new("go");
    native
        .args(["build", "-mod=readonly", "-o"])
        .arg(data.join("native"))
        .arg(".");
    run(native.current_dir(root().join("tests/native-go")))
}
