//! `dapr-wasm components list`: what there is, and where.

use super::installed::{self, Installed};
use super::name::{self, Name};
use super::{columns, folder};
use crate::args::ReportFormat;
use crate::failure::{Failure, Outcome};
use crate::report;
use crate::size::size;
use crate::tell::say_lines;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

/// Prints the list; what cannot be listed is told.
pub(super) fn run(format: ReportFormat) -> Outcome<ExitCode> {
    let (installed, wrong) =
        installed::all().map_err(|error| Failure::usage(&error).caused(&error).help(error.help(folder::DATA)))?;
    for error in &wrong {
        Failure::usage(error)
            .caused(error)
            .help("build it again, or remove it")
            .warn();
    }
    let list = List {
        folder: folder::installed(),
        components: rows(installed),
    };
    report::print(format, &list, || list.text())?;
    if matches!(format, ReportFormat::Text) && list.components.iter().any(|row| row.can_be_built) {
        say_lines("\nto build one, and install it for this user: dapr-wasm components build TYPE");
    }
    Ok(ExitCode::SUCCESS)
}

/// What is printed, in the form of its JSON.
#[derive(Serialize)]
struct List {
    /// None if there is no place for one.
    folder: Option<PathBuf>,
    components: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    #[serde(rename = "type")]
    kind: String,
    version: String,
    built_in: bool,
    can_be_built: bool,
    installed: Option<File>,
}

#[derive(Serialize)]
struct File {
    file: PathBuf,
    bytes: u64,
    contrib: String,
    go: String,
}

fn rows(installed: Vec<Installed>) -> Vec<Row> {
    let built_in = name::built_in();
    let known = name::known();
    let there = installed.iter().map(|installed| &installed.said.name);
    let all: BTreeSet<Name> = built_in.iter().chain(&known).chain(there).cloned().collect();
    let row = |name: Name| Row {
        built_in: built_in.contains(&name),
        can_be_built: known.contains(&name),
        installed: installed
            .iter()
            .find(|installed| installed.said.name == name)
            .map(|installed| File {
                file: installed.file.clone(),
                bytes: installed.bytes,
                contrib: installed.said.manifest.contrib.clone(),
                go: installed.said.manifest.go.clone(),
            }),
        version: name.version.to_string(),
        kind: name.kind,
    };
    all.into_iter().map(row).collect()
}

impl List {
    fn text(&self) -> String {
        let head = ["type", "version", "here"].map(str::to_owned);
        let rows = self
            .components
            .iter()
            .map(|row| [row.kind.clone(), row.version.clone(), row.here()]);
        columns(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
    }
}

impl Row {
    fn here(&self) -> String {
        let installed = self.installed.as_ref();
        let installed = installed.map(|File { bytes, contrib, go, .. }| {
            format!("installed: components-contrib {contrib}, {go}, {}", size(*bytes))
        });
        let rest = match (&installed, self.can_be_built) {
            (None, true) => Some("can be built".to_owned()),
            _ => None,
        };
        let parts = [self.built_in.then(|| "built in".to_owned()), installed, rest];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}
