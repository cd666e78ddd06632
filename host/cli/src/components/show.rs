//! `dapr-wasm components show`: what a component is made from, which settings it has, and what it imports.

use super::installed::{self, Installed, ReadError};
use super::manifest::Module;
use super::name::{self, Name};
use super::{columns, folder};
use crate::args::ReportFormat;
use crate::failure::{Failure, Outcome, counted};
use crate::report;
use crate::size::size;
use crate::tell::one_line;
use dapr_blocks::config::Property;
use dapr_runtime::shape::Shape;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Prints what a file says of itself.
pub(super) fn run(what: &str, format: ReportFormat) -> Outcome<ExitCode> {
    let path = Path::new(what);
    let is_type = name::block_of(what).is_some() && path.extension().is_none_or(|kind| kind != "wasm");
    let installed = match is_type {
        true => of_type(what)?,
        false => installed::read(path).map_err(|error| unreadable(path, &error))?,
    };
    let shown = Shown::new(&installed)?;
    report::print(format, &shown, || shown.text())?;
    Ok(ExitCode::SUCCESS)
}

/// The installed component of a type, in its newest version or the one that is named.
fn of_type(what: &str) -> Outcome<Installed> {
    let (kind, version) = match what.split_once('/') {
        Some((kind, version)) => (kind, Some(version)),
        None => (what, None),
    };
    let (found, _) =
        installed::all().map_err(|error| Failure::usage(&error).caused(&error).help(error.help(folder::DATA)))?;
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

/// What is shown, in the form of its JSON.
#[derive(Serialize)]
struct Shown {
    #[serde(rename = "type")]
    kind: String,
    version: String,
    file: PathBuf,
    bytes: u64,
    contrib: String,
    go: String,
    /// The texts of the licences of all that is linked, if they are there.
    licences: Option<PathBuf>,
    /// None if it does not say which it has.
    settings: Option<Vec<Setting>>,
    imports: Vec<String>,
    modules: Vec<Module>,
}

#[derive(Serialize)]
struct Setting {
    name: String,
    kind: String,
    default: Option<String>,
    aliases: Vec<String>,
    deprecated: bool,
}

impl Shown {
    fn new(installed: &Installed) -> Outcome<Self> {
        let Installed { file, bytes, said } = installed;
        let setting = |property: &Property| Setting {
            name: property.name.clone(),
            kind: property.kind.to_string(),
            default: property.default.clone(),
            aliases: property.aliases.clone(),
            deprecated: property.deprecated,
        };
        let settings = said.properties.as_ref();
        Ok(Self {
            kind: said.name.kind.clone(),
            version: said.name.version.to_string(),
            file: file.clone(),
            bytes: *bytes,
            contrib: said.manifest.contrib.clone(),
            go: said.manifest.go.clone(),
            licences: Some(file.with_file_name(said.name.licences())).filter(|texts| texts.is_file()),
            settings: settings.map(|settings| settings.iter().map(setting).collect()),
            imports: imports(file)?,
            modules: said.manifest.modules.clone(),
        })
    }

    fn text(&self) -> String {
        let Self { kind, version, .. } = self;
        let (file, bytes) = (self.file.display().to_string(), size(self.bytes));
        let licences = self.licences.as_ref().map(|texts| texts.display().to_string());
        let facts = [
            ("file", format!("{file}, {bytes}")),
            (
                "made from",
                format!("components-contrib {}, with {}", self.contrib, self.go),
            ),
            ("licences", self.counted_licences()),
            ("texts", licences.unwrap_or_default()),
        ];
        let facts = facts.iter().filter(|(_, fact)| !fact.is_empty());
        let facts: String = facts
            .map(|(name, fact)| format!("  {name:<9}  {}\n", one_line(fact)))
            .collect();
        let settings = match &self.settings {
            Some(settings) => settings_table(settings),
            None => "it does not say which it has\n".to_owned(),
        };
        let imports = match self.imports.as_slice() {
            [] => "none\n".to_owned(),
            imports => imports.iter().map(|import| format!("{}\n", one_line(import))).collect(),
        };
        let mut text = format!("{}\n{facts}", one_line(&format!("{kind} {version}")));
        for (title, rows) in [
            ("settings", settings),
            ("imports", imports),
            ("modules", self.modules_table()),
        ] {
            if !rows.is_empty() {
                text += &format!("\n{title}\n{}", indented(&rows));
            }
        }
        text
    }

    /// Each licence with how many modules have it, the most frequent first.
    fn counted_licences(&self) -> String {
        let mut counts = BTreeMap::<&str, usize>::new();
        for licence in self.modules.iter().flat_map(|module| &module.licences) {
            *counts.entry(licence).or_default() += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let each = counts
            .into_iter()
            .map(|(licence, count)| format!("{licence} ({})", counted(count, "module")));
        each.collect::<Vec<_>>().join(", ")
    }

    fn modules_table(&self) -> String {
        let modules = self.modules.iter();
        let rows = modules.map(|module| [module.path.clone(), module.version.clone(), module.licences.join(", ")]);
        columns(&rows.collect::<Vec<_>>())
    }
}

fn settings_table(settings: &[Setting]) -> String {
    let head = ["name", "kind", "default", "other names", ""].map(str::to_owned);
    let row = |setting: &Setting| {
        let old = match setting.deprecated {
            true => "should not be used any more",
            false => "",
        };
        [
            setting.name.clone(),
            setting.kind.clone(),
            setting.default.clone().unwrap_or_default(),
            setting.aliases.join(", "),
            old.to_owned(),
        ]
    };
    columns(
        &std::iter::once(head)
            .chain(settings.iter().map(row))
            .collect::<Vec<_>>(),
    )
}

fn imports(file: &Path) -> Outcome<Vec<String>> {
    let cannot = || format!("cannot read `{}`", file.display());
    let bytes = std::fs::read(file).map_err(|error| Failure::run(cannot()).because(&error))?;
    let shape = Shape::of(&bytes).map_err(|error| Failure::usage(cannot()).because(&error))?;
    Ok(shape.imports.iter().map(ToString::to_string).collect())
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
