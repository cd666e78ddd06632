//! Runs the claims against a store.

use super::check::{Failure, Verdict, with_causes};
use super::durability::{self, Reopen};
use super::ground::Ground;
use super::report::{Failed, LeftOut, Report};
use super::tracked::Tracked;
use super::{bulk, concurrency, etags, isolation, items, keys, listing, transactions, ttl};
use crate::state::{Feature, Features, Limits, StateStore};
use std::collections::HashMap;
use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::task::JoinSet;

/// Claims under way at once: those about TTL wait for seconds, and the others need not wait for them.
const AT_ONCE: usize = 16;

/// How long a claim may take. The longest waits a few seconds for items to end.
const DEADLINE: Duration = Duration::from_secs(120);

/// A claim about stores, its name a sentence.
pub(super) struct Claim {
    pub(super) name: &'static str,
    /// Left out where the store lacks one of these.
    pub(super) needs: &'static [Feature],
    pub(super) check: fn(&Ground) -> Pin<Box<dyn Future<Output = Verdict> + Send + '_>>,
}

/// All claims about a store that stays open. Those that wait come first, so that the others run meanwhile.
const CLAIMS: [&[Claim]; 9] = [
    ttl::CLAIMS,
    items::CLAIMS,
    keys::CLAIMS,
    etags::CLAIMS,
    bulk::CLAIMS,
    transactions::CLAIMS,
    listing::CLAIMS,
    isolation::CLAIMS,
    concurrency::CLAIMS,
];

/// Declares the claims of a file: its functions, with the features that each needs.
macro_rules! claims {
    ($($name:ident $([$($need:ident),+])?;)*) => {
        pub(super) const CLAIMS: &[$crate::state::conformance::run::Claim] = &[$(
            $crate::state::conformance::run::Claim {
                name: stringify!($name),
                needs: &[$($($crate::state::Feature::$need),+)?],
                check: |ground| Box::pin($name(ground)),
            },
        )*];
    };
}
pub(super) use claims;

/// Runs the claims against a store, and removes what they wrote. Takes a few seconds, because items must end.
///
/// `limits` are those in force for apps. A store that takes less is tried with its own.
pub async fn run(store: Arc<dyn StateStore>, limits: Limits) -> Report {
    let features = store.features();
    let tracked = Arc::new(Tracked::new(store, Arc::default()));
    let mut results = Results::default();
    let mut running = JoinSet::new();
    let mut names = HashMap::new();
    let run = run_id();
    for (position, claim) in CLAIMS.into_iter().flatten().enumerate() {
        if let Some(feature) = missing(features, claim.needs) {
            results.left_out.push(LeftOut {
                claim: claim.name,
                feature,
            });
            continue;
        }
        if running.len() >= AT_ONCE {
            results.take(running.join_next_with_id().await, &names);
        }
        let store: Arc<dyn StateStore> = tracked.clone();
        let id = format!("{run}-{position}");
        let task = running.spawn(in_time(
            async move { (claim.check)(&Ground::new(store, limits, id)?).await },
        ));
        names.insert(task.id(), (position, claim.name));
    }
    while !running.is_empty() {
        results.take(running.join_next_with_id().await, &names);
    }
    results.into_report(tracked.remove_all().await.map_err(Failure::from))
}

/// Runs the claims about what outlives a store that is closed and opened again, and removes what they wrote. `open` opens
/// the same data each time; it is called again only after the store it gave before was closed.
pub async fn run_reopening<F, T, E>(open: F, limits: Limits) -> Report
where
    F: Fn() -> T + Send + Sync,
    T: Future<Output = Result<Arc<dyn StateStore>, E>> + Send,
    E: Error + 'static,
{
    let open = || -> durability::Opened<'_> {
        let opening = open();
        Box::pin(async move {
            opening
                .await
                .map_err(|error| Failure::new(format!("the store does not open: {}", with_causes(&error))))
        })
    };
    let mut results = Results::default();
    let run = run_id();
    for (position, claim) in durability::CLAIMS.iter().enumerate() {
        let mut reopen = Reopen::new(&open, limits, format!("{run}-{position}"));
        match in_time(durability::check(claim, &mut reopen)).await {
            Ok(None) => results.verdicts.push((position, claim.name, Ok(()))),
            Ok(Some(feature)) => results.left_out.push(LeftOut {
                claim: claim.name,
                feature,
            }),
            Err(failure) => results.verdicts.push((position, claim.name, Err(failure))),
        }
    }
    results.into_report(Ok(()))
}

/// A store that answers, and never what a claim waits for, is not to hold up the others.
async fn in_time<T>(claim: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let ended = tokio::time::timeout(DEADLINE, claim).await;
    ended.unwrap_or_else(|_| Err(Failure::new(format!("the claim did not end within {DEADLINE:?}"))))
}

/// The first feature that is needed and not there.
pub(super) fn missing(features: Features, needs: &[Feature]) -> Option<Feature> {
    needs.iter().copied().find(|feature| !features.has(*feature))
}

/// Names that an earlier or simultaneous run on the same store did not use.
fn run_id() -> String {
    let since_epoch = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    format!("conformance-{:x}-{:x}", std::process::id(), since_epoch.as_nanos())
}

type Joined = Result<(tokio::task::Id, Verdict), tokio::task::JoinError>;

#[derive(Default)]
struct Results {
    verdicts: Vec<(usize, &'static str, Verdict)>,
    left_out: Vec<LeftOut>,
}

impl Results {
    fn take(&mut self, joined: Option<Joined>, names: &HashMap<tokio::task::Id, (usize, &'static str)>) {
        let (id, verdict) = match joined {
            None => return,
            Some(Ok(ended)) => ended,
            Some(Err(error)) => (error.id(), Err(error.into())),
        };
        if let Some((position, name)) = names.get(&id) {
            self.verdicts.push((*position, name, verdict));
        }
    }

    fn into_report(mut self, cleaned: Verdict) -> Report {
        self.verdicts.sort_by_key(|(position, ..)| *position);
        let mut report = Report {
            left_out: self.left_out,
            ..Report::default()
        };
        let cleaned = cleaned
            .err()
            .map(|failure| (usize::MAX, "what_was_written_can_be_removed", Err(failure)));
        for (_, claim, verdict) in self.verdicts.into_iter().chain(cleaned) {
            match verdict {
                Ok(()) => report.passed.push(claim),
                Err(failure) => report.failed.push(Failed { claim, failure }),
            }
        }
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const DOCUMENTATION: &str = include_str!("../../../../../docs/state.md");

    /// Rules that are held before a store is asked have tests in place of claims.
    const TESTS: [&str; 3] = [
        include_str!("../app/tests.rs"),
        include_str!("../item.rs"),
        include_str!("../page.rs"),
    ];

    fn claims() -> BTreeSet<&'static str> {
        let open = CLAIMS.into_iter().flatten().map(|claim| claim.name);
        open.chain(durability::CLAIMS.iter().map(|claim| claim.name)).collect()
    }

    #[test]
    fn a_claim_has_a_name_of_its_own() {
        let count = CLAIMS.into_iter().flatten().count() + durability::CLAIMS.len();
        assert_eq!(claims().len(), count);
    }

    fn is_a_test(name: &str) -> bool {
        let beginning = format!("fn {name}(");
        TESTS.iter().any(|text| text.contains(&beginning))
    }

    #[test]
    fn the_documentation_names_every_claim_and_no_other() {
        let named = DOCUMENTATION.split('`').skip(1).step_by(2);
        // What reads like a sentence: other names in the text have fewer words.
        let named = named
            .filter(|name| name.split('_').count() > 3 && !name.contains(' '))
            .filter(|name| !is_a_test(name))
            .collect::<BTreeSet<_>>();
        assert_eq!(named, claims());
    }
}
