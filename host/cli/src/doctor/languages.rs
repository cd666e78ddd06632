//! What each language's own tools are, whether they are there, and how to get them.

use super::{Finding, State};
#[cfg(feature = "c-bindings")]
use crate::project::{C as GET_C, Compiler};
use crate::project::{NODE, PYTHON, RUST, TARGET, Tool, add_target, number, said};
#[cfg(feature = "go-components")]
use dapr_go_components::BuildError;
use std::path::Path;

pub(super) fn findings() -> Vec<Finding> {
    vec![rust(), javascript(), python(), go(), c()]
}

fn rust() -> Finding {
    const NAME: &str = "Rust";
    let Some(said_version) = said("cargo", ["--version"]) else {
        return missing(NAME, "cargo", RUST.get);
    };
    if RUST.is_too_old(&said_version) {
        return too_old(NAME, &RUST, &said_version);
    }
    let version = said_version.split_whitespace().nth(1).unwrap_or("of some version");
    let library = said("rustc", ["--print", "target-libdir", "--target", TARGET]);
    let finding = match library.is_some_and(|library| Path::new(&library).is_dir()) {
        true => Finding::ok(NAME, format_args!("cargo {version}, target {TARGET}")),
        false => Finding::not(
            NAME,
            State::Missing,
            format_args!("cargo {version}, without the target {TARGET}"),
            add_target(),
        ),
    };
    finding.version(version)
}

fn javascript() -> Finding {
    const NAME: &str = "JavaScript";
    let Some(version) = said("node", ["--version"]) else {
        return missing(NAME, "node", NODE.get);
    };
    if NODE.is_too_old(&version) {
        return too_old(NAME, &NODE, &version);
    }
    let version = number(&version);
    let finding = match said("npm", ["--version"]) {
        Some(npm) => Finding::ok(NAME, format_args!("Node.js {version}, npm {npm}")),
        None => Finding::not(
            NAME,
            State::Missing,
            format_args!("Node.js {version}, without `npm`"),
            NODE.get,
        ),
    };
    finding.version(version)
}

fn python() -> Finding {
    const NAME: &str = "Python";
    let Some(version) = said("python3", ["--version"]) else {
        return missing(NAME, "python3", PYTHON.get);
    };
    if PYTHON.is_too_old(&version) {
        return too_old(NAME, &PYTHON, &version);
    }
    let version = number(&version);
    let finding = match said("python3", ["-c", "import ensurepip, venv"]) {
        Some(_) => Finding::ok(NAME, format_args!("Python {version}")),
        None => Finding::not(
            NAME,
            State::Missing,
            format_args!("Python {version}, without venv and pip"),
            "install them: apt-get install python3-venv",
        ),
    };
    finding.version(version)
}

#[cfg(feature = "go-components")]
fn go() -> Finding {
    const NAME: &str = "Go";
    let help = format!(
        "install Go {}: https://go.dev/dl",
        dapr_go_components::supported().join(" or ")
    );
    match dapr_go_components::Go::find() {
        Ok(go) => {
            let version = go.version().to_string();
            let version = number(&version);
            Finding::ok(NAME, format_args!("Go {version}, for Dapr's own components, too")).version(version)
        }
        Err(BuildError::NoGo { .. }) => missing(NAME, "go", &help),
        Err(error) => Finding::not(NAME, State::Missing, &error, help),
    }
}

#[cfg(not(feature = "go-components"))]
fn go() -> Finding {
    const NAME: &str = "Go";
    match said("go", ["version"]) {
        Some(version) => Finding::ok(NAME, &version).version(number(&version)),
        None => missing(NAME, "go", "install Go: https://go.dev/dl"),
    }
}

#[cfg(feature = "c-bindings")]
fn c() -> Finding {
    const NAME: &str = "C";
    let passed_over = Compiler::passed_over()
        .map(|folder| format!("there is no clang for WASI in `{folder}`, which WASI_SDK_PATH names"));
    let Some(compiler) = Compiler::find() else {
        let says = passed_over.as_deref().unwrap_or("no compiler for WebAssembly is there");
        return Finding::not(NAME, State::Missing, says, GET_C);
    };
    let says = format!("{compiler}, for C and C++");
    let finding = match passed_over {
        None => Finding::ok(NAME, says),
        Some(passed_over) => Finding::not(
            NAME,
            State::Warning,
            format_args!("{says}; {passed_over}"),
            "name the folder of wasi-sdk in WASI_SDK_PATH, or unset it",
        ),
    };
    let program = Path::new(compiler.program());
    let finding = finding.version(compiler.version());
    match program.is_absolute() {
        true => finding.path(program),
        // It is found in PATH.
        false => finding,
    }
}

#[cfg(not(feature = "c-bindings"))]
fn c() -> Finding {
    Finding::not(
        "C",
        State::Missing,
        "this host was built without what writes bindings for C",
        "build it with the cargo feature `c-bindings`",
    )
}

fn missing(name: &'static str, tool: &str, help: &str) -> Finding {
    Finding::not(name, State::Missing, format_args!("`{tool}` is not there"), help)
}

fn too_old(name: &'static str, tool: &Tool, version: &str) -> Finding {
    let says = tool.too_old(version);
    let version = number(version).split_whitespace().next().unwrap_or_default();
    Finding::not(name, State::Missing, says, tool.get).version(version)
}
