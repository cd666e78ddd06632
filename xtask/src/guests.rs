//! The guests that tests and benchmarks run: built once, for the targets that they need.

use crate::tools::{cargo, output, root, run};
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::process::Command;

const TARGETS: [&str; 2] = ["wasm32-wasip1", "wasm32-wasip2"];

/// Guests that are core modules, `command` beside the component that it also is.
const CORE_MODULES: [&str; 4] = ["command", "plugin-command", "plugin-reactor", "reactor-p1"];

/// Guests that are no components.
const NO_COMPONENTS: [&str; 3] = ["plugin-command", "plugin-reactor", "reactor-p1"];

/// Examples that have unit tests, and the SDK.
const TESTED: [&str; 4] = ["counter", "dapr-wasm-sdk", "store-memory", "store-redis"];

/// Builds all guests.
pub(crate) fn build() -> Result<()> {
    require_targets()?;
    for workspace in ["guest-examples", "tests/guests"] {
        let folder = root().join(workspace);
        let mut build = cargo();
        build
            .args([
                "build",
                "--release",
                "--locked",
                "--target",
                "wasm32-wasip2",
                "--workspace",
            ])
            .current_dir(&folder);
        if workspace == "tests/guests" {
            build.args(NO_COMPONENTS.iter().flat_map(|guest| ["--exclude", guest]));
        }
        run(&mut build)?;
    }
    let mut build = cargo();
    build.args(["build", "--release", "--locked", "--target", "wasm32-wasip1"]);
    build.args(CORE_MODULES.iter().flat_map(|guest| ["--package", guest]));
    run(build.current_dir(root().join("tests/guests")))
}

/// Runs the unit tests of the examples. They are about what needs no host, and so run here and not in one.
pub(crate) fn test() -> Result<()> {
    let here = output(Command::new("rustc").args(["--print", "host-tuple"]))?;
    let mut test = cargo();
    test.args(["test", "--release", "--locked", "--target", &here]);
    test.args(TESTED.iter().flat_map(|guest| ["--package", guest]));
    run(test.current_dir(root().join("guest-examples")))
}

/// The file of a guest of `tests/guests` for `wasm32-wasip2`.
pub(crate) fn test_guest(name: &str) -> PathBuf {
    let file = format!("{}.wasm", name.replace('-', "_"));
    root().join("tests/guests/target/wasm32-wasip2/release").join(file)
}

/// The file of an example.
pub(crate) fn example(name: &str) -> PathBuf {
    let file = format!("{}.wasm", name.replace('-', "_"));
    root().join("guest-examples/target/wasm32-wasip2/release").join(file)
}

/// Adds the targets that the toolchain lacks.
fn require_targets() -> Result<()> {
    for target in TARGETS {
        let libdir = output(Command::new("rustc").args(["--print", "target-libdir", "--target", target]))?;
        if PathBuf::from(libdir).is_dir() {
            continue;
        }
        let mut add = Command::new("rustup");
        add.args(["target", "add", target]).current_dir(root());
        run(&mut add).with_context(|| format!("guests need Rust's target {target}, and rustup did not bring it"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::root;
    use std::collections::BTreeMap;
    use std::ffi::OsString;

    const EXAMPLES: [&str; 5] = ["counter", "fan-in", "kv", "store-memory", "todo"];

    /// What a file says that several examples have.
    const SHARED: &str = "The same file in each example that needs it.";

    /// An example is there to be copied, so that what it shares with others is in each of them.
    #[test]
    fn what_examples_share_is_the_same_in_each() {
        let mut shared: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for example in EXAMPLES {
            for (name, text) in sources(example) {
                shared.entry(name).or_default().push((example, text));
            }
        }
        shared.retain(|_, files| files.iter().any(|(_, text)| text.contains(SHARED)));
        assert!(!shared.is_empty());
        for (name, files) in shared {
            let (first, text) = &files[0];
            assert!(files.len() > 1, "{name:?} is in {first} alone");
            for (other, same) in &files[1..] {
                assert!(text == same, "{name:?} differs between {first} and {other}");
            }
        }
    }

    /// A copy has no folder beside it. `wit` and `sdk` are links, which copying follows.
    #[test]
    fn an_example_names_nothing_outside_of_its_folder() {
        for example in EXAMPLES {
            for (name, text) in sources(example) {
                assert!(!text.contains("\"../"), "{example}: {name:?}");
            }
            let folder = root().join("guest-examples").join(example);
            // Its own, or the SDK's.
            let wit = ["wit", "sdk/wit"].map(|wit| folder.join(wit).canonicalize().ok());
            let contract = root().join("wit").canonicalize().ok();
            assert!(contract.is_some() && wit.contains(&contract), "{example}");
        }
    }

    /// The source files of an example: names and texts.
    fn sources(example: &str) -> Vec<(OsString, String)> {
        let folder = root().join("guest-examples").join(example).join("src");
        let files = std::fs::read_dir(folder).expect("an example has a source folder");
        files
            .map(|file| {
                let file = file.expect("it is readable");
                let text = std::fs::read_to_string(file.path()).expect("it is text");
                (file.file_name(), text)
            })
            .collect()
    }
}
