//! Starting other programs.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}

/// The cargo that runs this.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
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
