//! The configuration, and what it makes of the stores that it names.

use crate::args::AppArgs;
use crate::components::Known;
use crate::failure::{Failure, Outcome, counted};
use crate::masked;
use crate::masked_store::masked_store;
use crate::named_value::named_value;
use crate::opening::OpenStore;
use crate::origin::{DEFAULT_FILE, Origin, source};
use crate::secrets::{BoundSecrets, Secrets};
use crate::shared;
use crate::target;
use dapr_blocks::config::{
    AppId, ConfigError, ConfigErrors, Configuration, Elsewhere, Environment, Implementation, Namespace,
    SecretComponent, StateComponent, Target,
};
use dapr_blocks::resiliency::{Guard, Policy};
use dapr_blocks::secrets::{AppSecrets, SecretStore};
use dapr_blocks::state::{AppStores, KeyPrefix, Limits, StateStore, StoreSettings};
use dapr_components::{SecretSettings, StateSettings};
use dapr_runtime::app::{AppSpec, Shared};
use dapr_runtime::needs::{Block, Stores};
use serde::{Serialize, Serializer};
use std::env::VarError;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Dapr's name for the namespace that a host runs in.
const NAMESPACE: &str = "NAMESPACE";

/// The configuration as it applies to one app.
pub(crate) struct Setup {
    pub(crate) origin: Origin,
    pub(crate) app_id: AppId,
    configuration: Configuration<StateSettings>,
    secrets: Secrets,
    /// The namespace of the host's environment, if a store's keys begin with it.
    namespace: Option<Namespace>,
    env: Vec<(String, String)>,
}

/// A store as it is bound. `Display` says it in a line, with what bounds its calls.
#[derive(Serialize)]
pub(crate) struct Bound {
    pub(crate) name: String,
    place: String,
    key_prefix: String,
    #[serde(rename = "deadline_seconds", serialize_with = "seconds")]
    deadline: Duration,
    /// Empty where there is no policy.
    #[serde(skip_serializing_if = "String::is_empty")]
    resiliency: String,
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

impl Bound {
    pub(crate) fn new(setup: &Setup, store: &StateComponent<StateSettings>) -> Self {
        let policy = setup.policy(store);
        Self {
            name: store.name.to_string(),
            place: store.implementation.to_string(),
            key_prefix: store.key_prefix.to_string(),
            deadline: store.deadline,
            resiliency: match policy.is_empty() {
                true => String::new(),
                false => policy.to_string(),
            },
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            place,
            key_prefix,
            deadline,
            resiliency,
        } = self;
        write!(f, "{name}: {place}, key prefix {key_prefix}, {deadline:?} a call")?;
        match resiliency.as_str() {
            "" => Ok(()),
            resiliency => write!(f, ", {resiliency}"),
        }
    }
}

impl Setup {
    /// Reads the configuration. Opens nothing but the secret stores that it refers to.
    pub(crate) async fn read(args: &AppArgs, shared: &Shared) -> Outcome<Self> {
        let (origin, source) = source(args.components.as_deref())?;
        let environment_of_host = Environment::of_process();
        let mut secrets = Secrets::read(&source, &environment_of_host).map_err(|errors| wrong(&origin, &errors))?;
        fetch(&mut secrets, shared).await?;
        let elsewhere = Elsewhere::new(environment_of_host, secrets.fetched().clone());
        let configuration =
            Configuration::parse(source, elsewhere, &Known).map_err(|errors| wrong(&origin, &errors))?;
        masked::hide(&configuration.hidden);
        warn_of(&origin, secrets.warnings().chain(configuration.warnings()));
        let app_id = match &args.app_id {
            Some(id) => id
                .parse()
                .map_err(|error| Failure::usage(format!("`{id}` cannot be an app id")).because(&error))?,
            None => target::app_id(&args.target)?,
        };
        let env = environment(&configuration, &args.env)?;
        let namespace = namespace(&configuration)?;
        Ok(Self {
            origin,
            app_id,
            configuration,
            secrets,
            namespace,
            env,
        })
    }

    /// The stores that the app may use.
    pub(crate) fn stores(&self) -> impl Iterator<Item = &StateComponent<StateSettings>> {
        self.configuration
            .state
            .iter()
            .filter(|store| store.scopes.allow(&self.app_id))
    }

    /// Their names.
    pub(crate) fn store_names(&self) -> Vec<String> {
        self.stores().map(|store| store.name.to_string()).collect()
    }

    /// The files that it read, and those that stores keep items in.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let kept = self.stores().filter_map(|store| match &store.implementation {
            Implementation::BuiltIn(settings) => settings.file(),
            Implementation::Provider(_) => None,
        });
        let read = self.origin.file().map(Path::new);
        kept.chain(read).map(Path::to_owned).collect()
    }

    /// These names of stores, and whether there are others that the app may not use.
    pub(crate) fn stores_to_the_app<'a>(&self, names: &'a [String]) -> Stores<'a> {
        Stores {
            names,
            others: names.len() < self.configuration.state.len(),
        }
    }

    /// The names of the secret stores that the app may use.
    pub(crate) fn secret_names(&self) -> Vec<String> {
        let stores = self.secrets.of_app(&self.app_id);
        stores.map(|store| store.name.to_string()).collect()
    }

    /// These names of secret stores, and whether there are others that the app may not use.
    pub(crate) fn secrets_to_the_app<'a>(&self, names: &'a [String]) -> Stores<'a> {
        Stores {
            names,
            others: names.len() < self.secrets.all().len(),
        }
    }

    /// The secret stores that the app may use, as they are bound.
    pub(crate) fn bound_secrets(&self) -> Vec<BoundSecrets> {
        let stores = self.secrets.of_app(&self.app_id);
        stores
            .map(|store| BoundSecrets::new(store, &self.app_id, &self.configuration))
            .collect()
    }

    /// Opens the secret stores that the app may use.
    pub(crate) async fn open_secrets(&self, shared: &Shared) -> Outcome<AppSecrets> {
        self.secrets.open(&self.app_id, &self.configuration, shared).await
    }

    /// Opens each of them, and answers what came of it.
    pub(crate) async fn each_secret_store(
        &self,
        shared: &Shared,
    ) -> Vec<(&SecretComponent<SecretSettings>, Outcome<()>)> {
        self.secrets.each(&self.app_id, shared).await
    }

    /// The secret stores that are open, of those that the file refers to.
    pub(crate) fn fetched_from(&self) -> Vec<Arc<dyn SecretStore>> {
        self.secrets.fetched_from().cloned().collect()
    }

    /// What to do for an app that has no store of a building block: what to add, and where.
    pub(crate) fn store_to_paste(&self, block: Block) -> String {
        let first = match block {
            Block::Secrets => self.secrets.all().first().map(|store| (&store.name, &store.location)),
            _ => self
                .configuration
                .state
                .first()
                .map(|store| (&store.name, &store.location)),
        };
        if let Some((name, location)) = first {
            let app = &self.app_id;
            return format!(
                "add \"{app}\" to the scopes of `{name}` ({location}), or name another app id with --app-id"
            );
        }
        let file = match &self.origin {
            Origin::BuiltIn => DEFAULT_FILE,
            Origin::File(name) => name,
        };
        match block {
            Block::Secrets => {
                format!("add to {file}:\n[secrets.vault]\ntype = \"local.file\"\nsecretsFile = \"secrets.json\"")
            }
            _ => format!("add to {file}:\n[state.statestore]\ntype = \"sqlite\"\nconnectionString = \"state.db\""),
        }
    }

    /// The policy for the app's calls to a store.
    fn policy(&self, store: &StateComponent<StateSettings>) -> Policy {
        let is_remote = match &store.implementation {
            Implementation::BuiltIn(settings) => settings.is_remote(),
            Implementation::Provider(config) => !config.allow_hosts.is_empty(),
        };
        self.configuration
            .resiliency
            .outbound(&self.app_id, Target::State, &store.name, is_remote)
    }

    /// Whether the app may ask any server over HTTP.
    pub(crate) fn app_may_ask(&self) -> bool {
        !self.configuration.app.allow_hosts.is_empty()
    }

    /// What the runtime needs to know of the app.
    pub(crate) fn spec(&self, open: &[OpenStore], secrets: AppSecrets) -> AppSpec {
        let app = &self.configuration.app;
        let mut stores = AppStores::default();
        if self.stores().count() < self.configuration.state.len() {
            stores.others_exist();
        }
        for (component, open) in self.stores().zip(open) {
            self.bind(component, Arc::clone(&open.store), &mut stores);
        }
        AppSpec {
            id: self.app_id.to_string(),
            env: self.env.clone(),
            allow_hosts: Arc::new(app.allow_hosts.clone()),
            stores,
            secrets,
            config: app.config.clone(),
            memory: app.memory.to_usize(),
            request_timeout: app.request_timeout,
            reuse: app.reuse.and_then(|reuse| NonZeroUsize::new(reuse.get() as usize)),
        }
    }

    /// Adds an open store to those that the app may use, with its settings.
    pub(crate) fn bind(
        &self,
        component: &StateComponent<StateSettings>,
        store: Arc<dyn StateStore>,
        stores: &mut AppStores,
    ) {
        let settings = StoreSettings {
            key_prefix: component.key_prefix.value.clone(),
            deadline: component.deadline,
            limits: Limits::default(),
            guard: guard(self.policy(component)),
        };
        let (app_id, namespace) = (self.app_id.as_str(), self.namespace.as_ref());
        stores.insert(
            component.name.as_str(),
            masked_store(store),
            &settings,
            app_id,
            namespace,
        );
    }
}

/// A policy at work, unless it changes nothing.
pub(crate) fn guard(policy: Policy) -> Option<Arc<Guard>> {
    (!policy.is_empty()).then(|| Arc::new(Guard::new(policy)))
}

/// Fetches what the file refers to, and shows none of it from now on. What is said meanwhile, is said afterwards.
async fn fetch(secrets: &mut Secrets, shared: &Shared) -> Outcome<()> {
    let held = masked::hold();
    let outcome = secrets.fetch(shared).await;
    // What a store printed is held back, too.
    shared::printed(shared).await;
    masked::hide(secrets.fetched().secrets().chain(secrets.hidden()));
    drop(held);
    outcome
}

fn wrong(origin: &Origin, errors: &ConfigErrors) -> Failure {
    let count = counted(errors.iter().count(), "mistake");
    Failure::usage(format!("{count} in `{}`", origin.name())).detail(format!("{errors:#}"))
}

/// Tells what is no error.
fn warn_of<'a>(origin: &Origin, warnings: impl Iterator<Item = &'a ConfigError>) {
    let warnings: Vec<_> = warnings.map(|warning| format!("{warning:#}")).collect();
    if !warnings.is_empty() {
        let message = format!("{} in `{}`", counted(warnings.len(), "old setting"), origin.name());
        Failure::usage(message).detail(warnings.join("\n\n")).warn();
    }
}

/// The namespace that the host runs in. It is looked at only where it becomes part of keys, and its text is not shown.
fn namespace(configuration: &Configuration<StateSettings>) -> Outcome<Option<Namespace>> {
    let mut stores = configuration.state.iter();
    if !stores.any(|store| store.key_prefix.value == KeyPrefix::Namespace) {
        return Ok(None);
    }
    let unfit = format!("the environment variable {NAMESPACE} cannot be a namespace");
    match std::env::var(NAMESPACE) {
        Err(VarError::NotPresent) => Ok(None),
        Ok(text) if text.is_empty() => Ok(None),
        Ok(text) => text
            .parse()
            .map(Some)
            .map_err(|error| Failure::usage(unfit).because(&error)),
        Err(VarError::NotUnicode(_)) => Err(Failure::usage(format!("{unfit}: it is not UTF-8 text"))),
    }
}

/// The app's environment: the configuration's, then the command line's.
fn environment(configuration: &Configuration<StateSettings>, args: &[String]) -> Outcome<Vec<(String, String)>> {
    let mut env = configuration.app.env.clone();
    for arg in args {
        let (name, value) = named_value("--env", arg)?;
        env.insert(name, value);
    }
    Ok(env.into_iter().collect())
}
