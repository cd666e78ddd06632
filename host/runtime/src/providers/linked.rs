//! A provider that is linked, and what its instances get.

use super::answer::Declaration;
use super::component::ComponentInstance;
use super::contract::{StateStorePre, wit};
use super::file::ProviderFile;
use super::guest::{PluginGuest, ProviderGuest};
use super::instance::Instance;
use super::logging::{self, Logger};
use super::network::Network;
pub use super::network::{AllowedIn, Refusals};
use super::plugin::{Dialect, Exports, PluginInstance};
use super::pool::Start;
use super::serving::{self, Exchange, Serving, StateStoreLoopPre};
use super::wasi;
use crate::app::Shared;
use crate::guest::{NoEgress, bounded};
use crate::limits::MemoryLimiter;
use crate::needs::WASI_0_2;
use crate::output::Stream;
use crate::shape::ExternName;
use dapr_blocks::config::AllowedHosts;
use dapr_blocks::state::{Limits as StateLimits, StateError};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{InstancePre, Module, ResourcesRequired, Store};
use wasmtime_wasi::{WasiCtxBuilder, WasiView, p1};
use wasmtime_wasi_http::WasiHttpCtx;

/// What the configuration says of a provider.
#[derive(Clone)]
pub struct ProviderSpec {
    /// NAME of `[state.NAME]`.
    pub name: String,
    /// What it may reach.
    pub allow_hosts: AllowedHosts,
    /// Where that is said.
    pub allowed_in: AllowedIn,
    /// Bytes of all memories and tables of one instance.
    pub memory: usize,
    /// Instances at most; none: one a processor where it allows several.
    pub instances: Option<NonZeroUsize>,
    /// The longest that one call may take.
    pub deadline: Duration,
    /// What it is told at `init`.
    pub metadata: Vec<(String, String)>,
}

impl ProviderSpec {
    /// What an instance is told.
    pub(super) fn configuration(&self) -> wit::Configuration {
        wit::Configuration {
            name: self.name.clone(),
            metadata: self.metadata.clone(),
            memory: self.memory as u64,
        }
    }
}

/// The compiled code of a provider.
#[derive(Clone)]
pub enum ProviderCode {
    /// Of a component.
    Component(Component),
    /// Of a plugin.
    Plugin(Module),
}

/// A provider that this host cannot run, although all that it imports is there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderLinkError {
    /// A function has another type than this host's.
    #[error("it does not fit this host")]
    Types(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A plugin without some of the functions that plugins have, or with others of their names.
    #[error("it is a plugin that lacks what plugins export: {}", .0.join(", "))]
    Plugin(Vec<String>),
    /// A plugin that is to reach servers.
    #[error("it is a plugin, which has no sockets, and `allow-hosts` names servers")]
    NoSockets,
    /// No instance could be made within [`ProviderSpec::memory`].
    #[error("an instance begins with {needed} bytes in one memory or table, and may have {memory} in all")]
    Memory {
        /// Bytes of the largest memory or table that an instance begins with.
        needed: u64,
        /// Bytes that it may have.
        memory: usize,
    },
}

impl From<wasmtime::Error> for ProviderLinkError {
    fn from(error: wasmtime::Error) -> Self {
        Self::Types(error.into())
    }
}

/// Why an instance does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// It trapped, or exceeded a limit, before or in `init`.
    #[error("it trapped")]
    Trapped(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It took longer than a call may.
    #[error("it had no answer within {0:?}")]
    TooSlow(Duration),
    /// It said why it cannot.
    #[error("it refused")]
    Refused(#[source] StateError),
    /// It returned before it served.
    #[error("it returned before it served")]
    Returned,
    /// It says something else of itself than the instance before it.
    #[error("it declares other features, limits or instances than the instance before it")]
    Changed,
}

/// A provider that is linked and ready to be started.
#[derive(Clone)]
pub struct Provider {
    form: Form,
    spec: ProviderSpec,
    shared: Shared,
    name: Arc<str>,
    allowed: Arc<AllowedHosts>,
    describes_itself: bool,
    refusals: Refusals,
}

#[derive(Clone)]
enum Form {
    Component(StateStorePre<ProviderGuest>),
    Loop(StateStoreLoopPre<ProviderGuest>),
    Plugin {
        pre: InstancePre<PluginGuest>,
        dialect: Dialect,
    },
}

impl Provider {
    /// Links the code of a file.
    ///
    /// # Errors
    ///
    /// [`ProviderLinkError`]. That all imports are known is [`ProviderFile::read`]'s to say, and better.
    pub fn link(
        file: &ProviderFile<'_>,
        code: &ProviderCode,
        spec: ProviderSpec,
        shared: Shared,
    ) -> Result<Self, ProviderLinkError> {
        let form = match code {
            ProviderCode::Component(component) => {
                fits(component.resources_required(), spec.memory)?;
                let pre = linker(file, &shared)?.instantiate_pre(component)?;
                match file.takes_requests() {
                    true => Form::Loop(StateStoreLoopPre::new(pre)?),
                    false => Form::Component(StateStorePre::new(pre)?),
                }
            }
            ProviderCode::Plugin(module) => {
                let dialect = Exports::check(module).map_err(ProviderLinkError::Plugin)?;
                if !spec.allow_hosts.is_empty() {
                    return Err(ProviderLinkError::NoSockets);
                }
                fits(Some(module.resources_required()), spec.memory)?;
                let mut linker = wasmtime::Linker::<PluginGuest>::new(&shared.engines.stores);
                p1::add_to_linker_async(&mut linker, |guest| &mut guest.wasi)?;
                let pre = linker.instantiate_pre(module)?;
                Form::Plugin { pre, dialect }
            }
        };
        let (name, allowed) = (Arc::from(spec.name.as_str()), Arc::new(spec.allow_hosts.clone()));
        Ok(Self {
            form,
            refusals: Refusals::new(&name, &allowed, spec.allowed_in),
            name,
            allowed,
            describes_itself: file.describes_itself(),
            spec,
            shared,
        })
    }

    /// What the configuration says of it.
    pub fn spec(&self) -> &ProviderSpec {
        &self.spec
    }

    /// What its instances were refused, so far and from now on.
    pub fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// Makes an instance and initialises it, within the deadline of a call.
    pub(super) async fn start(&self) -> Result<(Instance, Declaration), StartError> {
        let deadline = self.spec.deadline;
        let start = async {
            let mut instance = self.instantiate().await?;
            let declared = instance.init(&self.spec).await?;
            Ok::<_, wasmtime::Error>((instance, declared))
        };
        match tokio::time::timeout(deadline, start).await {
            Ok(Ok((instance, Ok(declaration)))) => Ok((instance, declaration)),
            Ok(Ok((_, Err(error)))) => Err(StartError::Refused(error)),
            Ok(Err(trap)) => Err(StartError::Trapped(trap.into())),
            Err(_) => Err(StartError::TooSlow(deadline)),
        }
    }

    /// What makes instances of it, if it is a component that says which settings it has.
    pub(super) fn describes_itself(&self) -> Option<&wasmtime::component::InstancePre<ProviderGuest>> {
        if !self.describes_itself {
            return None;
        }
        match &self.form {
            Form::Component(pre) => Some(pre.instance_pre()),
            Form::Loop(pre) => Some(pre.instance_pre()),
            Form::Plugin { .. } => None,
        }
    }

    /// Itself, if it is of the serve-loop form.
    pub(super) fn in_a_loop(&self) -> Option<LoopProvider> {
        match &self.form {
            Form::Loop(pre) => Some(LoopProvider {
                provider: self.clone(),
                pre: pre.clone(),
            }),
            Form::Component(_) | Form::Plugin { .. } => None,
        }
    }

    async fn instantiate(&self) -> wasmtime::Result<Instance> {
        match &self.form {
            Form::Component(pre) => {
                let component = ComponentInstance::new(pre, self.guest(None)).await?;
                Ok(Instance::Component(Box::new(component)))
            }
            Form::Loop(_) => Err(wasmtime::format_err!("it takes its calls itself")),
            Form::Plugin { pre, dialect } => {
                let limits = &self.shared.limits;
                let mut wasi = self.wasi().build_p1();
                wasi.ctx().table.set_max_capacity(limits.handles);
                let guest = PluginGuest {
                    wasi,
                    limiter: self.limiter(),
                };
                let store = bounded(&self.shared.engines.stores, limits, guest, |guest| &mut guest.limiter);
                let plugin = PluginInstance::new(pre, *dialect, store, StateLimits::default().batch).await?;
                Ok(Instance::Plugin(Box::new(plugin)))
            }
        }
    }

    /// What the host keeps for an instance of a component.
    pub(super) fn guest(&self, exchange: Option<Arc<Exchange>>) -> Store<ProviderGuest> {
        let limits = &self.shared.limits;
        let network = Network::new(&self.allowed, &self.refusals);
        let mut wasi = self.wasi();
        if !self.allowed.is_empty() {
            self.shared.roots.give(&mut wasi);
        }
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(limits.headers);
        let guest = ProviderGuest {
            wasi: wasi.build(),
            http,
            egress: NoEgress,
            table,
            limiter: self.limiter(),
            network,
            exchange,
            logger: Logger::new(&self.name),
        };
        let mut store = bounded(&self.shared.engines.stores, limits, guest, |guest| &mut guest.limiter);
        store.set_max_component_handles(limits.handles);
        store
    }

    fn wasi(&self) -> WasiCtxBuilder {
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdout(self.shared.output.stream(Stream::Err, &self.name))
            .stderr(self.shared.output.stream(Stream::Err, &self.name));
        wasi
    }

    fn limiter(&self) -> MemoryLimiter {
        MemoryLimiter::new(self.spec.memory, self.shared.budget.clone())
    }
}

/// A provider in the serve-loop form.
#[derive(Clone)]
pub(super) struct LoopProvider {
    provider: Provider,
    pre: StateStoreLoopPre<ProviderGuest>,
}

impl LoopProvider {
    /// What the configuration says of it.
    pub(super) fn spec(&self) -> &ProviderSpec {
        &self.provider.spec
    }

    /// Makes an instance, and waits until it serves. `tasks` owns the task that it runs in, on this runtime.
    pub(super) async fn start(&self, on: (&TaskTracker, &Handle)) -> Result<(Serving, Declaration), StartError> {
        let guest = |exchange| self.provider.guest(Some(exchange));
        serving::start(self.spec(), &self.pre, guest, on).await
    }
}

/// Links what a component imports and nothing more.
fn linker(file: &ProviderFile<'_>, shared: &Shared) -> wasmtime::Result<Linker<ProviderGuest>> {
    let mut linker = Linker::<ProviderGuest>::new(&shared.engines.stores);
    let ProviderFile::Component { shape, .. } = file else {
        return Ok(linker);
    };
    if shape.imports_of(|package| package.starts_with("wasi:"), &WASI_0_2) {
        wasi::add_to_linker(&mut linker)?;
    }
    if file.takes_requests() {
        serving::add_to_linker(&mut linker)?;
    }
    if shape.imports.iter().filter_map(ExternName::interface).any(logging::is) {
        logging::add_to_linker(&mut linker)?;
    }
    if shape.imports_of(|package| package == "wasi:http", &WASI_0_2) {
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    }
    Ok(linker)
}

fn fits(resources: Option<ResourcesRequired>, memory: usize) -> Result<(), ProviderLinkError> {
    match crate::limits::begins_with(resources) {
        needed if needed > memory as u64 => Err(ProviderLinkError::Memory { needed, memory }),
        _ => Ok(()),
    }
}

/// Starts the instances of a pool, all of which must say the same of themselves.
pub(super) struct Alike {
    pub(super) provider: Provider,
    pub(super) declaration: Declaration,
}

impl Start for Alike {
    type Instance = Instance;
    type Error = StartError;

    async fn start(&self) -> Result<Instance, StartError> {
        match self.provider.start().await? {
            (instance, declaration) if declaration == self.declaration => Ok(instance),
            _ => Err(StartError::Changed),
        }
    }
}
