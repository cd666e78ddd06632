//! `cargo xtask test`: guests, host, then every test.

use crate::guests;
use crate::tools::{cargo, require_c_compiler, root, run as run_command};
use anyhow::Result;

/// What both builds of the host's workspace are given. Other features would compile wasmtime a second time.
const EVERYTHING: [&str; 3] = ["--locked", "--workspace", "--all-features"];

/// Builds what the tests run, and runs them.
pub(crate) fn run() -> Result<()> {
    require_c_compiler()?;
    guests::build()?;
    guests::test()?;
    // The tests start `dapr-wasm` itself, which `cargo test` alone does not build.
    let mut build = cargo();
    build.arg("build").args(EVERYTHING).arg("--all-targets");
    run_command(build.current_dir(root()))?;
    run_command(cargo().arg("test").args(EVERYTHING).current_dir(root()))?;
    eprintln!("> all tests passed");
    Ok(())
}
