//! `type = "wasm"`: from the file that a store names to a store that serves.

use crate::code;
use crate::components;
use crate::failure::{Failure, Outcome};
use crate::shared;
use crate::size::size;
use crate::target;
use dapr_blocks::config::{ProviderConfig, SecretComponent, StateComponent};
use dapr_blocks::secrets::{LateSecretStore, SecretStore};
use dapr_blocks::state::StateStore;
use dapr_components::{SecretSettings, StateSettings};
use dapr_runtime::app::Shared;
use dapr_runtime::engine::Guests;
use dapr_runtime::needs::Block;
use dapr_runtime::providers::file::{FileError, ProviderFile};
use dapr_runtime::providers::linked::{AllowedIn, ProviderCode, ProviderLinkError, ProviderSpec, Refusals};
use dapr_runtime::providers::secrets;
use dapr_runtime::providers::start::OpenError;
use dapr_runtime::providers::state::{self, Provider};
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Where to begin with a state store.
pub(crate) const WORLD: &str = "build it for the world `state-store`, which `dapr-wasm wit DIR` writes";

/// Where to begin with a secret store.
const SECRETS_WORLD: &str = "build it for the world `secret-store`, which `dapr-wasm wit DIR` writes";

/// What is told of a store that does not open, where that is no reason to stop.
pub(crate) const IGNORED: &str = "the host starts without it, since `ignoreErrors` is set, and tries again";

/// A provider, and who asks for it: for messages.
pub(crate) struct Wanted<'a> {
    /// The name of the store.
    pub(crate) name: &'a str,
    /// What it is to be.
    pub(crate) block: Block,
    /// ``the state store `mine` (components.toml:1:8)``
    pub(crate) whose: String,
    /// What sets the memory of an instance.
    pub(crate) memory: &'static str,
    /// How to get another file where this one does not do.
    pub(crate) again: String,
    /// What says which servers it may reach.
    pub(crate) allowed_in: AllowedIn,
    pub(crate) config: &'a ProviderConfig,
    pub(crate) deadline: Duration,
}

impl<'a> Wanted<'a> {
    /// What a store of the configuration wants.
    pub(crate) fn by(store: &'a StateComponent<StateSettings>, config: &'a ProviderConfig) -> Self {
        let StateComponent { name, location, .. } = store;
        Self {
            name: name.as_str(),
            block: Block::State,
            whose: format!("the state store `{name}` ({location})"),
            memory: "`memory` of its table",
            again: match config.title {
                None => WORLD.to_owned(),
                Some(_) => components::build_again(&store.kind),
            },
            allowed_in: AllowedIn::Table(Block::State),
            config,
            deadline: store.deadline,
        }
    }

    /// What a secret store of the configuration wants.
    pub(crate) fn by_secrets(store: &'a SecretComponent<SecretSettings>, config: &'a ProviderConfig) -> Self {
        let SecretComponent { name, location, .. } = store;
        Self {
            name: name.as_str(),
            block: Block::Secrets,
            whose: format!("the secret store `{name}` ({location})"),
            memory: "`memory` of its table",
            again: match config.title {
                None => SECRETS_WORLD.to_owned(),
                Some(_) => components::build_again(&store.kind),
            },
            allowed_in: AllowedIn::Table(Block::Secrets),
            config,
            deadline: store.deadline,
        }
    }

    /// Reads, compiles and links a secret store, and starts its first instance. With `ignore_errors`, one that does not start is a
    /// warning, and starts later.
    pub(crate) async fn open_secrets(&self, shared: &Shared, ignore_errors: bool) -> Outcome<Arc<dyn SecretStore>> {
        let bytes = self.read()?;
        let (file, code) = self.code(&bytes, shared).await?;
        let linked = secrets::Provider::link(&file, &code, self.spec(), shared.clone());
        let provider = linked.map_err(|error| self.does_not_link(&error))?;
        let refusals = provider.linked().refusals().clone();
        let error = match secrets::open(provider.clone()).await {
            Ok(store) => return Ok(store),
            Err(error) => error,
        };
        let failure = self.does_not_start(&error, &refusals, shared).await;
        if !ignore_errors || failure.is_mistake() {
            return Err(failure);
        }
        failure.help(IGNORED).warn();
        let opener = move || secrets::open(provider.clone());
        Ok(Arc::new(LateSecretStore::after_failure(self.name, opener)))
    }

    /// Reads, compiles and links a state store, and starts its first instance.
    pub(crate) async fn open_now(&self, shared: &Shared) -> Outcome<Arc<dyn StateStore>> {
        let provider = self.link(shared).await?;
        self.start(provider, shared).await
    }

    /// Starts the first instance.
    pub(crate) async fn start(&self, provider: Provider, shared: &Shared) -> Outcome<Arc<dyn StateStore>> {
        let refusals = provider.linked().refusals().clone();
        match state::open(provider).await {
            Ok(store) => Ok(store),
            Err(error) => Err(self.does_not_start(&error, &refusals, shared).await),
        }
    }

    /// Why the first instance does not start: it may be for what it was refused.
    pub(crate) async fn does_not_start(&self, error: &OpenError, refusals: &Refusals, shared: &Shared) -> Failure {
        // What it printed comes before what is said of it.
        shared::printed(shared).await;
        match error {
            OpenError::OneInstance(_) => self.cannot_use(error).help("remove `instances`, or set it to 1"),
            error => {
                let failure = Failure::run(format!("{} does not start", self.whose)).because(error);
                refusals.sentences().iter().fold(failure, Failure::help)
            }
        }
    }

    /// Reads, compiles and links the component of a state store.
    pub(crate) async fn link(&self, shared: &Shared) -> Outcome<Provider> {
        let bytes = self.read()?;
        let (file, code) = self.code(&bytes, shared).await?;
        let linked = Provider::link(&file, &code, self.spec(), shared.clone());
        linked.map_err(|error| self.does_not_link(&error))
    }

    /// Compiles and links what will be in the file, whatever it is to be.
    #[cfg(feature = "go-components")]
    pub(crate) async fn linked(
        &self,
        bytes: &[u8],
        shared: &Shared,
    ) -> Outcome<dapr_runtime::providers::linked::Linked> {
        let (file, code) = self.code(bytes, shared).await?;
        let (spec, shared) = (self.spec(), shared.clone());
        let linked = match self.block {
            Block::Secrets => {
                secrets::Provider::link(&file, &code, spec, shared).map(|provider| provider.linked().clone())
            }
            _ => Provider::link(&file, &code, spec, shared).map(|provider| provider.linked().clone()),
        };
        linked.map_err(|error| self.does_not_link(&error))
    }

    fn read(&self) -> Outcome<Vec<u8>> {
        std::fs::read(&self.config.component).map_err(|error| self.unreadable(&error))
    }

    /// What is in a file, and its compiled code.
    async fn code<'b>(&self, bytes: &'b [u8], shared: &Shared) -> Outcome<(ProviderFile<'b>, ProviderCode)> {
        let path = &self.config.component;
        let file = ProviderFile::read(bytes, self.block).map_err(|error| self.no_provider(&error))?;
        let code = match &file {
            ProviderFile::Component { bytes, .. } => {
                ProviderCode::Component(code::load(path, bytes, Guests::Stores, &shared.engines).await?)
            }
            ProviderFile::Plugin { bytes } => {
                ProviderCode::Plugin(code::load(path, bytes, Guests::Stores, &shared.engines).await?)
            }
        };
        Ok((file, code))
    }

    fn does_not_link(&self, error: &ProviderLinkError) -> Failure {
        match error {
            ProviderLinkError::Memory { needed, memory } => Failure::usage(format!(
                "an instance of `{}` begins with {} in one memory, and may have {}",
                self.path(),
                size(*needed),
                size(*memory as u64)
            ))
            .help(format!("{} sets what it may have, for {}", self.memory, self.whose)),
            ProviderLinkError::NoSockets => self.cannot_use(error).help("remove `allow-hosts`"),
            ProviderLinkError::Plugin(_) => self.cannot_use(error).help("build it again, or for another host"),
            error => self.cannot_use(error).help(&self.again),
        }
    }

    fn spec(&self) -> ProviderSpec {
        let ProviderConfig {
            allow_hosts,
            memory,
            instances,
            metadata,
            ..
        } = self.config;
        ProviderSpec {
            name: self.name.to_owned(),
            allow_hosts: allow_hosts.clone(),
            allowed_in: self.allowed_in,
            memory: memory.to_usize(),
            instances: instances.and_then(|instances| NonZeroUsize::new(instances.get() as usize)),
            deadline: self.deadline,
            metadata: metadata
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        }
    }

    fn cannot_use(&self, error: &(dyn std::error::Error + 'static)) -> Failure {
        Failure::usage(format!("cannot use `{}` for {}", self.path(), self.whose)).because(error)
    }

    fn path(&self) -> std::path::Display<'_> {
        Path::display(&self.config.component)
    }

    fn unreadable(&self, error: &io::Error) -> Failure {
        let (path, whose) = (self.path(), &self.whose);
        match error.kind() {
            io::ErrorKind::NotFound => Failure::usage(format!("there is no file `{path}` for {whose}"))
                .help("`component` is a .wasm file; a relative path begins at the configuration's folder"),
            io::ErrorKind::IsADirectory => Failure::usage(format!("`{path}` is a folder, and {whose} needs a file"))
                .help("build what is in it, and name the .wasm file"),
            _ => Failure::usage(format!("cannot read `{path}` for {whose}")).because(error),
        }
    }

    fn no_provider(&self, error: &FileError) -> Failure {
        match error {
            FileError::Source(error) => {
                let failure = self.cannot_use(error);
                target::advise(failure, &self.config.component, error, &self.again)
            }
            FileError::NoProvider { exports, .. } => self
                .cannot_use(error)
                .detail(target::exported(exports))
                .help(&self.again),
            FileError::Refused { imports } => {
                let width = imports.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
                let rows: String = imports
                    .iter()
                    .map(|(name, why)| format!("{name:width$}  {why}\n"))
                    .collect();
                self.cannot_use(error)
                    .detail(rows)
                    .help("a store gets WASI 0.2, and servers that `allow-hosts` names")
            }
            FileError::NotWasi { imports } => self
                .cannot_use(error)
                .detail(target::listed(imports))
                .help("it was built for another host of plugins: build it without that host's functions"),
            error => self.cannot_use(error).help("build or download it again"),
        }
    }
}
