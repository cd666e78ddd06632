//! `dapr-wasm check`: what an app needs and what satisfies it, for people and for CI.

use crate::args::{CheckArgs, ReportFormat};
use crate::examined::Examined;
use crate::failure::{Failure, Outcome};
use crate::load;
use crate::masked::masked;
use crate::provider::Wanted;
use crate::secrets::BoundSecrets;
use crate::setup::{Bound, Origin, Setup};
use crate::shared;
use crate::tell::harmless;
use dapr_blocks::config::{Implementation, StateComponent};
use dapr_blocks::secrets::AppSecrets;
use dapr_blocks::state::{AppStores, Feature, Features, GetOptions, StateStore};
use dapr_components::StateSettings;
use dapr_runtime::app::Shared;
use dapr_runtime::needs::{Block, Entry, Standing};
use dapr_runtime::source::Producer;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

/// Prints the report, then compiles and links the app as `run` would, so that it fails where `run` would before it opens a
/// store or a port. Compiled code is kept for the start.
///
/// A store in WebAssembly is started and asked for an item, since nobody else can tell what it can do and whether it does.
pub(crate) async fn check(args: &CheckArgs) -> Outcome<ExitCode> {
    let shared = shared::start()?;
    let ticker = shared::ticker(&shared)?;
    let setup = Setup::read(&args.app, &shared).await?;
    let examined = Examined::read(&args.app, &setup)?;
    let (tried, failed) = tried(&setup, &examined, &shared).await;
    shared::printed(&shared).await;
    let report = Report::new(&setup, &examined, &tried, args.app.strict);
    let cannot_write = |error: &io::Error| Failure::run("cannot write the report").because(error);
    let text = match args.format {
        ReportFormat::Text => harmless(&report.text()).into_owned(),
        ReportFormat::Json => {
            serde_json::to_string_pretty(&report).map_err(|error| cannot_write(&error.into()))? + "\n"
        }
    };
    match io::stdout().write_all(masked(&text).as_bytes()) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        written => written.map_err(|error| cannot_write(&error))?,
    }
    // In the order of `run`, which ends with the first.
    let runnable = examined.runnable(&args.app, &setup);
    let linked = match &runnable {
        Ok(entry) => load::app(&examined, *entry, setup.spec(&[], AppSecrets::default()), &shared)
            .await
            .err(),
        Err(_) => None,
    };
    drop(ticker);
    let failures = runnable.err().into_iter().chain(failed).chain(linked);
    let codes: Vec<_> = failures.map(|failure| failure.report()).collect();
    Ok(codes.first().copied().unwrap_or(ExitCode::SUCCESS))
}

/// What the stores in WebAssembly can do, by name, and why some do not.
async fn tried(setup: &Setup, examined: &Examined, shared: &Shared) -> (BTreeMap<String, Tried>, Vec<Failure>) {
    let mut tried = BTreeMap::new();
    let mut failed = Vec::new();
    if !examined.uses(Block::State) {
        return (tried, failed);
    }
    for store in setup.stores() {
        let Implementation::Provider(config) = &store.implementation else {
            continue;
        };
        let outcome = match Wanted::by(store, config).open_now(shared).await {
            Ok(provider) => {
                let features = provider.features();
                let answered = ask(setup, store, Arc::clone(&provider)).await;
                provider.close().await;
                match answered {
                    Ok(()) => Tried::Has(features),
                    Err(failure) => {
                        failed.push(failure);
                        Tried::Silent(features)
                    }
                }
            }
            Err(failure) => {
                failed.push(failure);
                Tried::Failed
            }
        };
        tried.insert(store.name.to_string(), outcome);
    }
    (tried, failed)
}

/// A key that no app has an item under.
const NOBODYS: &str = "dapr-wasm check";

/// Asks a store for an item as the app would, within the store's deadline: one that starts well may break at each call.
async fn ask(setup: &Setup, store: &StateComponent<StateSettings>, open: Arc<dyn StateStore>) -> Outcome<()> {
    let mut stores = AppStores::default();
    setup.bind(store, open, &mut stores);
    let asked = async {
        stores
            .get(store.name.as_str())?
            .get(NOBODYS, &GetOptions::default())
            .await
    };
    let StateComponent { name, location, .. } = store;
    asked.await.map(drop).map_err(|error| {
        Failure::run(format!(
            "the state store `{name}` ({location}) starts, and cannot be read"
        ))
        .because(&error)
    })
}

/// What became of starting a store in WebAssembly, and of asking it for an item.
enum Tried {
    Has(Features),
    /// It starts, and has no answer.
    Silent(Features),
    Failed,
}

impl Tried {
    /// What it says that it can do, if it starts.
    fn features(&self) -> Option<&Features> {
        match self {
            Self::Has(features) | Self::Silent(features) => Some(features),
            Self::Failed => None,
        }
    }
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let features = match self {
            Self::Has(features) => features,
            Self::Silent(_) => return f.write_str("it starts, and cannot be read"),
            Self::Failed => return f.write_str("it does not start"),
        };
        let has: Vec<_> = Feature::ALL
            .into_iter()
            .filter(|feature| features.has(*feature))
            .map(|feature| feature.to_string())
            .collect();
        match has.split_last() {
            None => f.write_str("without etags, transactions, TTL or listing"),
            Some((one, [])) => write!(f, "with {one}"),
            Some((last, others)) => write!(f, "with {} and {last}", others.join(", ")),
        }
    }
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
    secrets: Vec<BoundSecrets>,
    imports: Vec<ImportRow>,
    exports: Vec<String>,
}

#[derive(Serialize)]
struct StoreRow {
    #[serde(skip)]
    text: String,
    #[serde(flatten)]
    bound: Bound,
    /// What a store in WebAssembly can do; none of a built-in one, which is not opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    features: Option<Vec<String>>,
    /// Whether a store in WebAssembly starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    starts: Option<bool>,
    /// Whether one that starts can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    answers: Option<bool>,
}

impl StoreRow {
    fn new(setup: &Setup, store: &StateComponent<StateSettings>, tried: Option<&Tried>) -> Self {
        let bound = Bound::new(setup, store);
        let features = |features: &Features| {
            let has = Feature::ALL.into_iter().filter(|feature| features.has(*feature));
            has.map(|feature| feature.to_string()).collect()
        };
        Self {
            text: match tried {
                Some(tried) => format!("{bound}: {tried}"),
                None => bound.to_string(),
            },
            bound,
            features: tried.and_then(Tried::features).map(features),
            starts: tried.map(|tried| tried.features().is_some()),
            answers: tried
                .filter(|tried| tried.features().is_some())
                .map(|tried| matches!(tried, Tried::Has(_))),
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
    fn new(setup: &Setup, examined: &Examined, tried: &BTreeMap<String, Tried>, strict: bool) -> Self {
        let stores = setup
            .stores()
            .map(|store| StoreRow::new(setup, store, tried.get(store.name.as_str())));
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
            secrets: setup.bound_secrets(),
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
        let secrets = match self.secrets.is_empty() {
            true => String::new(),
            false => section("secrets", self.secrets.iter().map(ToString::to_string)),
        };
        let imports = section("imports", self.imports.iter().map(import));
        let exports = section("exports", self.exports.iter().cloned());
        head + &stores + &secrets + &imports + &exports
    }
}

fn section(title: &str, rows: impl Iterator<Item = String>) -> String {
    let rows: String = rows.map(|row| format!("  {row}\n")).collect();
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
