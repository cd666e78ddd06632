//! `dapr-wasm conformance TARGET`: the rules that every store keeps, run against a provider.

use crate::args::ConformanceArgs;
use crate::failure::Outcome;
use crate::named_value::named_value;
use crate::project;
use crate::provider::{WORLD, Wanted};
use crate::report;
use crate::shared;
use dapr_blocks::config::{NonZeroDuration, ProviderConfig, StateComponent};
use dapr_blocks::state::Limits;
use dapr_blocks::state::conformance::{self, Report, sentence};
use dapr_components::StateSettings;
use dapr_runtime::needs::Block;
use dapr_runtime::providers::linked::AllowedIn;
use dapr_runtime::providers::state;
use serde::Serialize;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// What the provider is told that its store is called.
const NAME: &str = "conformance";

/// Runs the claims, and prints which hold.
pub(crate) async fn run(args: &ConformanceArgs) -> Outcome<ExitCode> {
    let file = match args.target.is_dir() {
        true => project::build(&args.target)?,
        false => args.target.clone(),
    };
    let metadata = args.metadata.iter().map(|arg| named_value("--metadata", arg));
    let config = ProviderConfig {
        allow_hosts: args.allow_host.iter().cloned().collect(),
        memory: args.memory,
        instances: args.instances,
        metadata: metadata.collect::<Outcome<_>>()?,
        ..ProviderConfig::at(&file)
    };
    let wanted = Wanted {
        name: NAME,
        block: Block::State,
        whose: "a state store".to_owned(),
        memory: "--memory",
        again: WORLD.to_owned(),
        allowed_in: AllowedIn::CommandLine,
        config: &config,
        deadline: args
            .deadline
            .map_or(StateComponent::<StateSettings>::DEFAULT_DEADLINE, NonZeroDuration::get),
    };
    let shared = shared::start()?;
    let ticker = shared::ticker(&shared)?;
    let provider = wanted.link(&shared).await?;
    let store = wanted.start(provider.clone(), &shared).await?;
    let mut report = conformance::run(Arc::clone(&store), Limits::default()).await;
    store.close().await;
    if args.durable {
        let open = || state::open(provider.clone());
        report = report.and(conformance::run_reopening(open, Limits::default()).await);
    }
    shared::printed(&shared).await;
    drop(ticker);
    report::print(args.format, &Told::new(&file, &report), || format!("{report}\n"))?;
    Ok(match report.failed.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// The report, in the form of its JSON.
#[derive(Serialize)]
struct Told {
    target: String,
    passed: Vec<String>,
    failed: Vec<Failed>,
    left_out: Vec<LeftOut>,
}

/// A rule that is broken.
#[derive(Serialize)]
struct Failed {
    rule: String,
    /// What was found instead.
    found: String,
}

/// A rule that says nothing about this store.
#[derive(Serialize)]
struct LeftOut {
    rule: String,
    /// What the store lacks for it.
    lacks: String,
}

impl Told {
    fn new(file: &Path, report: &Report) -> Self {
        let failed = report.failed.iter().map(|failed| Failed {
            rule: sentence(failed.claim),
            found: failed.failure.to_string(),
        });
        let left_out = report.left_out.iter().map(|left_out| LeftOut {
            rule: sentence(left_out.claim),
            lacks: left_out.feature.to_string(),
        });
        Self {
            target: file.display().to_string(),
            passed: report.passed.iter().map(|claim| sentence(claim)).collect(),
            failed: failed.collect(),
            left_out: left_out.collect(),
        }
    }
}
