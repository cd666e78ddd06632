//! The newest release of Go that the host has an overlay for, whichever is installed: as its makers publish it, for another Go to
//! download.
//!
//! It is 75 MB, or nothing where this machine's folder of modules has it; and stays beside what tests compile. Not in the folder of
//! modules, where Go lets no file be replaced.

use dapr_wasm_tests::built;
use serde_json::Value;
use std::env::{join_paths, split_paths, var_os};
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What it says of itself.
pub(super) const VERSION: &str = "go1.27.3";

/// `PATH` with it in front.
pub(super) fn path() -> OsString {
    let programs = root().join("bin");
    let installed = var_os("PATH").unwrap_or_default();
    let path = std::iter::once(programs).chain(split_paths(&installed));
    join_paths(path).expect("no folder here has a colon in its name")
}

/// Where it lies: downloaded, if it was not before.
fn root() -> PathBuf {
    let said = go(&["env", "GOHOSTOS", "GOHOSTARCH", "GOMODCACHE", "GOPROXY"], &[]);
    let [system, machine, modules, proxy] = said.lines().collect::<Vec<_>>()[..] else {
        panic!("go env says {said}");
    };
    let module = format!("golang.org/toolchain@v0.0.1-{VERSION}.{system}-{machine}");
    let downloaded = go(
        &["mod", "download", "-json", &module],
        &[
            ("GOMODCACHE", &built::cache_home().join("go").display().to_string()),
            ("GOPROXY", &format!("file://{modules}/cache/download,{proxy}")),
            ("GOFLAGS", "-modcacherw"),
        ],
    );
    let downloaded: Value = serde_json::from_str(&downloaded).expect("it is JSON");
    let root = PathBuf::from(downloaded["Dir"].as_str().expect("it was downloaded"));
    // Modules have no programs: Go makes these ones, too, where it downloads itself.
    let tools = root.join(format!("pkg/tool/{system}_{machine}"));
    for folder in [root.join("bin"), tools] {
        make_programs(&folder);
    }
    root
}

fn make_programs(folder: &Path) {
    for entry in fs::read_dir(folder).expect("a Go has programs") {
        let program = entry.expect("it is readable").path();
        fs::set_permissions(&program, Permissions::from_mode(0o755)).expect("it is this user's");
    }
}

/// What a command of the installed Go prints, run in no module.
fn go(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let output = Command::new("go")
        .args(arguments)
        .envs(variables.iter().copied())
        .env("GOTOOLCHAIN", "local")
        .env("GOWORK", "off")
        .current_dir(std::env::temp_dir())
        .output()
        .expect("Go is installed");
    let (said, error) = (output.stdout, String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(said).expect("it is text");
    assert!(output.status.success(), "go {arguments:?}: {said}{error}");
    said
}
