//! The host that builds components: `dapr-wasm` of the development profile, whose compiler is optimised as in a release.
//!
//! It is driven as a user drives it, in folders of its own, and what it says of its work is where the times come from.

use super::entry::{Entry, Measured};
use super::release::Release;
use crate::tools::{cargo, output, root, run};
use anyhow::{Context, Result, anyhow};
use serde::Deserialize;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A component, by Dapr's names.
#[derive(Clone, Debug)]
pub(super) struct Component {
    pub(super) kind: String,
    pub(super) version: String,
}

impl Component {
    /// What commands call it.
    pub(super) fn argument(&self) -> String {
        format!("{}/{}", self.kind, self.version)
    }

    /// What the names of its files begin with.
    fn stem(&self) -> String {
        match self.version.as_str() {
            "v1" => self.kind.clone(),
            version => format!("{}.{version}", self.kind),
        }
    }
}

/// What `components list --format json` says.
#[derive(Deserialize)]
struct List {
    components: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(rename = "type")]
    kind: String,
    version: String,
    can_be_built: bool,
}

/// The host, and the folder for all that it writes.
pub(super) struct Host {
    program: PathBuf,
    folder: PathBuf,
}

impl Host {
    /// Builds it.
    pub(super) fn build() -> Result<Self> {
        let mut build = cargo();
        // As `cargo xtask test` does: with other features wasmtime would be compiled a second time.
        build.args(["build", "--locked", "--workspace", "--all-features", "--all-targets"]);
        run(build.current_dir(root()))?;
        Ok(Self {
            program: root().join("target/debug/dapr-wasm"),
            folder: root().join("target/components-built"),
        })
    }

    /// Its command for components, with everything that it keeps in the folder.
    fn components(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("components")
            .env("XDG_DATA_HOME", self.folder.join("data"))
            .env("XDG_CACHE_HOME", self.folder.join("cache"))
            .env("GOCACHE", self.folder.join("go"));
        command
    }

    /// The components that are known to build.
    pub(super) fn known(&self) -> Result<Vec<Component>> {
        let list = output(self.components().args(["list", "--format", "json"]))?;
        let list: List = serde_json::from_str(&list).context("`dapr-wasm components list` prints another form")?;
        let known = list.components.into_iter().filter(|listed| listed.can_be_built);
        let component = |Listed { kind, version, .. }| Component { kind, version };
        Ok(known.map(component).collect())
    }

    /// Removes what Go compiled in earlier runs.
    pub(super) fn forget(&self) -> Result<()> {
        remove(&self.folder.join("go"))
    }

    /// Removes what was built last, but for what Go compiled.
    pub(super) fn clear(&self) -> Result<()> {
        remove(&self.folder.join("data"))?;
        remove(&self.folder.join("cache"))
    }

    /// Builds a component from nothing, and publishes it.
    pub(super) fn install(&self, component: &Component, release: &Release) -> Result<Entry> {
        self.clear()?;
        let mut build = self.components();
        build.args(["build", &component.argument()]);
        let (done, said) = told(&mut build)?;
        let outcome = if done {
            let installed = self.folder.join("data/dapr-wasm/components");
            let stem = component.stem();
            let file = installed.join(format!("{stem}.wasm"));
            release.publish(&[file.clone(), installed.join(format!("{stem}.licences.txt"))])?;
            Ok(self.measured(&file, &said)?)
        } else {
            release.withdraw(&component.stem())?;
            Err(reason(&said))
        };
        Ok(Entry {
            component: component.clone(),
            outcome,
        })
    }

    fn measured(&self, file: &Path, said: &[String]) -> Result<Measured> {
        let size = |file: &Path| fs::metadata(file).map(|metadata| metadata.len());
        let mut compiled = 0;
        for code in fs::read_dir(self.folder.join("cache/dapr-wasm/code"))? {
            compiled += size(&code?.path())?;
        }
        let took = |what| seconds(said, what).with_context(|| format!("the host does not say how long it {what}"));
        Ok(Measured {
            component: size(file)?,
            compiled,
            go: took("built in ")?,
            wasmtime: took("compiled in ")?,
        })
    }
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Runs a command, and answers whether it succeeded and what it told, which is shown as it comes.
fn told(command: &mut Command) -> Result<(bool, Vec<String>)> {
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start dapr-wasm")?;
    let errors = child.stderr.take().ok_or_else(|| anyhow!("it has no standard error"))?;
    let mut said = Vec::new();
    for line in BufReader::new(errors).lines() {
        let line = line?;
        eprintln!("{line}");
        said.push(line);
    }
    Ok((child.wait()?.success(), said))
}

/// The seconds that stand behind these words.
fn seconds(said: &[String], words: &str) -> Option<Duration> {
    let (_, rest) = said.iter().find_map(|line| line.split_once(words))?;
    let (number, _) = rest.split_once(" s")?;
    number.parse().ok().map(Duration::from_secs_f64)
}

/// Why it failed: the error, and the first line of what is told below it.
fn reason(said: &[String]) -> String {
    let mut lines = said
        .iter()
        .map(|line| line.trim())
        .skip_while(|line| !line.starts_with("error: "));
    let error = lines
        .next()
        .map_or("it says nothing", |line| line.trim_start_matches("error: "));
    match lines.find(|line| !line.is_empty()) {
        Some(detail) => format!("{error}: {detail}"),
        None => error.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn times_are_read_from_what_the_host_says() {
        let said = lines("state.redis: compiling …\nstate.redis: built in 51.2 s, 47.6MiB\ncompiled in 75.0 s\n");
        assert_eq!(seconds(&said, "built in "), Some(Duration::from_millis(51_200)));
        assert_eq!(seconds(&said, "compiled in "), Some(Duration::from_secs(75)));
        assert_eq!(seconds(&said, "linked in "), None);
    }

    #[test]
    fn a_failure_is_the_error_and_the_first_line_of_its_detail() {
        let said = lines(
            "state.a: compiling …\nerror: cannot build `state.a`: Go could not compile it\n\n  x.go:1: no\n  y\n",
        );
        assert_eq!(
            reason(&said),
            "cannot build `state.a`: Go could not compile it: x.go:1: no"
        );
        assert_eq!(reason(&[]), "it says nothing");
    }
}
