//! The Go that is installed.

use crate::{BuildError, GoVersion, overlay};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A Go that components can be built with.
#[derive(Debug, Clone)]
pub struct Go {
    program: PathBuf,
    root: PathBuf,
    version: GoVersion,
    cache: Option<PathBuf>,
}

impl Go {
    /// The `go` in PATH.
    ///
    /// # Errors
    ///
    /// [`BuildError::NoGo`], or as [`Go::at`].
    pub fn find() -> Result<Self, BuildError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let program = std::env::split_paths(&path)
            .map(|folder| folder.join("go"))
            .find(|file| file.is_file())
            .ok_or_else(|| BuildError::NoGo {
                known: overlay::supported().join(" or "),
            })?;
        Self::at(&program)
    }

    /// The `go` with this path.
    ///
    /// # Errors
    ///
    /// [`BuildError::GoDoesNotRun`], [`BuildError::UnknownGo`], [`BuildError::GoInModuleCache`].
    pub fn at(program: &Path) -> Result<Self, BuildError> {
        let output = quiet(Command::new(program).args(["env", "GOROOT", "GOVERSION", "GOMODCACHE"]))?;
        let said = String::from_utf8_lossy(&output.stdout);
        let mut lines = said.lines();
        let (root, found) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        let unknown = || BuildError::UnknownGo {
            found: if found.is_empty() { "without a version" } else { found }.to_owned(),
            known: overlay::supported().join(", "),
        };
        let modules = lines.next().filter(|modules| !modules.is_empty());
        let version = GoVersion::parse(found).ok_or_else(unknown)?;
        if !overlay::carries(&version) {
            return Err(unknown());
        }
        if modules.is_some_and(|modules| Path::new(root).starts_with(modules)) {
            return Err(BuildError::GoInModuleCache { root: root.into() });
        }
        Ok(Self {
            program: program.to_owned(),
            root: root.into(),
            version,
            cache: None,
        })
    }

    /// The same, which keeps what it compiles in this folder, unless GOCACHE says where: what it compiles for components is
    /// of use for nothing else, and goes when the folder does.
    pub(crate) fn keeping_in(&self, cache: PathBuf) -> Self {
        Self {
            cache: Some(cache),
            ..self.clone()
        }
    }

    /// Its version.
    #[must_use]
    pub fn version(&self) -> &GoVersion {
        &self.version
    }

    /// GOROOT: where its standard library is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Runs a command of it in a folder, for what becomes a component.
    pub(crate) fn run<I, S>(&self, folder: &Path, args: I) -> Result<Output, BuildError>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = self.command(folder);
        command.args(args).env("GOOS", "wasip1").env("GOARCH", "wasm");
        if let (Some(cache), None) = (&self.cache, std::env::var_os("GOCACHE")) {
            command.env("GOCACHE", cache);
        }
        quiet(&mut command)
    }

    /// A command of it in a folder. What the user has set for other builds does not count; where modules come from does.
    pub(crate) fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command
            .current_dir(folder)
            .env_remove("GOOS")
            .env_remove("GOARCH")
            .env("CGO_ENABLED", "0")
            .env("GOFLAGS", "-mod=mod")
            .env("GOTOOLCHAIN", "local")
            .env("GOWORK", "off")
            .env("GO111MODULE", "on")
            .env("GOEXPERIMENT", "")
            .env("GOFIPS140", "off")
            .env("GOWASM", "");
        command
    }
}

/// Runs a command and keeps what it says.
fn quiet(command: &mut Command) -> Result<Output, BuildError> {
    command
        .stdin(std::process::Stdio::null())
        .env("GOTOOLCHAIN", "local")
        .output()
        .map_err(|source| BuildError::GoDoesNotRun {
            command: command.get_program().to_string_lossy().into_owned(),
            source,
        })
}

/// A Go that is none, for tests that do not build.
#[cfg(test)]
pub(crate) fn pretended(version: &str) -> Go {
    pretended_in(Path::new("/go"), version)
}

/// The same with a standard library of a test's own.
#[cfg(test)]
pub(crate) fn pretended_in(root: &Path, version: &str) -> Go {
    Go {
        program: "go".into(),
        root: root.into(),
        version: GoVersion::parse(version).unwrap(),
        cache: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pretend(says: &str) -> Result<Go, BuildError> {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("go");
        // Written by a process of its own: what another test starts meanwhile would inherit the open file from this one, and a
        // file that anybody may still write is none that the system starts.
        let script = "printf '#!/bin/sh\\nprintf \"%s\"\\n' \"$1\" > \"$0\" && chmod 700 \"$0\"";
        let mut shell = Command::new("/bin/sh");
        let written = shell.args(["-c", script]).arg(&program).arg(says).status();
        assert!(written.unwrap().success());
        Go::at(&program)
    }

    #[test]
    fn a_go_says_its_version_and_root() {
        let go = pretend("/usr/lib/go\\ngo1.26.8\\n").unwrap();
        assert_eq!(go.root(), Path::new("/usr/lib/go"));
        assert_eq!(go.version().to_string(), "go1.26.8");
    }

    #[test]
    fn a_go_without_an_overlay_is_refused_with_the_list_of_those_that_have_one() {
        for version in ["go1.25.4", "go1.99.0", "devel", ""] {
            let error = pretend(&format!("/usr/lib/go\\n{version}\\n")).unwrap_err().to_string();
            assert!(error.ends_with("one of these releases: 1.26, 1.27"), "{error}");
        }
    }

    #[test]
    fn a_go_that_another_go_has_downloaded_is_refused() {
        let error = pretend("/m/golang.org/toolchain\\ngo1.26.8\\n/m\\n").unwrap_err();
        assert!(matches!(error, BuildError::GoInModuleCache { .. }), "{error}");
    }

    #[test]
    fn a_program_that_does_not_run_is_named() {
        let error = Go::at(Path::new("/nowhere/go")).unwrap_err().to_string();
        assert!(error.contains("/nowhere/go"), "{error}");
    }
}
