//! `cargo xtask test`: servers, guests, host, guests in other languages, then every test of what this machine has the tools of.

use crate::languages::Language;
use crate::left_out::LeftOut;
use crate::tools::{cargo, require_c_compiler, root, run as run_command};
use crate::{apps, components, guests, others, providers, servers};
use anyhow::Result;

/// Which tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All.
    Everything,
    /// All but those of Dapr's own components, which Go builds.
    WithoutGo,
    /// Those that need Rust alone.
    Core,
}

impl Scope {
    /// What both builds of the host's workspace are given. Other features of the host would compile wasmtime a second
    /// time.
    pub(crate) fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Everything => &["--locked", "--workspace", "--all-features"],
            // All features that are no defaults, but `go` of those who have one.
            Self::WithoutGo => &[
                "--locked",
                "--workspace",
                "--features",
                "dapr-blocks/conformance,dapr-wasm-tests/servers,xtask/baseline,xtask/bindings",
            ],
            // The same, but `servers` of the tests and the bindings of guests.
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
    // Before builds of some minutes.
    let left_out = match scope {
        Scope::Core => LeftOut::nothing(),
        _ => LeftOut::look()?,
    };
    let scope = match scope {
        Scope::Everything if left_out.has(Language::Go) => Scope::WithoutGo,
        scope => scope,
    };
    prepare(scope)?;
    guests::test()?;
    run_command(cargo().arg("test").args(scope.arguments()).current_dir(root()))?;
    eprintln!("> {left_out}");
    Ok(())
}

/// Gets and builds what the tests run.
pub(crate) fn prepare(scope: Scope) -> Result<()> {
    prepare_host(scope)?;
    if scope == Scope::Everything {
        components::build(&root().join("target/debug/dapr-wasm"), &components::TESTED)?;
        components::native_go()?;
    }
    match scope {
        Scope::Core => Ok(()),
        _ => in_other_languages(),
    }
}

/// What those need that use nothing but the host, its guests and servers.
pub(crate) fn prepare_host(scope: Scope) -> Result<()> {
    require_c_compiler()?;
    if scope != Scope::Core {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::output;
    use serde_json::Value;
    use std::collections::BTreeSet;

    /// A feature that is added to a crate, and is forgotten here, would leave out tests that nobody misses.
    #[test]
    fn without_go_all_features_are_there_but_those_of_go() {
        let mut metadata = cargo();
        metadata.args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
            "--locked",
        ]);
        let metadata = output(metadata.current_dir(root())).unwrap();
        let metadata: Value = serde_json::from_str(&metadata).unwrap();
        let mut optional = BTreeSet::new();
        for package in metadata["packages"].as_array().unwrap() {
            let features = package["features"].as_object().unwrap();
            let defaults = features.get("default").and_then(Value::as_array);
            let defaults: BTreeSet<_> = defaults.into_iter().flatten().filter_map(Value::as_str).collect();
            let others = features
                .keys()
                .filter(|name| *name != "default" && !defaults.contains(name.as_str()));
            optional.extend(others.map(|name| format!("{}/{name}", package["name"].as_str().unwrap())));
        }
        let named = Scope::WithoutGo.arguments().last().unwrap();
        let of_go: BTreeSet<_> = optional
            .iter()
            .filter(|name| !named.split(',').any(|named| named == *name))
            .collect();
        assert_eq!(
            of_go.into_iter().collect::<Vec<_>>(),
            ["dapr-go-components/go", "dapr-wasm-tests/go"]
        );
        assert!(named.split(',').all(|named| optional.contains(named)));
    }
}
