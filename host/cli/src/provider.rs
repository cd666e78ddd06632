//! `type = "wasm"`: from the file that a store names to a store that serves.

use crate::code;
use crate::components;
use crate::failure::{Failure, Outcome};
use crate::shared;
use crate::size::size;
use crate::target;
use dapr_blocks::config::{ProviderConfig, StartWhen, StateComponent};
use dapr_blocks::state::{LateStore, StateStore};
use dapr_components::StateSettings;
use dapr_runtime::app::Shared;
use dapr_runtime::engine::Guests;
use dapr_runtime::providers::file::{FileError, ProviderFile};
use dapr_runtime::providers::linked::{AllowedIn, Provider, ProviderCode, ProviderLinkError, ProviderSpec};
use dapr_runtime::providers::store::{self, OpenError};
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Where to begin with a provider.
pub(crate) const WORLD: &str = "build it for the world `state-store`, which `dapr-wasm wit DIR` writes";

/// What is told of a store that does not open, where that is no reason to stop.
pub(crate) const IGNORED: &str = "the host starts without it, since `ignoreErrors` is set, and tries again";

/// A provider, and who asks for it: for messages.
pub(crate) struct Wanted<'a> {
    /// The name of the store.
    pub(crate) name: &'a str,
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
            whose: format!("the state store `{name}` ({location})"),
            memory: "`memory` of its table",
            again: match config.title {
                None => WORLD.to_owned(),
                Some(_) => components::build_again(&store.kind),
            },
            allowed_in: AllowedIn::Table,
            config,
            deadline: store.deadline,
        }
    }

    /// Reads, compiles and links the component, and starts its first instance, now or when it is first used. With
    /// `ignore_errors`, one that does not start is a warning, and starts later.
    pub(crate) async fn open(&self, shared: &Shared, ignore_errors: bool) -> Outcome<Arc<dyn StateStore>> {
        let provider = self.link(shared).await?;
        let opener = store::opener(provider.clone());
        match self.config.start {
            StartWhen::FirstUse => Ok(Arc::new(LateStore::at_first_use(self.name, opener))),
            StartWhen::AtStart => match self.start(provider, shared).await {
                Err(failure) if ignore_errors && !failure.is_mistake() => {
                    failure.help(IGNORED).warn();
                    Ok(Arc::new(LateStore::after_failure(self.name, opener)))
                }
                started => started,
            },
        }
    }

    /// The same, now.
    pub(crate) async fn open_now(&self, shared: &Shared) -> Outcome<Arc<dyn StateStore>> {
        let provider = self.link(shared).await?;
        self.start(provider, shared).await
    }

    /// Starts the first instance. If it does not start, it may be for what it was refused.
    pub(crate) async fn start(&self, provider: Provider, shared: &Shared) -> Outcome<Arc<dyn StateStore>> {
        let refusals = provider.refusals().clone();
        let error = match store::open(provider).await {
            Ok(store) => return Ok(store),
            Err(error) => error,
        };
        // What it printed comes before what is said of it.
        shared::printed(shared).await;
        Err(match error {
            OpenError::OneInstance(_) => self.cannot_use(&error).help("remove `instances`, or set it to 1"),
            error => {
                let failure = Failure::run(format!("{} does not start", self.whose)).because(&error);
                refusals.sentences().iter().fold(failure, Failure::help)
            }
        })
    }

    /// Reads, compiles and links the component.
    pub(crate) async fn link(&self, shared: &Shared) -> Outcome<Provider> {
        let bytes = std::fs::read(&self.config.component).map_err(|error| self.unreadable(&error))?;
        self.link_bytes(&bytes, shared).await
    }

    /// The same with what is in its file, or will be.
    pub(crate) async fn link_bytes(&self, bytes: &[u8], shared: &Shared) -> Outcome<Provider> {
        let path = &self.config.component;
        let file = ProviderFile::read(bytes).map_err(|error| self.no_provider(&error))?;
        let code = match &file {
            ProviderFile::Component { bytes, .. } => {
                ProviderCode::Component(code::load(path, bytes, Guests::Stores, &shared.engines).await?)
            }
            ProviderFile::Plugin { bytes } => {
                ProviderCode::Plugin(code::load(path, bytes, Guests::Stores, &shared.engines).await?)
            }
        };
        Provider::link(&file, &code, self.spec(), shared.clone()).map_err(|error| match error {
            ProviderLinkError::Memory { needed, memory } => Failure::usage(format!(
                "an instance of `{}` begins with {} in one memory, and may have {}",
                path.display(),
                size(needed),
                size(memory as u64)
            ))
            .help(format!("{} sets what it may have, for {}", self.memory, self.whose)),
            ProviderLinkError::NoSockets => self.cannot_use(&error).help("remove `allow-hosts`"),
            ProviderLinkError::Plugin(_) => self.cannot_use(&error).help("build it again, or for another host"),
            error => self.cannot_use(&error).help(&self.again),
        })
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
            FileError::NoProvider { exports } => self
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
                .detail(imports.join("\n"))
                .help("it was built for another host of plugins: build it without that host's functions"),
            error => self.cannot_use(error).help("build or download it again"),
        }
    }
}
