//! `cargo xtask test`: guests, host, then every test.

use crate::guests;
use crate::tools::{cargo, root, run as run_command};
use anyhow::Result;

/// Builds what the tests run, and runs them.
pub(crate) fn run() -> Result<()> {
    guests::build()?;
    run_command(
        cargo()
            .args(["build", "--locked", "--package", "dapr-wasm"])
            .current_dir(root()),
    )?;
    run_command(
        cargo()
            .args(["test", "--locked", "--workspace", "--all-features"])
            .current_dir(root()),
    )
}
