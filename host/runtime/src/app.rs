//! A component that is linked and ready to be called.
//!
//! Made once: imports are resolved and types checked here, so that an instance later costs memory and nothing else.

use crate::capabilities::state;
use crate::guest::Guest;
use crate::limits::{Limits, MemoryBudget, MemoryLimiter};
use crate::needs::{Entry, STATE_VERSION};
use crate::output::{GuestOutput, Stream};
use crate::shape::Shape;
use dapr_blocks::state::AppStores;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::{Component, InstancePre, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder};
use wasmtime_wasi_http::WasiHttpCtx;

/// What the configuration says of an app.
#[derive(Clone)]
pub struct AppSpec {
    /// The app id.
    pub id: String,
    /// The environment it sees.
    pub env: Vec<(String, String)>,
    /// The stores that it may use.
    pub stores: AppStores,
    /// Bytes of all memories and tables of one instance.
    pub memory: usize,
    /// The longest that a request may take.
    pub request_timeout: Duration,
    /// Requests that an instance serves; none: one in WASI 0.2, [`Limits::reuse`] in 0.3.
    pub reuse: Option<NonZeroUsize>,
}

/// What all apps of the process share.
#[derive(Clone)]
pub struct Shared {
    /// The engine.
    pub engine: Engine,
    /// The limits of the host.
    pub limits: Limits,
    /// What all guests may use together.
    pub budget: MemoryBudget,
    /// Where guests print.
    pub output: Arc<GuestOutput>,
}

/// A component that does not fit this host, although the names of its imports do.
#[derive(Debug, thiserror::Error)]
#[error("the component does not fit this host")]
pub struct LinkError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl From<wasmtime::Error> for LinkError {
    fn from(error: wasmtime::Error) -> Self {
        Self(error.into())
    }
}

/// How many requests an instance serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reuse {
    /// In its life.
    pub total: usize,
    /// At once.
    pub concurrent: usize,
}

impl Reuse {
    /// How many requests an instance may serve, from what the component is and what the configuration asks for.
    ///
    /// A 0.2 instance is fresh for each request unless the configuration says otherwise, and never serves two at once: some
    /// languages' runtimes hang when they are interleaved. A 0.3 instance serves several at once if its imports can wait at
    /// once: one plain `dapr:` import makes the whole instance wait.
    pub fn of(entry: Entry, shape: &Shape, asked: Option<NonZeroUsize>, limits: &Limits) -> Self {
        let asked = asked.map(NonZeroUsize::get);
        let total = match entry {
            Entry::Http03 => asked.unwrap_or(limits.reuse),
            _ => asked.unwrap_or(1),
        };
        let waits_at_once = entry == Entry::Http03 && !shape.imports("dapr:state/store", &STATE_VERSION);
        Self {
            total,
            concurrent: if waits_at_once {
                limits.concurrency.min(total)
            } else {
                1
            },
        }
    }
}

impl fmt::Display for Reuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.total, self.concurrent) {
            (1, _) => f.write_str("a fresh instance for each request"),
            (total, 1) => write!(f, "an instance serves {total} requests, one at a time"),
            (total, concurrent) => write!(f, "an instance serves {total} requests, {concurrent} at once"),
        }
    }
}

/// A component that is linked and ready to be called.
#[derive(Clone)]
pub struct App {
    pub(crate) spec: Arc<AppSpec>,
    pub(crate) shared: Shared,
    pub(crate) pre: InstancePre<Guest>,
    stores: Arc<AppStores>,
    prefix: Arc<str>,
    entry: Entry,
    reuse: Reuse,
}

impl App {
    /// Links a component, entered by `entry`.
    ///
    /// # Errors
    ///
    /// [`LinkError`] if a function of an import has another type than this host's. That all imports are known is
    /// [`crate::needs`]'s to say, and better.
    pub fn link(
        component: &Component,
        shape: &Shape,
        entry: Entry,
        spec: AppSpec,
        shared: Shared,
    ) -> Result<Self, LinkError> {
        let mut linker = Linker::<Guest>::new(&shared.engine);
        // All of WASI, whatever the component imports: a 0.3 component of Python or Rust imports parts of 0.2 too.
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
        wasmtime_wasi::p3::add_to_linker(&mut linker)?;
        wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
        let imports = |path| shape.imports(path, &STATE_VERSION);
        if imports("dapr:state/types") {
            state::add_types_to_linker(&mut linker, |guest| state::State::new(&guest.stores))?;
        }
        if imports("dapr:state/store") {
            state::add_to_linker(&mut linker, |guest| state::State::new(&guest.stores))?;
        }
        if imports("dapr:state/store-async") {
            state::add_async_to_linker(&mut linker, |guest| state::State::new(&guest.stores))?;
        }
        let pre = linker.instantiate_pre(component)?;
        let reuse = Reuse::of(entry, shape, spec.reuse, &shared.limits);
        let stores = Arc::new(spec.stores.clone());
        Ok(Self {
            prefix: spec.id.as_str().into(),
            spec: Arc::new(spec),
            shared,
            pre,
            stores,
            entry,
            reuse,
        })
    }

    /// The app id.
    pub fn id(&self) -> &str {
        &self.spec.id
    }

    /// How it is entered.
    pub fn entry(&self) -> Entry {
        self.entry
    }

    /// How many requests an instance serves.
    pub fn reuse(&self) -> Reuse {
        self.reuse
    }

    /// What the configuration says of it.
    pub fn spec(&self) -> &AppSpec {
        &self.spec
    }

    /// The limits of the host.
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// What all guests may use together.
    pub fn budget(&self) -> &MemoryBudget {
        &self.shared.budget
    }

    /// A store for one instance, which prints under the app's name.
    pub(crate) fn store(&self) -> Store<Guest> {
        let mut wasi = WasiCtxBuilder::new();
        wasi.envs(&self.spec.env)
            .stdout(self.shared.output.stream(Stream::Out, &self.prefix))
            .stderr(self.shared.output.stream(Stream::Err, &self.prefix));
        self.store_with(wasi.build())
    }

    /// A store for one instance, with every limit in force.
    pub(crate) fn store_with(&self, wasi: WasiCtx) -> Store<Guest> {
        let limits = &self.shared.limits;
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(limits.headers);
        let guest = Guest {
            wasi,
            http,
            egress: crate::guest::NoEgress,
            table,
            limiter: MemoryLimiter::new(self.spec.memory, self.shared.budget.clone()),
            stores: Arc::clone(&self.stores),
        };
        let mut store = Store::new(&self.shared.engine, guest);
        store.limiter(|guest| &mut guest.limiter);
        store.set_hostcall_fuel(limits.host_call);
        store.set_max_component_handles(limits.handles);
        // A guest that runs for long lets others run at each tick. What ends it is the deadline of its request.
        store.epoch_deadline_async_yield_and_update(1);
        store.set_epoch_deadline(1);
        store
    }
}
