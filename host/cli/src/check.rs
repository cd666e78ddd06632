//! `dapr-wasm check`: what an app needs and what satisfies it, for people and for CI.

use crate::args::{CheckArgs, ReportFormat};
use crate::examined::Examined;
use crate::failure::{Failure, Outcome};
use crate::load;
use crate::setup::{Origin, Setup};
use dapr_runtime::needs::{Entry, Standing};
use dapr_runtime::source::Producer;
use serde::Serialize;
use std::io::{self, Write};
use std::process::ExitCode;

/// Prints the report, then compiles and links the app as `run` would, so that it fails where `run` would before it opens a
/// store or a port. Compiled code is kept for the start.
pub(crate) async fn check(args: &CheckArgs) -> Outcome<ExitCode> {
    let setup = Setup::read(&args.app)?;
    let examined = Examined::read(&args.app, &setup)?;
    let report = Report::new(&setup, &examined, args.app.strict);
    let cannot_write = |error: &io::Error| Failure::run("cannot write the report").because(error);
    let text = match args.format {
        ReportFormat::Text => report.text(),
        ReportFormat::Json => {
            serde_json::to_string_pretty(&report).map_err(|error| cannot_write(&error.into()))? + "\n"
        }
    };
    match io::stdout().write_all(text.as_bytes()) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        written => written.map_err(|error| cannot_write(&error))?,
    }
    let entry = examined.runnable(&args.app, &setup)?;
    load::app(&examined, entry, setup.spec(&[]), &load::shared()?).await?;
    Ok(ExitCode::SUCCESS)
}

/// What `check` says, in the form of its JSON.
#[derive(Serialize)]
struct Report {
    /// The target in words.
    #[serde(skip)]
    shown: String,
    target: String,
    /// Whether the target is a core module, of which a component was made.
    adapted: bool,
    app_id: String,
    /// None: what is built in.
    configuration: Option<String>,
    entry: Option<&'static str>,
    made_by: Vec<String>,
    stores: Vec<StoreRow>,
    imports: Vec<ImportRow>,
    exports: Vec<String>,
}

#[derive(Serialize)]
struct StoreRow {
    #[serde(skip)]
    text: String,
    name: String,
    place: String,
    key_prefix: String,
    deadline_seconds: f64,
}

#[derive(Serialize)]
struct ImportRow {
    name: String,
    status: &'static str,
    detail: String,
}

impl Report {
    fn new(setup: &Setup, examined: &Examined, strict: bool) -> Self {
        let stores = setup.stores().map(|store| StoreRow {
            text: Setup::bound(store),
            name: store.name.to_string(),
            place: store.implementation.to_string(),
            key_prefix: store.key_prefix.to_string(),
            deadline_seconds: store.deadline.as_secs_f64(),
        });
        let imports = examined.needs.iter().map(|need| ImportRow {
            name: need.name.to_string(),
            status: status(&need.standing, strict),
            detail: need.standing.to_string(),
        });
        Self {
            shown: examined.target.to_string(),
            target: examined.target.path.display().to_string(),
            adapted: examined.target.adapted,
            app_id: setup.app_id.to_string(),
            configuration: match &setup.origin {
                Origin::BuiltIn => None,
                Origin::File(name) => Some(name.clone()),
            },
            entry: examined.entry.map(Entry::interface),
            made_by: examined.target.made_by.iter().map(Producer::to_string).collect(),
            stores: stores.collect(),
            imports: imports.collect(),
            exports: examined.shape.exports.iter().map(ToString::to_string).collect(),
        }
    }

    fn text(&self) -> String {
        let Self { app_id, shown, .. } = self;
        let configuration = self.configuration.clone().map_or(Origin::BuiltIn, Origin::File);
        let head = format!(
            "`{app_id}` from {shown}\n  entry    {}\n  made by  {}\n  config   {configuration}\n",
            self.entry.unwrap_or("none: there is nothing to run"),
            or(&self.made_by.join(", "), "it does not say"),
        );
        let width = self
            .imports
            .iter()
            .map(|import| import.name.len())
            .max()
            .unwrap_or_default();
        let import = |ImportRow { name, status, detail }: &_| format!("{status:<7}  {name:<width$}  {detail}");
        let stores = section("stores", self.stores.iter().map(|store| store.text.clone()));
        let imports = section("imports", self.imports.iter().map(import));
        let exports = section("exports", self.exports.iter().cloned());
        head + &stores + &imports + &exports
    }
}

fn section(title: &str, rows: impl Iterator<Item = String>) -> String {
    let rows: String = rows.map(|row| format!("  {row}\n")).collect();
    format!("\n{title}\n{}", or(&rows, "  none\n"))
}

fn status(standing: &Standing, strict: bool) -> &'static str {
    match standing {
        Standing::Host | Standing::Store(_) => "ok",
        Standing::Denied(_) => "denied",
        Standing::NotConfigured | Standing::NotInScope if !strict => "warning",
        _ => "missing",
    }
}

fn or<'a>(text: &'a str, empty: &'a str) -> &'a str {
    if text.is_empty() { empty } else { text }
}
