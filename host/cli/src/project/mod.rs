//! A folder with a project, built into a component by the tools of its language, whose output is shown.
//!
//! | language | known by | built by | into |
//! |---|---|---|---|
//! | Rust | `Cargo.toml` | `cargo build --release --target wasm32-wasip2` | where cargo puts it |
//! | TypeScript, JavaScript | `package.json` | `npm run build` | `build/app.wasm` |
//! | Python | `app.py` | `componentize-py`, in an environment of the project's own | `build/app.wasm` |
//! | Go | `go.mod` | `go build`, with the overlay of Dapr's components | `build/app.wasm`, of a store `build/store.wasm` |
//! | C | `.c` files | Zig or a clang for WASI, with bindings of this host's | `build/app.wasm` |
//!
//! What a build needs and the project lacks is brought: the WIT of this host, what `package.json` and `requirements.txt` ask
//! for. WIT that is there is left as it is: where it is not this host's, that is said. The tools themselves are the user's: where one is missing, the error says how to get it.

#[cfg(feature = "c-bindings")]
mod c;
#[cfg(feature = "go-components")]
mod go;
mod javascript;
mod packages;
mod python;
mod rust;
mod tool;
mod world;

#[cfg(feature = "c-bindings")]
pub(crate) use c::{C, Compiler};
pub(crate) use rust::{TARGET, add_target};
pub(crate) use tool::{NODE, PYTHON, RUST, Tool, number, said};

use crate::failure::{Failure, Outcome};
use crate::wit;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where builds put what they make, but for cargo's.
const COMPONENT: &str = "build/app.wasm";

/// Files in which tools write down what they have taken, by their names.
pub(crate) const LOCKS: [&str; 2] = [rust::LOCK, javascript::LOCK];

/// Builds the project in a folder, and answers where the component is.
pub(crate) fn build(folder: &Path) -> Outcome<PathBuf> {
    require_folder(folder)?;
    wit::warn_of_another_version(&folder.join("wit"));
    let has = |name: &str| folder.join(name).is_file();
    if has(rust::MANIFEST) {
        return rust::build(folder);
    }
    if has(javascript::MANIFEST) {
        return javascript::build(folder);
    }
    if has("go.mod") {
        #[cfg(feature = "go-components")]
        return go::build(folder);
        #[cfg(not(feature = "go-components"))]
        return Err(Failure::usage("this host was built without what builds Go").help(
            "build it with the cargo feature `go-components`, or build the app elsewhere and give its .wasm file",
        ));
    }
    if has(python::APP) {
        return python::build(folder);
    }
    #[cfg(feature = "c-bindings")]
    if c::is_in(folder) {
        return c::build(folder);
    }
    let shown = folder.display();
    Err(Failure::usage(format!("there is no project in `{shown}` that this host builds"))
        .help(
            "it builds Rust (Cargo.toml), TypeScript and JavaScript (package.json), Python (app.py), Go (go.mod) and C \
             (.c files)",
        )
        .help("build others yourself, and give the .wasm file; `dapr-wasm new NAME` makes a project"))
}

fn require_folder(folder: &Path) -> Outcome<()> {
    let shown = folder.display();
    match fs::metadata(folder) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(Failure::usage(format!("`{shown}` is a file, and a project is a folder")).help("name its folder")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Failure::usage(format!("there is no folder `{shown}`")).help("`dapr-wasm new NAME` makes a project"))
        }
        Err(error) => Err(Failure::usage(format!("cannot read `{shown}`")).because(&error)),
    }
}

/// Brings the WIT of this host, where a project has none but a world of its own.
fn bring_wit(folder: &Path) -> Outcome<()> {
    wit::bring(&folder.join("wit"))
}

/// Runs a tool to its end, its output shown on standard error: standard output is the app's.
fn run(folder: &Path, tool: &str, arguments: &[&str], help: &str) -> Outcome<()> {
    let status = Command::new(tool)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(io::stderr())
        .status()
        .map_err(|error| no_tool(folder, tool, help, &error))?;
    match status.success() {
        true => Ok(()),
        false => {
            let (shown, words) = (folder.display(), arguments.join(" "));
            Err(
                Failure::run(format!("`{shown}` does not build: `{tool} {words}` failed"))
                    .help("see its messages above"),
            )
        }
    }
}

/// The same for what compiles the app itself, which may lack something in its world.
fn compile(folder: &Path, tool: &str, arguments: &[&str], help: &str) -> Outcome<()> {
    let outcome = run(folder, tool, arguments, help);
    outcome.map_err(|failure| match failure.is_mistake() {
        // It does not start.
        true => failure,
        false => world::advised(failure, folder),
    })
}

/// What a build has made, if it has.
fn made(folder: &Path, by: &str) -> Outcome<PathBuf> {
    let component = folder.join(COMPONENT);
    match component.is_file() {
        true => Ok(component),
        false => Err(
            Failure::usage(format!("building `{}` makes no {COMPONENT}", folder.display()))
                .help(format!("have {by} write the component there")),
        ),
    }
}

fn no_tool(folder: &Path, tool: &str, help: &str, error: &io::Error) -> Failure {
    Failure::usage(format!("cannot build `{}`: {tool} does not start", folder.display()))
        .because(error)
        .help(format!("{help}, or build the app elsewhere and give its .wasm file"))
}
