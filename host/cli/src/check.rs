//! `dapr-wasm check`: what an app needs and what satisfies it, for people and for CI.

use crate::args::{CheckArgs, ReportFormat};
use crate::failure::{Failure, Outcome};
use crate::load::Examined;
use crate::setup::Setup;
use dapr_runtime::needs::{Entry, Standing};
use dapr_runtime::source::Producer;
use serde::Serialize;
use std::fmt::Write;

/// Prints the report. Fails as `run` would, but opens nothing and compiles nothing.
pub(crate) fn check(args: &CheckArgs) -> Outcome<()> {
    let setup = Setup::read(&args.app)?;
    let examined = Examined::read(&args.app, &setup)?;
    let report = Report::new(&setup, &examined);
    match args.format {
        ReportFormat::Text => print!("{}", report.text()),
        ReportFormat::Json => {
            let json = serde_json::to_string_pretty(&report);
            println!("{}", json.map_err(|error| Failure::run("cannot write the report").because(&error))?);
        }
    }
    examined.runnable(args.app.strict).map(|_| ())
}

/// What `check` says, in the form of its JSON.
#[derive(Serialize)]
struct Report {
    target: String,
    app_id: String,
    configuration: String,
    entry: Option<&'static str>,
    made_by: Vec<String>,
    stores: Vec<StoreRow>,
    imports: Vec<ImportRow>,
    exports: Vec<String>,
}

#[derive(Serialize)]
struct StoreRow {
    name: String,
    place: String,
    key_prefix: String,
    deadline_seconds: f64,
}

#[derive(Serialize)]
struct ImportRow {
    name: String,
    status: &'static str,
    by: String,
}

impl Report {
    fn new(setup: &Setup, examined: &Examined) -> Self {
        let stores = setup.stores().map(|store| StoreRow {
            name: store.name.to_string(),
            place: store.settings.to_string(),
            key_prefix: store.key_prefix.to_string(),
            deadline_seconds: store.deadline.as_secs_f64(),
        });
        let imports = examined.needs.iter().map(|need| ImportRow {
            name: need.name.to_string(),
            status: status(&need.standing),
            by: need.standing.to_string(),
        });
        Self {
            target: examined.target.path.display().to_string(),
            app_id: setup.app_id.to_string(),
            configuration: setup.source.clone(),
            entry: examined.entry.map(Entry::interface),
            made_by: examined.target.producers().iter().map(Producer::to_string).collect(),
            stores: stores.collect(),
            imports: imports.collect(),
            exports: examined.shape.exports.iter().map(ToString::to_string).collect(),
        }
    }

    fn text(&self) -> String {
        let mut text = format!("{} as `{}`\n", self.target, self.app_id);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  entry          {}", self.entry.unwrap_or("none: there is nothing to run"));
        let _ = writeln!(text, "  made by        {}", or_none(&self.made_by.join(", ")));
        let _ = writeln!(text, "  configuration  {}", self.configuration);
        let _ = writeln!(text, "\nstores");
        for StoreRow { name, place, key_prefix, deadline_seconds } in &self.stores {
            let _ = writeln!(text, "  {name}: {place}, key prefix {key_prefix}, {deadline_seconds} s a call");
        }
        if self.stores.is_empty() {
            let _ = writeln!(text, "  none");
        }
        let _ = writeln!(text, "\nimports");
        let width = self.imports.iter().map(|import| import.name.len()).max().unwrap_or_default();
        for ImportRow { name, status, by } in &self.imports {
            let _ = writeln!(text, "  {:<7} {name:<width$}  {by}", status);
        }
        let _ = writeln!(text, "\nexports");
        for export in &self.exports {
            let _ = writeln!(text, "  {export}");
        }
        text
    }
}

fn status(standing: &Standing) -> &'static str {
    match standing {
        Standing::Host | Standing::Store(_) => "ok",
        Standing::Denied(_) => "denied",
        Standing::NotConfigured => "warning",
        _ => "missing",
    }
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "unknown" } else { text }
}
