//! Dapr's own components that tests use: built once, by the host itself, as a user would have them built.

use crate::tools::{root, run};
use anyhow::Result;
use std::process::Command;

/// The types, each of which has its tests in `tests/go_components/`.
const TYPES: [&str; 3] = ["state.in-memory", "state.memcached", "state.redis"];

/// Builds them with the host that was built before. It needs Go, and says so.
pub(crate) fn build() -> Result<()> {
    let target = root().join("target");
    let mut build = Command::new(target.join("debug/dapr-wasm"));
    build
        .args(["components", "build"])
        .args(TYPES)
        .env("XDG_DATA_HOME", target.join("test-data"))
        .env("XDG_CACHE_HOME", target.join("test-cache"));
    run(&mut build)
}
