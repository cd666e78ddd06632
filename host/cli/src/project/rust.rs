//! Rust: a package for cargo.

use super::{RUST, no_tool};
use crate::failure::{Failure, Outcome};
use crate::tell::one_line;
use serde::Deserialize;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What makes a folder such a project.
pub(super) const MANIFEST: &str = "Cargo.toml";

/// Which crates cargo has taken.
pub(super) const LOCK: &str = "Cargo.lock";

/// What apps are compiled for.
pub(crate) const TARGET: &str = "wasm32-wasip2";

/// Builds the project in `folder`, its output shown, and returns the component that came of it.
pub(super) fn build(folder: &Path) -> Outcome<PathBuf> {
    let shown = folder.display();
    let manifest = folder.join(MANIFEST);
    RUST.require(folder, "rustc")?;
    require_target(folder)?;
    let mut cargo = Command::new("cargo")
        .args([
            "build",
            "--release",
            "--target",
            TARGET,
            "--message-format",
            "json-render-diagnostics",
        ])
        .current_dir(folder)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| no_tool(folder, "cargo", RUST.get, &error))?;
    let output = cargo.stdout.take().expect("stdout is piped");
    let artifacts = artifacts(BufReader::new(output), &manifest);
    let status = cargo
        .wait()
        .map_err(|error| Failure::run("cannot wait for cargo").because(&error))?;
    if !status.success() {
        return Err(Failure::run(format!("`{shown}` does not build")).help("see cargo's messages above"));
    }
    match artifacts.as_slice() {
        [component] => Ok(component.clone()),
        [] => Err(Failure::usage(format!("building `{shown}` makes no WebAssembly")).help(
            "an app is a package with `crate-type = [\"cdylib\"]` or a main.rs; name its folder, not the workspace's",
        )),
        several => {
            let mut list: Vec<_> = several.iter().map(|path| in_a_line(path)).collect();
            // Cargo names them as they are done, which differs from build to build.
            list.sort();
            Err(Failure::usage(format!("building `{shown}` makes several components"))
                .detail(list.join("\n"))
                .help("run one of them by its path"))
        }
    }
}

fn in_a_line(path: &Path) -> String {
    one_line(&path.display().to_string()).into_owned()
}

/// A line of cargo's messages, as much as is used of it.
#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    manifest_path: PathBuf,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// The WebAssembly that cargo made of the project itself, not of its dependencies.
fn artifacts(messages: impl BufRead, manifest: &Path) -> Vec<PathBuf> {
    let manifest = manifest.canonicalize().unwrap_or_else(|_| manifest.to_owned());
    let messages = messages.lines().map_while(Result::ok);
    let messages = messages.filter_map(|line| serde_json::from_str::<Message>(&line).ok());
    messages
        .filter(|message| message.reason == "compiler-artifact" && message.manifest_path == manifest)
        .flat_map(|message| message.filenames)
        .filter(|file| file.extension().is_some_and(|extension| extension == "wasm"))
        .collect()
}

/// How to get what apps are compiled for.
pub(crate) fn add_target() -> String {
    format!("install it: rustup target add {TARGET} (https://rustup.rs)")
}

/// Rust reports a missing target as a missing `core` in every dependency, so it is asked for first.
fn require_target(folder: &Path) -> Outcome<()> {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        // The folder may ask for a toolchain of its own.
        .current_dir(folder)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| no_tool(folder, "rustc", RUST.get, &error))?;
    let library = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if output.status.success() && library.is_dir() {
        return Ok(());
    }
    Err(Failure::usage(format!("Rust's target {TARGET} is not installed")).help(add_target()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_projects_own_webassembly_counts() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","manifest_path":"/dep/Cargo.toml","filenames":["/t/dep.wasm"]}"#,
            "\n",
            r#"{"reason":"compiler-artifact","manifest_path":"/app/Cargo.toml","filenames":["/t/app.wasm","/t/app.d"]}"#,
            "\nnot json\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        assert_eq!(
            artifacts(messages.as_bytes(), Path::new("/app/Cargo.toml")),
            [PathBuf::from("/t/app.wasm")]
        );
    }
}
