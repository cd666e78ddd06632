//! A provider that is linked, and what its instances get.

use super::file::ProviderFile;
use super::guest::{ProviderGuest, Requests};
use super::logging::{self, Logger};
use crate::app::Shared;
use crate::engine::Guests;
use crate::guest::{NoEgress, bounded};
use crate::limits::MemoryLimiter;
use crate::needs::WASI_0_2;
pub use crate::network::{AllowedIn, Refusals};
use crate::network::{Network, Reach};
use crate::output::Stream;
use crate::shape::ExternName;
use crate::wasi;
use dapr_blocks::config::AllowedHosts;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::{Component, InstancePre, Linker, ResourceTable};
use wasmtime::{Engine, Module, ResourcesRequired, Store};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi_http::WasiHttpCtx;

/// What the configuration says of a provider.
#[derive(Clone)]
pub struct ProviderSpec {
    /// NAME of `[state.NAME]` or `[secrets.NAME]`.
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

/// A provider that is linked, whatever it is for, and what its instances get.
#[derive(Clone)]
pub struct Linked {
    spec: ProviderSpec,
    shared: Shared,
    engine: Engine,
    name: Arc<str>,
    reach: Reach,
    /// What makes instances of it, if it is a component that says which settings it has.
    describes_itself: Option<InstancePre<ProviderGuest>>,
}

impl Linked {
    pub(super) fn new(
        spec: ProviderSpec,
        shared: Shared,
        describes_itself: Option<InstancePre<ProviderGuest>>,
    ) -> wasmtime::Result<Self> {
        let (name, allowed) = (Arc::from(spec.name.as_str()), Arc::new(spec.allow_hosts.clone()));
        Ok(Self {
            engine: shared.engines.of(Guests::Stores)?.clone(),
            reach: Reach::new(&name, allowed, spec.allowed_in, &shared.sockets),
            name,
            describes_itself,
            spec,
            shared,
        })
    }

    /// Links a component. `requests` lets its instances take requests, if they do.
    pub(super) fn component(
        file: &ProviderFile<'_>,
        component: &Component,
        spec: ProviderSpec,
        shared: Shared,
        requests: fn(&mut Linker<ProviderGuest>) -> wasmtime::Result<()>,
    ) -> Result<(Self, InstancePre<ProviderGuest>), ProviderLinkError> {
        fits(component.resources_required(), spec.memory)?;
        let mut linker = linker(file, &shared)?;
        if file.takes_requests() {
            requests(&mut linker)?;
        }
        let pre = linker.instantiate_pre(component)?;
        let described = file.describes_itself().then(|| pre.clone());
        Ok((Self::new(spec, shared, described)?, pre))
    }

    /// What the configuration says of it.
    pub fn spec(&self) -> &ProviderSpec {
        &self.spec
    }

    /// What its instances were refused, so far and from now on.
    pub fn refusals(&self) -> &Refusals {
        self.reach.refusals()
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// What makes instances of it, if it is a component that says which settings it has.
    pub(super) fn describes_itself(&self) -> Option<&InstancePre<ProviderGuest>> {
        self.describes_itself.as_ref()
    }

    /// What the host keeps for an instance of a component.
    pub(super) fn guest(&self, requests: Requests) -> Store<ProviderGuest> {
        let limits = &self.shared.limits;
        let mut wasi = self.wasi();
        if !self.reach.allowed().is_empty() {
            self.shared.roots.give(&mut wasi, &[]);
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
            network: Network::new(&self.reach),
            requests,
            logger: Logger::new(&self.name),
        };
        let mut store = bounded(&self.engine, limits, guest, |guest| &mut guest.limiter);
        store.set_max_component_handles(limits.handles);
        store
    }

    pub(super) fn wasi(&self) -> WasiCtxBuilder {
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdout(self.shared.output.stream(Stream::Store, &self.name))
            .stderr(self.shared.output.stream(Stream::Store, &self.name));
        wasi
    }

    pub(super) fn limiter(&self) -> MemoryLimiter {
        MemoryLimiter::new(self.spec.memory, self.shared.budget.clone())
    }
}

/// Links what a component imports and nothing more.
fn linker(file: &ProviderFile<'_>, shared: &Shared) -> wasmtime::Result<Linker<ProviderGuest>> {
    let mut linker = Linker::<ProviderGuest>::new(shared.engines.of(Guests::Stores)?);
    let ProviderFile::Component { shape, .. } = file else {
        return Ok(linker);
    };
    if shape.imports_of(|package| package.starts_with("wasi:"), &WASI_0_2) {
        wasi::add_to_linker(&mut linker, ProviderGuest::sockets)?;
    }
    if shape.imports.iter().filter_map(ExternName::interface).any(logging::is) {
        logging::add_to_linker(&mut linker)?;
    }
    if shape.imports_of(|package| package == "wasi:http", &WASI_0_2) {
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    }
    Ok(linker)
}

/// Whether an instance could be made within this memory.
pub(super) fn fits(resources: Option<ResourcesRequired>, memory: usize) -> Result<(), ProviderLinkError> {
    match crate::limits::begins_with(resources) {
        needed if needed > memory as u64 => Err(ProviderLinkError::Memory { needed, memory }),
        _ => Ok(()),
    }
}
