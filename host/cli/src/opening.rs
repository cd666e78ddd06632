//! Opening the stores that an app may use.
//!
//! What is here comes first, one after the other: the files of components, and their code, whose compiling takes all processors.
//! Servers are waited for all at once: each may take as long as its own timeout until it is known that it is away. What came of
//! it is told in the order of the configuration.

use crate::failure::{Failure, Outcome};
use crate::origin::Origin;
use crate::provider::{IGNORED, Wanted};
use crate::setup::Setup;
use dapr_blocks::config::{Implementation, StartWhen, StateComponent};
use dapr_blocks::state::{LateStore, StateStore};
use dapr_components::{OpenError, StateSettings};
use dapr_runtime::app::Shared;
use dapr_runtime::providers::start;
use dapr_runtime::providers::state::{self, Provider};
use std::sync::Arc;
use tokio_util::task::AbortOnDropHandle;

/// How to do without what is built in.
const OWN_FILE: &str = "a components.toml of your own can put the store elsewhere";

/// An open store, and what the app calls it.
pub(crate) struct OpenStore {
    pub(crate) name: String,
    pub(crate) store: Arc<dyn StateStore>,
}

/// A store whose code is there.
enum Ready<'a> {
    BuiltIn(&'a StateSettings),
    Provider(Box<(Wanted<'a>, Provider)>),
}

/// A store that is being opened. Dropping it gives up.
enum Opening<'a> {
    /// It opens when it is first used.
    Later(Arc<dyn StateStore>),
    BuiltIn(&'a StateSettings, Task<OpenError>),
    Provider(Box<(Wanted<'a>, Provider)>, Task<start::OpenError>),
}

type Task<E> = AbortOnDropHandle<Result<Arc<dyn StateStore>, E>>;

impl Setup {
    /// Opens the stores that the app may use.
    pub(crate) async fn open(&self, shared: &Shared) -> Outcome<Vec<OpenStore>> {
        let mut ready = Vec::new();
        for component in self.stores() {
            ready.push((component, Ready::of(component, shared).await?));
        }
        let all: Vec<_> = ready
            .into_iter()
            .map(|(component, ready)| (component, ready.open()))
            .collect();
        let mut open = Vec::new();
        for (component, opening) in all {
            open.push(OpenStore {
                name: component.name.to_string(),
                store: self.opened(component, opening, shared).await?,
            });
        }
        Ok(open)
    }

    /// What becomes of a store. With `ignoreErrors`, one that does not open is a warning, and opens later.
    async fn opened(
        &self,
        component: &StateComponent<StateSettings>,
        opening: Opening<'_>,
        shared: &Shared,
    ) -> Outcome<Arc<dyn StateStore>> {
        let name = component.name.as_str();
        match opening {
            Opening::Later(store) => Ok(store),
            Opening::BuiltIn(settings, task) => match task.await.map_err(|panic| panicked(component, &panic))? {
                Ok(store) => Ok(store),
                Err(error) => {
                    ignored(component, self.cannot_open(component, &error))?;
                    let settings = settings.clone();
                    let open = move || {
                        let settings = settings.clone();
                        async move { settings.open().await }
                    };
                    Ok(Arc::new(LateStore::after_failure(name, open)))
                }
            },
            Opening::Provider(linked, task) => match task.await.map_err(|panic| panicked(component, &panic))? {
                Ok(store) => Ok(store),
                Err(error) => {
                    let (wanted, provider) = *linked;
                    let refusals = provider.linked().refusals().clone();
                    ignored(component, wanted.does_not_start(&error, &refusals, shared).await)?;
                    Ok(Arc::new(LateStore::after_failure(name, state::opener(provider))))
                }
            },
        }
    }

    /// That a built-in store does not open.
    pub(crate) fn cannot_open(&self, component: &StateComponent<StateSettings>, error: &OpenError) -> Failure {
        let StateComponent { name, location, .. } = component;
        let (place, more_help) = match self.origin {
            Origin::BuiltIn => (self.origin.name().to_owned(), Some(OWN_FILE)),
            Origin::File(_) => (location.to_string(), None),
        };
        let failure = Failure::run(format!("cannot open the state store `{name}` ({place})")).because(error);
        let failure = error.help().into_iter().fold(failure, Failure::help);
        more_help.into_iter().fold(failure, Failure::help)
    }
}

impl<'a> Ready<'a> {
    /// Reads, compiles and links what there is of a store.
    async fn of(component: &'a StateComponent<StateSettings>, shared: &Shared) -> Outcome<Self> {
        match &component.implementation {
            Implementation::BuiltIn(settings) => Ok(Self::BuiltIn(settings)),
            Implementation::Provider(config) => {
                let wanted = Wanted::by(component, config);
                let provider = wanted.link(shared).await?;
                Ok(Self::Provider(Box::new((wanted, provider))))
            }
        }
    }

    /// Begins to open it.
    fn open(self) -> Opening<'a> {
        match self {
            Self::BuiltIn(settings) => {
                let own = settings.clone();
                let task = tokio::spawn(async move { own.open().await });
                Opening::BuiltIn(settings, AbortOnDropHandle::new(task))
            }
            Self::Provider(both) => {
                let (wanted, provider) = &*both;
                if wanted.config.start == StartWhen::FirstUse {
                    let open = state::opener(provider.clone());
                    return Opening::Later(Arc::new(LateStore::at_first_use(wanted.name, open)));
                }
                let task = tokio::spawn(state::open(provider.clone()));
                Opening::Provider(both, AbortOnDropHandle::new(task))
            }
        }
    }
}

/// Warns of a store that does not open, where that is no reason to stop.
fn ignored(component: &StateComponent<StateSettings>, failure: Failure) -> Outcome<()> {
    match component.ignore_errors && !failure.is_mistake() {
        true => {
            failure.help(IGNORED).warn();
            Ok(())
        }
        false => Err(failure),
    }
}

fn panicked(component: &StateComponent<StateSettings>, error: &tokio::task::JoinError) -> Failure {
    let StateComponent { name, location, .. } = component;
    Failure::run(format!("cannot open the state store `{name}` ({location})")).because(error)
}
