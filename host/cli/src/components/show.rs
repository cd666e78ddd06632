//! `dapr-wasm components show`: what a component is made from, which settings it has, and what it imports.

use super::installed::{self, Installed, ReadError};
use super::name::{self, Name};
use super::{columns, print};
use crate::failure::{Failure, Outcome, counted};
use crate::size::size;
use dapr_blocks::config::Property;
use dapr_runtime::shape::Shape;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

/// Prints what a file says of itself.
pub(super) fn run(what: &str) -> Outcome<ExitCode> {
    let path = Path::new(what);
    let is_type = name::block_of(what).is_some() && path.extension().is_none_or(|kind| kind != "wasm");
    let shown = match is_type {
        true => of_type(what)?,
        false => installed::read(path).map_err(|error| unreadable(path, &error))?,
    };
    print(&text(&shown)?)?;
    Ok(ExitCode::SUCCESS)
}

/// The installed component of a type, in its newest version or the one that is named.
fn of_type(what: &str) -> Outcome<Installed> {
    let (kind, version) = match what.split_once('/') {
        Some((kind, version)) => (kind, Some(version)),
        None => (what, None),
    };
    let (found, _) = installed::all().map_err(|error| Failure::usage(&error).caused(&error).help(error.help()))?;
    let named = |name: &Name| name.kind == kind && version.is_none_or(|version| name.version.to_string() == version);
    if let Some(found) = found.into_iter().rev().find(|installed| named(&installed.said.name)) {
        return Ok(found);
    }
    let failure = Failure::usage(format!("`{what}` is not installed"));
    if name::known().iter().any(named) {
        return Err(failure.help(format!("build it: dapr-wasm components build {what}")));
    }
    Err(match name::built_in().iter().any(|name| name.kind == kind) {
        true => failure.help("it is built in: docs/configuration.md has its settings"),
        false => failure.help("`dapr-wasm components list` has all types; a file is named by its path"),
    })
}

fn unreadable(path: &Path, error: &ReadError) -> Failure {
    let shown = path.display();
    match error {
        ReadError::Folder(_) if !path.exists() => Failure::usage(format!("there is no file `{shown}`"))
            .help("name a .wasm file, or a type: `dapr-wasm components list` has all types"),
        ReadError::Folder(error) => Failure::usage(format!("cannot read `{shown}`")).caused(error),
        ReadError::Manifest { source, .. } => Failure::usage(format!("cannot say what `{shown}` is"))
            .because(source)
            .help("files that `dapr-wasm components build` makes say it; `dapr-wasm conformance` tries any store"),
    }
}

fn text(shown: &Installed) -> Outcome<String> {
    let Installed { file, bytes, said } = shown;
    let manifest = &said.manifest;
    let mut text = format!(
        "{}\n  file       {}, {}\n  made from  components-contrib {}, with {}\n",
        said.name,
        file.display(),
        size(*bytes),
        manifest.contrib,
        manifest.go
    );
    let licences = licences(shown);
    if !licences.is_empty() {
        text += &format!("  licences   {licences}\n");
    }
    let own = file.with_file_name(said.name.licences());
    if own.is_file() {
        text += &format!("  texts      {}\n", own.display());
    }
    text += "\nsettings\n";
    text += &match &said.properties {
        Some(properties) => indented(&settings(properties)),
        None => "  it does not say which it has\n".to_owned(),
    };
    text += "\nimports\n";
    text += &indented(&imports(file)?);
    if !manifest.modules.is_empty() {
        let modules = manifest.modules.iter();
        let rows = modules.map(|module| [module.path.clone(), module.version.clone(), module.licences.join(", ")]);
        text += "\nmodules\n";
        text += &indented(&columns(&rows.collect::<Vec<_>>()));
    }
    Ok(text)
}

/// Each licence with how many modules have it, the most frequent first.
fn licences(shown: &Installed) -> String {
    let mut counts = BTreeMap::<&str, usize>::new();
    for licence in shown.said.manifest.modules.iter().flat_map(|module| &module.licences) {
        *counts.entry(licence).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let each = counts
        .into_iter()
        .map(|(licence, count)| format!("{licence} ({})", counted(count, "module")));
    each.collect::<Vec<_>>().join(", ")
}

fn settings(properties: &[Property]) -> String {
    let head = ["name", "kind", "default", "other names", ""].map(str::to_owned);
    let row = |property: &Property| {
        let old = match property.deprecated {
            true => "should not be used any more",
            false => "",
        };
        [
            property.name.clone(),
            property.kind.to_string(),
            property.default.clone().unwrap_or_default(),
            property.aliases.join(", "),
            old.to_owned(),
        ]
    };
    columns(
        &std::iter::once(head)
            .chain(properties.iter().map(row))
            .collect::<Vec<_>>(),
    )
}

fn imports(file: &Path) -> Outcome<String> {
    let cannot = || format!("cannot read `{}`", file.display());
    let bytes = std::fs::read(file).map_err(|error| Failure::run(cannot()).because(&error))?;
    let shape = Shape::of(&bytes).map_err(|error| Failure::usage(cannot()).because(&error))?;
    Ok(match shape.imports.as_slice() {
        [] => "none\n".to_owned(),
        imports => imports.iter().map(|import| format!("{import}\n")).collect(),
    })
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
