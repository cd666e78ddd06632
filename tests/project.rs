//! The README's first command: a folder with a Cargo project is built, its build shown, and served.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use dapr_wasm_tests::Launch;
use dapr_wasm_tests::built::repository;
use std::path::Path;
use std::process::Command;

/// A `target` of this test's own: other tests read what is in the workspace's, and cargo replaces what it makes.
const TARGET: (&str, &str) = ("CARGO_TARGET_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/counter"));

/// Where cargo and rustup keep what they have, which a host under test is not told.
const HOMES: [&str; 3] = ["HOME", "CARGO_HOME", "RUSTUP_HOME"];

fn homes() -> impl Iterator<Item = (&'static str, String)> {
    HOMES
        .into_iter()
        .filter_map(|name| Some((name, std::env::var(name).ok()?)))
}

fn cargo(project: &Path, args: &[&str]) {
    let mut cargo = Command::new("cargo");
    cargo.args(args).args(["--release", "--target", "wasm32-wasip2"]);
    cargo.current_dir(project).env_clear().envs(homes()).envs([TARGET]);
    cargo.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    assert!(cargo.status().unwrap().success(), "{cargo:?}");
}

#[test]
fn a_folder_with_a_project_is_built_before_ones_eyes_and_counts() {
    let project = repository().join("guest-examples/counter");
    // What it depends on may take a while, and is not what is tested; the project itself is left to the host.
    cargo(&project, &["build"]);
    cargo(&project, &["clean", "--package", "counter"]);
    let launch = homes().fold(Launch::file(&project), |launch, (name, value)| launch.env(name, &value));
    let host = launch.env(TARGET.0, TARGET.1).start();
    let told = host.stderr().text();
    let built = [
        "   Compiling counter v",
        "    Finished `release` profile",
        "dapr-wasm ",
        "serving http://",
    ];
    let places: Vec<_> = built.iter().map(|text| told.find(text)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{told}");
    for count in ["1", "2"] {
        assert_eq!(host.client().post("/apples", "").text(), count);
    }
    assert_eq!(host.get("/apples").text(), "2");
    // Named after its folder.
    assert!(told.contains("runs `counter` from "), "{told}");
}
