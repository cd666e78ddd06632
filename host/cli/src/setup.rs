//! The configuration, and the stores that it names: read for `check`, opened for `run`.

use crate::args::AppArgs;
use crate::failure::{Failure, Outcome};
use crate::target;
use dapr_blocks::config::{AppId, Configuration, Environment, ReadError, Source, StateComponent};
use dapr_blocks::state::{AppStores, Limits, StateStore, StoreSettings};
use dapr_components::{BuiltIn, StateSettings};
use dapr_runtime::app::AppSpec;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

/// What is used where there is no configuration file.
const DEFAULT: &str = include_str!("../../../components.toml");

/// The file that is used without being named.
const DEFAULT_FILE: &str = "components.toml";

/// Dapr's name for the namespace that a host runs in.
const NAMESPACE: &str = "NAMESPACE";

/// The configuration as it applies to one app.
pub(crate) struct Setup {
    /// Where it came from, as the user knows it.
    pub(crate) source: String,
    pub(crate) app_id: AppId,
    configuration: Configuration<StateSettings>,
    env: Vec<(String, String)>,
}

/// An open store, and what to call it.
pub(crate) struct OpenStore {
    pub(crate) name: String,
    pub(crate) place: String,
    pub(crate) store: Arc<dyn StateStore>,
}

impl Setup {
    /// Reads the configuration. Opens nothing.
    pub(crate) fn read(args: &AppArgs) -> Outcome<Self> {
        let source = source(args.components.as_deref())?;
        let name = source.name().to_owned();
        let configuration = Configuration::parse(source, Environment::of_process(), &BuiltIn)
            .map_err(|errors| Failure::usage("the configuration is wrong").detail(format!("{errors:#}")))?;
        let app_id = match &args.app_id {
            Some(id) => id.parse().map_err(|error| Failure::usage(format!("`{id}` cannot be an app id")).because(&error))?,
            None => target::app_id(&args.target)?,
        };
        let env = environment(&configuration, &args.env)?;
        Ok(Self { source: name, app_id, configuration, env })
    }

    /// The stores that the app may use.
    pub(crate) fn stores(&self) -> impl Iterator<Item = &StateComponent<StateSettings>> {
        self.configuration.state.iter().filter(|store| store.scopes.allow(&self.app_id))
    }

    /// Their names.
    pub(crate) fn store_names(&self) -> Vec<String> {
        self.stores().map(|store| store.name.to_string()).collect()
    }

    /// Opens the stores that the app may use.
    pub(crate) async fn open(&self) -> Outcome<Vec<OpenStore>> {
        let mut open = Vec::new();
        for component in self.stores() {
            let store = component.settings.open().await.map_err(|error| {
                let name = &component.name;
                let at = &component.location;
                let failure = Failure::run(format!("cannot open the state store `{name}` of {at}: {error}"));
                match error.help() {
                    Some(help) => failure.caused(&error).help(help),
                    None => failure.caused(&error),
                }
            })?;
            open.push(OpenStore {
                name: component.name.to_string(),
                place: component.settings.to_string(),
                store,
            });
        }
        Ok(open)
    }

    /// What the runtime needs to know of the app.
    pub(crate) fn spec(&self, open: &[OpenStore]) -> AppSpec {
        let app = &self.configuration.app;
        let namespace = std::env::var(NAMESPACE).ok().filter(|namespace| !namespace.is_empty());
        let mut stores = AppStores::default();
        for (component, open) in self.stores().zip(open) {
            let settings = StoreSettings {
                key_prefix: component.key_prefix.clone(),
                deadline: component.deadline,
                limits: Limits::default(),
            };
            let store = Arc::clone(&open.store);
            stores.insert(&open.name, store, &settings, self.app_id.as_str(), namespace.as_deref());
        }
        AppSpec {
            id: self.app_id.to_string(),
            env: self.env.clone(),
            stores,
            memory: app.memory.to_usize(),
            request_timeout: app.request_timeout,
            reuse: app.reuse.and_then(|reuse| NonZeroUsize::new(reuse.get() as usize)),
        }
    }
}

fn source(named: Option<&Path>) -> Outcome<Source> {
    let path = named.unwrap_or(Path::new(DEFAULT_FILE));
    match Source::read(path) {
        Ok(source) => Ok(source),
        Err(ReadError::Io { source, .. }) if named.is_none() && source.kind() == std::io::ErrorKind::NotFound => {
            Ok(Source::new("the built-in configuration", "", DEFAULT))
        }
        Err(error) => Err(Failure::usage(&error).caused(&error)),
    }
}

/// The app's environment: the configuration's, then the command line's.
fn environment(configuration: &Configuration<StateSettings>, args: &[String]) -> Outcome<Vec<(String, String)>> {
    let mut env = configuration.app.env.clone();
    for arg in args {
        let (name, value) = match arg.split_once('=') {
            Some((name, value)) => (name, value.to_owned()),
            None => (arg.as_str(), of_the_host(arg)?),
        };
        if name.is_empty() || name.contains('\0') || value.contains('\0') {
            return Err(Failure::usage(format!("--env `{}` names no variable", arg.escape_debug()))
                .help("write --env NAME=VALUE, or --env NAME to pass on the host's"));
        }
        env.insert(name.to_owned(), value);
    }
    Ok(env.into_iter().collect())
}

fn of_the_host(name: &str) -> Outcome<String> {
    std::env::var(name).map_err(|error| {
        Failure::usage(format!("--env {name} passes on a variable that the host does not have"))
            .because(&error)
            .help(format!("write --env {name}=VALUE, or set it"))
    })
}
