//! Starting other programs.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}

/// Would put what is built where nobody looks for it: every workspace's own `target` is where the tests, the benchmarks and
/// the fuzzer find guests and programs.
const OTHER_FOLDERS: [&str; 2] = ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"];

/// The cargo that runs this, which builds into the `target` of the workspace that it is in.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for variable in OTHER_FOLDERS {
        cargo.env_remove(variable);
    }
    cargo
}

/// Fails where there is no C compiler, before a build of some minutes does.
pub(crate) fn require_c_compiler() -> Result<()> {
    let named = std::env::var("CC").unwrap_or_default();
    // It may have arguments, as in `ccache cc`.
    let program = named.split_whitespace().next().unwrap_or("cc");
    match output(Command::new(program).arg("--version")) {
        Ok(_) => Ok(()),
        Err(cause) => bail!(
            "there is no C compiler, which builds SQLite: {cause:#}\n\
             install one, on Debian or Ubuntu with `apt-get install build-essential`, on a Mac with \
             `xcode-select --install`; or name one in the variable CC"
        ),
    }
}

/// Fails where there is no C++ compiler, before a build of some minutes does.
pub(crate) fn require_cxx_compiler() -> Result<()> {
    let named = std::env::var("CXX").unwrap_or_default();
    let program = named.split_whitespace().next().unwrap_or("c++");
    match output(Command::new(program).arg("--version")) {
        Ok(_) => Ok(()),
        Err(cause) => bail!(
            "there is no C++ compiler, which builds libFuzzer: {cause:#}\n\
             install one, on Debian or Ubuntu with `apt-get install build-essential`, on a Mac with \
             `xcode-select --install`; or name one in the variable CXX"
        ),
    }
}

/// Runs a program to its end, its output shown.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    eprintln!("> {}", shown(command));
    let status = command
        .status()
        .with_context(|| format!("cannot start `{}`", shown(command)))?;
    if !status.success() {
        bail!("`{}` failed: {status}", shown(command));
    }
    Ok(())
}

/// Runs a program and returns what it printed.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot start `{}`", shown(command)))?;
    if !output.status.success() {
        bail!(
            "`{}` failed: {}\n{}",
            shown(command),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_is_where_it_is_looked_for() {
        let cargo = cargo();
        for variable in ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"] {
            assert!(
                cargo
                    .get_envs()
                    .any(|(name, value)| name == variable && value.is_none())
            );
        }
    }
}
