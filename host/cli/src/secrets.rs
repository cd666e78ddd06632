//! The secret stores of a configuration: opened for what the file refers to, and for the app.

use crate::components::Known;
use crate::failure::{Failure, Outcome};
use crate::masked_secrets::masked_secrets;
use crate::provider::{IGNORED, Wanted};
use crate::setup::guard;
use dapr_blocks::chain;
use dapr_blocks::config::{
    AppConfig, AppId, ConfigError, ConfigErrors, Configuration, Elsewhere, Environment, Fetched, FetchedSecrets,
    Implementation, SecretComponent, SecretStores, Source, Target,
};
use dapr_blocks::resiliency::Policy;
use dapr_blocks::secrets::{
    AppSecretStore, AppSecrets, LateSecretStore, Secret, SecretAccess, SecretError, SecretStore,
};
use dapr_components::{SecretSettings, StateSettings};
use dapr_runtime::app::Shared;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// The secret stores of a configuration.
pub(crate) struct Secrets {
    source: Source,
    environment: Environment,
    /// The stores, and what the file wants of them.
    read: SecretStores<SecretSettings>,
    fetched: FetchedSecrets,
    /// Those that the file refers to, by name.
    open: BTreeMap<String, Arc<dyn SecretStore>>,
}

/// A secret store as it is bound. `Display` says it in a line. Nothing in it is of a secret.
#[derive(Serialize)]
pub(crate) struct BoundSecrets {
    pub(crate) name: String,
    place: String,
    /// What the app may read, where that is not everything.
    #[serde(skip_serializing_if = "String::is_empty")]
    access: String,
    deadline_seconds: f64,
    /// Empty where there is no policy.
    #[serde(skip_serializing_if = "String::is_empty")]
    resiliency: String,
}

impl BoundSecrets {
    pub(crate) fn new(
        store: &SecretComponent<SecretSettings>,
        app_id: &AppId,
        configuration: &Configuration<StateSettings>,
    ) -> Self {
        let policy = policy(store, app_id, configuration);
        Self {
            name: store.name.to_string(),
            place: store.implementation.to_string(),
            access: said(&access(store, &configuration.app)),
            deadline_seconds: store.deadline.as_secs_f64(),
            resiliency: match policy.is_empty() {
                true => String::new(),
                false => policy.to_string(),
            },
        }
    }
}

impl fmt::Display for BoundSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            place,
            access,
            deadline_seconds,
            resiliency,
        } = self;
        write!(f, "{name}: {place}, {deadline_seconds}s a call")?;
        let mut rest = [resiliency, access].into_iter().filter(|part| !part.is_empty());
        rest.try_for_each(|part| write!(f, ", {part}"))
    }
}

impl Secrets {
    /// Reads the tables of secret stores. What is wrong with them is reported when the whole file is read.
    pub(crate) fn read(source: &Source, environment: &Environment) -> Result<Self, ConfigErrors> {
        let read = SecretStores::read(source.clone(), environment.clone(), &Known)?;
        Ok(Self {
            source: source.clone(),
            environment: environment.clone(),
            fetched: read.names.unfetched(),
            read,
            open: BTreeMap::new(),
        })
    }

    /// Fetches what the file refers to: first what the stores themselves need. What is not there is reported when the whole file
    /// is read.
    pub(crate) async fn fetch(&mut self, shared: &Shared) -> Outcome<()> {
        let first = std::mem::take(&mut self.read.wanted_first);
        if !first.is_empty() {
            self.fetch_of(&first, shared).await?;
            let elsewhere = Elsewhere::new(self.environment.clone(), self.fetched.clone());
            let read = SecretStores::read(self.source.clone(), elsewhere, &Known);
            self.read = read.expect("the text was TOML before");
        }
        let wanted = std::mem::take(&mut self.read.wanted);
        self.fetch_of(&wanted, shared).await
    }

    /// Fetches these, and leaves open the stores that have them.
    async fn fetch_of(&mut self, wanted: &BTreeSet<(String, String)>, shared: &Shared) -> Outcome<()> {
        for component in &self.read.stores {
            let name = component.name.as_str();
            let mut wanted = wanted.iter().filter(|(store, _)| store == name).peekable();
            if wanted.peek().is_none() {
                continue;
            }
            let opened = match (self.open.get(name), &component.implementation) {
                (Some(open), _) => Ok(Arc::clone(open)),
                (None, Implementation::BuiltIn(settings)) => settings.open().await.map_err(|error| chain(&error)),
                (None, Implementation::Provider(config)) => Ok(Wanted::by_secrets(component, config)
                    .open_secrets(shared, false)
                    .await?),
            };
            for (_, secret) in wanted {
                let fetched = match &opened {
                    Ok(store) => fetch(component, &**store, secret).await,
                    Err(reason) => Fetched::Failed(reason.clone()),
                };
                self.fetched.insert(name, secret, fetched);
            }
            self.open.extend(opened.ok().map(|store| (name.to_owned(), store)));
        }
        Ok(())
    }

    /// What was fetched.
    pub(crate) fn fetched(&self) -> &FetchedSecrets {
        &self.fetched
    }

    /// What nobody is to see of what the tables refer to.
    pub(crate) fn hidden(&self) -> &[Secret] {
        &self.read.hidden
    }

    /// What is no error, and to be told to the user.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = &ConfigError> {
        self.read.stores.iter().flat_map(|store| &store.warnings)
    }

    /// The stores that the app may use.
    pub(crate) fn of_app<'a>(&'a self, app_id: &'a AppId) -> impl Iterator<Item = &'a SecretComponent<SecretSettings>> {
        self.read.stores.iter().filter(|store| store.scopes.allow(app_id))
    }

    /// All stores, also of other apps.
    pub(crate) fn all(&self) -> &[SecretComponent<SecretSettings>] {
        &self.read.stores
    }

    /// Opens the stores that the app may use. One that does not open is opened later, where its table allows that.
    pub(crate) async fn open(
        &self,
        app_id: &AppId,
        configuration: &Configuration<StateSettings>,
        shared: &Shared,
    ) -> Outcome<AppSecrets> {
        let mut secrets = AppSecrets::default();
        for component in self.of_app(app_id) {
            let store = match self.open.get(component.name.as_str()) {
                Some(open) => Arc::clone(open),
                None => open(component, component.ignore_errors, shared).await?,
            };
            let store = match &component.implementation {
                Implementation::BuiltIn(_) => store,
                Implementation::Provider(_) => masked_secrets(store),
            };
            secrets.insert(AppSecretStore {
                name: component.name.to_string(),
                store,
                access: access(component, &configuration.app),
                deadline: component.deadline,
                guard: guard(policy(component, app_id, configuration)),
            });
        }
        if self.of_app(app_id).count() < self.read.stores.len() {
            secrets.others_exist();
        }
        Ok(secrets)
    }

    /// Opens each of the stores that the app may use, and answers what came of it.
    pub(crate) async fn each(
        &self,
        app_id: &AppId,
        shared: &Shared,
    ) -> Vec<(&SecretComponent<SecretSettings>, Outcome<()>)> {
        let mut each = Vec::new();
        for component in self.read.stores.iter().filter(|store| store.scopes.allow(app_id)) {
            let opened = match self.open.contains_key(component.name.as_str()) {
                true => Ok(()),
                false => match open(component, false, shared).await {
                    Ok(store) => {
                        store.close().await;
                        Ok(())
                    }
                    Err(failure) => Err(failure),
                },
            };
            each.push((component, opened));
        }
        each
    }

    /// Those that were opened since the file refers to them.
    pub(crate) fn fetched_from(&self) -> impl Iterator<Item = &Arc<dyn SecretStore>> {
        self.open.values()
    }
}

/// Opens a store. With `ignore_errors`, one that does not open is a warning, and is opened later.
async fn open(
    component: &SecretComponent<SecretSettings>,
    ignore_errors: bool,
    shared: &Shared,
) -> Outcome<Arc<dyn SecretStore>> {
    let SecretComponent { name, location, .. } = component;
    let settings = match &component.implementation {
        Implementation::BuiltIn(settings) => settings,
        Implementation::Provider(config) => {
            let wanted = Wanted::by_secrets(component, config);
            return wanted.open_secrets(shared, ignore_errors).await;
        }
    };
    let error = match settings.open().await {
        Ok(store) => return Ok(store),
        Err(error) => error,
    };
    let failure = Failure::run(format!("cannot open the secret store `{name}` ({location})")).because(&error);
    if !ignore_errors {
        return Err(failure);
    }
    failure.help(IGNORED).warn();
    Ok(later(name.as_str(), settings))
}

/// A built-in store that did not open just now.
fn later(name: &str, settings: &SecretSettings) -> Arc<dyn SecretStore> {
    let settings = settings.clone();
    let open = move || {
        let settings = settings.clone();
        async move { settings.open().await }
    };
    Arc::new(LateSecretStore::after_failure(name, open))
}

/// The policy for the app's calls to a store.
fn policy(
    component: &SecretComponent<SecretSettings>,
    app_id: &AppId,
    configuration: &Configuration<StateSettings>,
) -> Policy {
    let is_remote = match &component.implementation {
        Implementation::BuiltIn(settings) => settings.is_remote(),
        Implementation::Provider(config) => !config.allow_hosts.is_empty(),
    };
    let resiliency = &configuration.resiliency;
    resiliency.outbound(app_id, Target::Secrets, &component.name, is_remote)
}

/// What became of a secret that the file refers to.
async fn fetch(component: &SecretComponent<SecretSettings>, store: &dyn SecretStore, name: &str) -> Fetched {
    let deadline = component.deadline;
    match tokio::time::timeout(deadline, store.get(name)).await {
        Ok(Ok(values)) => Fetched::Found(values),
        Ok(Err(SecretError::NoSuchSecret(_))) => Fetched::NoSuchSecret,
        Ok(Err(SecretError::Internal(cause))) => Fetched::Failed(chain(&*cause)),
        Ok(Err(error)) => Fetched::Failed(chain(&error)),
        Err(_) => Fetched::Failed(format!("no answer within {deadline:?}")),
    }
}

fn access(store: &SecretComponent<SecretSettings>, app: &AppConfig) -> SecretAccess {
    let rules = app.secrets.iter().find(|rules| rules.store == store.name);
    rules.map(|rules| rules.access.clone()).unwrap_or_default()
}

/// What the app may read, where that is not everything.
fn said(access: &SecretAccess) -> String {
    let names = |names: &BTreeSet<String>| {
        let names: Vec<_> = names.iter().map(|name| format!("`{}`", name.escape_debug())).collect();
        names.join(", ")
    };
    use dapr_blocks::secrets::DefaultAccess;
    match (access.default, access.allowed.is_empty(), access.denied.is_empty()) {
        (_, false, _) => format!("only {}", names(&access.allowed)),
        (DefaultAccess::Deny, true, _) => "no secret of it".to_owned(),
        (DefaultAccess::Allow, true, false) => format!("all but {}", names(&access.denied)),
        (DefaultAccess::Allow, true, true) => String::new(),
    }
}
