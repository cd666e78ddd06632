//! `dapr-wasm check`: what an app needs and what satisfies it, for people and for CI.

use crate::args::CheckArgs;
use crate::examined::Examined;
use crate::failure::{Failure, Outcome};
use crate::load;
use crate::origin::Origin;
use crate::report;
use crate::secrets::BoundSecrets;
use crate::setup::{Bound, Setup};
use crate::shared;
use crate::tell::one_line;
use crate::tried::{Trial, Trials};
use dapr_blocks::config::StateComponent;
use dapr_blocks::secrets::AppSecrets;
use dapr_blocks::state::{Feature, Features};
use dapr_components::StateSettings;
use dapr_runtime::needs::{Entry, Standing};
use dapr_runtime::source::Producer;
use serde::Serialize;
use std::collections::BTreeMap;
use std::process::ExitCode;

/// Prints the report, then compiles and links the app as `run` would, so that it fails where `run` would before it opens a
/// port. Compiled code is kept for the start. Stores are tried as [`Trials`] says.
pub(crate) async fn check(args: &CheckArgs) -> Outcome<ExitCode> {
    let shared = shared::start()?;
    let ticker = shared::ticker(&shared)?;
    let setup = Setup::read(&args.app, &shared).await?;
    let examined = Examined::read(&args.app, &setup)?;
    let trials = Trials::of(&setup, &examined, &shared).await;
    shared::printed(&shared).await;
    let report = Report::new(&setup, &examined, &trials, args.app.strict);
    report::print(args.format, &report, || report.text())?;
    // In the order of `run`, which ends with the first.
    let runnable = examined.runnable(&args.app, &setup);
    trials.warnings.iter().for_each(Failure::warn);
    let linked = match &runnable {
        Ok(entry) => load::app(&examined, *entry, setup.spec(&[], AppSecrets::default()), &shared)
            .await
            .err(),
        Err(_) => None,
    };
    drop(ticker);
    let failures = runnable.err().into_iter().chain(trials.failures).chain(linked);
    let codes: Vec<_> = failures.map(|failure| failure.report()).collect();
    Ok(codes.first().copied().unwrap_or(ExitCode::SUCCESS))
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    secrets: Vec<SecretsRow>,
    imports: Vec<ImportRow>,
    exports: Vec<String>,
}

#[derive(Serialize)]
struct StoreRow {
    #[serde(skip)]
    text: String,
    #[serde(flatten)]
    bound: Bound,
    /// What a store in WebAssembly can do.
    #[serde(skip_serializing_if = "Option::is_none")]
    features: Option<Vec<String>>,
    /// Whether a store in WebAssembly starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    starts: Option<bool>,
    /// Whether one that starts can be read, or one that asks a server can be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    answers: Option<bool>,
    /// Why it does not start, or cannot be read or used.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl StoreRow {
    fn new(setup: &Setup, store: &StateComponent<StateSettings>, trial: Option<&Trial>) -> Self {
        let bound = Bound::new(setup, store);
        let features = |features: &Features| {
            let has = Feature::ALL.into_iter().filter(|feature| features.has(*feature));
            has.map(|feature| feature.to_string()).collect()
        };
        Self {
            text: match trial {
                Some(trial) => format!("{bound}: {trial}"),
                None => bound.to_string(),
            },
            bound,
            features: trial.and_then(Trial::features).map(features),
            starts: trial.and_then(Trial::starts),
            answers: trial.and_then(Trial::answers),
            error: trial.and_then(|trial| trial.error.clone()),
        }
    }
}

#[derive(Serialize)]
struct SecretsRow {
    #[serde(skip)]
    text: String,
    #[serde(flatten)]
    bound: BoundSecrets,
    /// Whether it opens; none where the app imports no secrets, so that it was not opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    opens: Option<bool>,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl SecretsRow {
    fn new(bound: BoundSecrets, opened: &BTreeMap<String, Result<(), String>>) -> Self {
        let opened = opened.get(&bound.name);
        let error = opened.and_then(|opened| opened.clone().err());
        Self {
            text: match error {
                Some(_) => format!("{bound}: it does not open"),
                None => bound.to_string(),
            },
            bound,
            opens: opened.map(Result::is_ok),
            error,
        }
    }
}

#[derive(Serialize)]
struct ImportRow {
    name: String,
    status: &'static str,
    detail: String,
}

impl Report {
    fn new(setup: &Setup, examined: &Examined, trials: &Trials, strict: bool) -> Self {
        let stores = setup
            .stores()
            .map(|store| StoreRow::new(setup, store, trials.stores.get(store.name.as_str())));
        let secrets = setup.bound_secrets().into_iter();
        let secrets = secrets.map(|bound| SecretsRow::new(bound, &trials.secrets));
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
            configuration: setup.origin.file().map(str::to_owned),
            entry: examined.entry.map(Entry::interface),
            made_by: examined.target.made_by.iter().map(Producer::to_string).collect(),
            stores: stores.collect(),
            secrets: secrets.collect(),
            imports: imports.collect(),
            exports: examined.shape.exports.iter().map(ToString::to_string).collect(),
        }
    }

    fn text(&self) -> String {
        let Self { app_id, shown, .. } = self;
        let configuration = self.configuration.clone().map_or(Origin::BuiltIn, Origin::File);
        let head = format!(
            "`{app_id}` from {}\n  entry    {}\n  made by  {}\n  config   {}\n",
            one_line(shown),
            self.entry.unwrap_or("none: there is nothing to run"),
            or(&one_line(&self.made_by.join(", ")), "it does not say"),
            one_line(&configuration.to_string()),
        );
        // As wide as what is shown, in which some characters are spelled out.
        let names = self.imports.iter().map(|import| one_line(&import.name));
        let width = names.map(|name| name.chars().count()).max().unwrap_or_default();
        let import = |ImportRow { name, status, detail }: &_| {
            let name = one_line(name);
            format!("{status:<7}  {name:<width$}  {detail}")
        };
        let stores = section("stores", self.stores.iter().map(|store| store.text.clone()));
        let secrets = match self.secrets.is_empty() {
            true => String::new(),
            false => section("secrets", self.secrets.iter().map(|store| store.text.clone())),
        };
        let imports = section("imports", self.imports.iter().map(import));
        let exports = section("exports", self.exports.iter().cloned());
        head + &stores + &secrets + &imports + &exports
    }
}

fn section(title: &str, rows: impl Iterator<Item = String>) -> String {
    let rows: String = rows.map(|row| format!("  {}\n", one_line(&row))).collect();
    format!("\n{title}\n{}", or(&rows, "  none\n"))
}

fn status(standing: &Standing, strict: bool) -> &'static str {
    match standing {
        Standing::Host | Standing::Store(..) => "ok",
        Standing::Denied(_) => "denied",
        Standing::NotConfigured(_) | Standing::NotInScope(_) if !strict => "warning",
        _ => "missing",
    }
}

fn or<'a>(text: &'a str, empty: &'a str) -> &'a str {
    if text.is_empty() { empty } else { text }
}
