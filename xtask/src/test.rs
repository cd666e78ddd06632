//! `cargo xtask test`: servers, guests, host, guests in other languages, then every test.

use crate::tools::{cargo, require_c_compiler, root, run as run_command};
use crate::{apps, components, guests, others, providers, servers};
use anyhow::Result;

/// Which tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All.
    Everything,
    /// Those that need Rust alone.
    Core,
}

impl Scope {
    /// What both builds of the host's workspace are given. Other features of the host would compile wasmtime a second
    /// time.
    pub(crate) fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Everything => &["--locked", "--workspace", "--all-features"],
            // All features that are no defaults, but `servers` of the tests.
            Self::Core => &[
                "--locked",
                "--workspace",
                "--features",
                "dapr-blocks/conformance,xtask/baseline",
            ],
        }
    }
}

/// Gets and builds what the tests run, and runs them.
pub(crate) fn run(scope: Scope) -> Result<()> {
    prepare(scope)?;
    guests::test()?;
    run_command(cargo().arg("test").args(scope.arguments()).current_dir(root()))?;
    eprintln!("> all tests passed");
    Ok(())
}

/// Gets and builds what the tests run.
pub(crate) fn prepare(scope: Scope) -> Result<()> {
    prepare_host(scope)?;
    if scope == Scope::Everything {
        components::build(&root().join("target/debug/dapr-wasm"), &components::TESTED)?;
        components::native_go()?;
        in_other_languages()?;
    }
    Ok(())
}

/// What those need that use nothing but the host, its guests and servers.
pub(crate) fn prepare_host(scope: Scope) -> Result<()> {
    require_c_compiler()?;
    if scope == Scope::Everything {
        servers::require()?;
    }
    guests::build()?;
    others::in_rust()?;
    // The tests start `dapr-wasm` itself, which `cargo test` alone does not build.
    let mut build = cargo();
    build.arg("build").args(scope.arguments()).arg("--all-targets");
    run_command(build.current_dir(root()))
}

/// Builds the guests. The build of the workspace has to be there, for what generates bindings.
pub(crate) fn guests() -> Result<()> {
    guests::build()?;
    others::in_rust()?;
    in_other_languages()
}

fn in_other_languages() -> Result<()> {
    providers::build()?;
    apps::build()?;
    others::in_other_languages()
}
