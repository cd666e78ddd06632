//! `dapr-wasm conformance FILE`: the rules that every store keeps, run against a provider.

use crate::args::ConformanceArgs;
use crate::failure::{Outcome, harmless};
use crate::provider::Wanted;
use crate::setup::named_value;
use crate::shared;
use dapr_blocks::config::ProviderConfig;
use dapr_blocks::state::{Limits, StateStore, conformance};
use dapr_runtime::providers::store::{OpenError, ProviderStore};
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// What the provider is told that its store is called.
const NAME: &str = "conformance";

/// As for a store that a configuration says nothing of.
const DEADLINE: Duration = Duration::from_secs(5);

/// Runs the claims, and prints which hold.
pub(crate) async fn run(args: &ConformanceArgs) -> Outcome<ExitCode> {
    let metadata = args.metadata.iter().map(|arg| named_value("--metadata", arg));
    let config = ProviderConfig {
        allow_hosts: args.allow_host.iter().cloned().collect(),
        memory: args.memory,
        instances: args.instances,
        metadata: metadata.collect::<Outcome<_>>()?,
        ..ProviderConfig::at(&args.file)
    };
    let wanted = Wanted {
        name: NAME,
        whose: "a state store".to_owned(),
        memory: "--memory",
        config: &config,
        deadline: DEADLINE,
    };
    let shared = shared::start()?;
    let ticker = shared::ticker(&shared)?;
    let provider = wanted.link(&shared).await?;
    let store: Arc<dyn StateStore> = Arc::new(wanted.start(provider.clone(), &shared).await?);
    let mut report = conformance::run(Arc::clone(&store), Limits::default()).await;
    store.close().await;
    if args.durable {
        let open = || async {
            let store = ProviderStore::open(provider.clone()).await?;
            Ok::<_, OpenError>(Arc::new(store) as Arc<dyn StateStore>)
        };
        report = report.and(conformance::run_reopening(open, Limits::default()).await);
    }
    shared::printed(&shared).await;
    drop(ticker);
    // Nobody may be left to read it.
    let _ = writeln!(std::io::stdout(), "{}", harmless(&report.to_string()));
    Ok(match report.failed.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
