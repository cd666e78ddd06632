//! What `check` tries: stores of which nobody but themselves, or their server, can tell whether they work.
//!
//! | a store | is | then |
//! |---|---|---|
//! | in WebAssembly | started | asked for an item |
//! | that asks a server | opened, as far as nothing is made or written there | asked for an item |
//! | any other built-in one | left alone | |
//! | of secrets | opened | not asked: a name that it does not have may be an alarm to its server |
//!
//! What fails is an error, or with `ignoreErrors` a warning, where `run` would have one.

use crate::examined::Examined;
use crate::failure::{Failure, Outcome};
use crate::provider::{IGNORED, Wanted};
use crate::setup::Setup;
use dapr_blocks::config::{Implementation, ProviderConfig, StateComponent};
use dapr_blocks::state::{AppStores, Feature, Features, GetOptions, StateStore};
use dapr_components::{Seen, StateSettings};
use dapr_runtime::app::Shared;
use dapr_runtime::needs::Block;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// All that was tried, and what came of it.
#[derive(Default)]
pub(crate) struct Trials {
    /// State stores, by name.
    pub(crate) stores: BTreeMap<String, Trial>,
    /// Secret stores, by name: why one does not open.
    pub(crate) secrets: BTreeMap<String, Result<(), String>>,
    pub(crate) failures: Vec<Failure>,
    pub(crate) warnings: Vec<Failure>,
}

/// What became of trying a store. `Display` is how its row ends.
pub(crate) struct Trial {
    what: What,
    /// Why it does not work.
    pub(crate) error: Option<String>,
}

enum What {
    /// A store in WebAssembly that starts, and what it can do.
    Component(Features),
    /// One that does not start.
    NoStart,
    /// A store on a server, which is open.
    Server,
    /// One whose server lacks what the start makes there.
    ToBeMade,
    /// One that does not open.
    NoServer,
}

impl Trials {
    /// Tries the stores that the app uses.
    pub(crate) async fn of(setup: &Setup, examined: &Examined, shared: &Shared) -> Self {
        let mut trials = Self::default();
        if examined.uses(Block::State) {
            for store in setup.stores() {
                match &store.implementation {
                    Implementation::Provider(config) => trials.component(setup, store, config, shared).await,
                    Implementation::BuiltIn(settings) => trials.built_in(setup, store, settings).await,
                }
            }
        }
        if examined.uses(Block::Secrets) {
            for (store, opened) in setup.each_secret_store(shared).await {
                let opened = opened.map_err(|failure| trials.failed(failure, store.ignore_errors));
                trials.secrets.insert(store.name.to_string(), opened);
            }
        }
        trials
    }

    async fn component(
        &mut self,
        setup: &Setup,
        store: &StateComponent<StateSettings>,
        config: &ProviderConfig,
        shared: &Shared,
    ) {
        let trial = match Wanted::by(store, config).open_now(shared).await {
            Ok(open) => Trial {
                what: What::Component(open.features()),
                error: self.asked(setup, store, open, "starts").await,
            },
            Err(failure) => Trial {
                what: What::NoStart,
                error: Some(self.failed(failure, store.ignore_errors)),
            },
        };
        self.stores.insert(store.name.to_string(), trial);
    }

    async fn built_in(&mut self, setup: &Setup, store: &StateComponent<StateSettings>, settings: &StateSettings) {
        let trial = match settings.look().await {
            Ok(Seen::Open(open)) => Trial {
                what: What::Server,
                error: self.asked(setup, store, open, "is open").await,
            },
            Ok(Seen::ToBeMade) => Trial {
                what: What::ToBeMade,
                error: None,
            },
            Ok(_) => return,
            Err(error) => Trial {
                what: What::NoServer,
                error: Some(self.failed(setup.cannot_open(store, &error), store.ignore_errors)),
            },
        };
        self.stores.insert(store.name.to_string(), trial);
    }

    /// Why an open store, which is in this state, cannot be read. It is closed then.
    async fn asked(
        &mut self,
        setup: &Setup,
        store: &StateComponent<StateSettings>,
        open: Arc<dyn StateStore>,
        state: &str,
    ) -> Option<String> {
        let asked = ask(setup, store, Arc::clone(&open), state).await;
        open.close().await;
        asked.err().map(|failure| self.failed(failure, store.ignore_errors))
    }

    /// Keeps a failure, or where that is asked for and it may pass by itself a warning, and answers its reason.
    fn failed(&mut self, failure: Failure, ignore_errors: bool) -> String {
        let reason = failure.reason();
        match ignore_errors && !failure.is_mistake() {
            true => self.warnings.push(failure.help(IGNORED)),
            false => self.failures.push(failure),
        }
        reason
    }
}

/// A key that no app has an item under.
const NOBODYS: &str = "dapr-wasm check";

/// Asks a store for an item as the app would, within the store's deadline: one that opens well may break at each call.
async fn ask(
    setup: &Setup,
    store: &StateComponent<StateSettings>,
    open: Arc<dyn StateStore>,
    state: &str,
) -> Outcome<()> {
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
            "the state store `{name}` ({location}) {state}, and cannot be read"
        ))
        .because(&error)
    })
}

impl Trial {
    /// What a store in WebAssembly says that it can do, if it starts.
    pub(crate) fn features(&self) -> Option<&Features> {
        match &self.what {
            What::Component(features) => Some(features),
            _ => None,
        }
    }

    /// Whether a store in WebAssembly starts.
    pub(crate) fn starts(&self) -> Option<bool> {
        match &self.what {
            What::Component(_) => Some(true),
            What::NoStart => Some(false),
            _ => None,
        }
    }

    /// Whether it can be used, if it was asked.
    pub(crate) fn answers(&self) -> Option<bool> {
        match &self.what {
            What::NoStart => None,
            _ => Some(self.error.is_none()),
        }
    }
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let features = match (&self.what, &self.error) {
            (What::Component(features), None) => features,
            (What::Component(_), Some(_)) => return f.write_str("it starts, and cannot be read"),
            (What::NoStart, _) => return f.write_str("it does not start"),
            (What::Server, None) => return f.write_str("its server answers"),
            (What::Server, Some(_)) => return f.write_str("it opens, and cannot be read"),
            (What::ToBeMade, _) => {
                return f.write_str("its server answers, and what it lacks is made when the host starts");
            }
            (What::NoServer, _) => return f.write_str("it does not open"),
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
