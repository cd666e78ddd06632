//! A component that is linked and ready to be called.
//!
//! Made once: imports are resolved and types checked here, so that an instance later costs memory and nothing else.

use crate::capabilities::{config, keyvalue, logging, secrets, state};
use crate::egress::{Egress, Trust};
use crate::engine::{Allocator, Calls, Engines, Guests};
use crate::guest::{AppEgress, Guest, bounded};
use crate::limits::{Limits, MemoryBudget, MemoryLimiter, SocketBudget, begins_with};
use crate::needs::{
    CONFIG_DRAFT, CONFIG_RC1, Entry, KEYVALUE_DRAFT, KEYVALUE_DRAFT2, LOGGING, SECRETS_VERSION, STATE_VERSION,
    WASI_0_2, WASI_0_3, draft, reads_certificates,
};
use crate::network::{AllowedIn, Reach};
use crate::output::{GuestOutput, Stream};
use crate::roots::Roots;
use crate::shape::Shape;
use crate::wasi;
use dapr_blocks::config::AllowedHosts;
use dapr_blocks::secrets::AppSecrets;
use dapr_blocks::state::AppStores;
use semver::Version;
use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::{Component, InstancePre, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::p2::bindings as cli2;
use wasmtime_wasi::p3::bindings as cli3;
use wasmtime_wasi_http::WasiHttpCtx;
use wasmtime_wasi_http::p2::bindings as http2;
use wasmtime_wasi_http::p3::bindings as http3;

/// What the configuration says of an app.
#[derive(Clone)]
pub struct AppSpec {
    /// The app id.
    pub id: String,
    /// The environment it sees.
    pub env: Vec<(String, String)>,
    /// The stores that it may use.
    pub stores: AppStores,
    /// The secret stores that it may use.
    pub secrets: AppSecrets,
    /// What `wasi:config` tells it.
    pub config: BTreeMap<String, String>,
    /// The servers that it may reach.
    pub allow_hosts: Arc<AllowedHosts>,
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
    /// The engines.
    pub engines: Engines,
    /// Where the memory of its guests comes from.
    pub allocator: Allocator,
    /// The limits of the host.
    pub limits: Limits,
    /// What all guests may use together.
    pub budget: MemoryBudget,
    /// How many sockets they may have together.
    pub sockets: SocketBudget,
    /// Where guests print.
    pub output: Arc<GuestOutput>,
    /// The certificates for guests that may reach servers.
    pub roots: Roots,
    /// The certificates for the outgoing requests of apps.
    pub trust: Trust,
}

/// A component that this host cannot run as it is set up, although it has all that the component imports.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// A function of an import or of the entry has another type than this host's.
    #[error("the component does not fit this host")]
    Types(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No instance could be made within [`AppSpec::memory`].
    #[error("an instance begins with {needed} bytes in one memory or table, and may have {memory} in all")]
    Memory {
        /// Bytes of the largest memory or table that an instance begins with.
        needed: u64,
        /// Bytes that it may have.
        memory: usize,
    },
}

impl From<wasmtime::Error> for LinkError {
    fn from(error: wasmtime::Error) -> Self {
        Self::Types(error.into())
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
        let is_plain = shape.imports("dapr:state/store", &STATE_VERSION)
            || shape.imports("dapr:secrets/store", &SECRETS_VERSION)
            || imports_keyvalue(shape, KEYVALUE_DRAFT)
            || imports_keyvalue(shape, KEYVALUE_DRAFT2);
        let waits_at_once = entry == Entry::Http03 && !is_plain;
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

/// What an app is called by, its types checked.
#[derive(Clone)]
pub(crate) enum Entrance {
    Http02(http2::ProxyPre<Guest>),
    Http03(http3::ServicePre<Guest>),
    Run02(cli2::CommandPre<Guest>),
    Run03(cli3::CommandPre<Guest>),
}

impl Entrance {
    fn new(entry: Entry, pre: InstancePre<Guest>) -> wasmtime::Result<Self> {
        Ok(match entry {
            Entry::Http02 => Self::Http02(http2::ProxyPre::new(pre)?),
            Entry::Http03 => Self::Http03(http3::ServicePre::new(pre)?),
            Entry::Run02 => Self::Run02(cli2::CommandPre::new(pre)?),
            Entry::Run03 => Self::Run03(cli3::CommandPre::new(pre)?),
        })
    }
}

/// A component that is linked and ready to be called.
#[derive(Clone)]
pub struct App {
    pub(crate) spec: Arc<AppSpec>,
    pub(crate) shared: Shared,
    engine: Engine,
    pub(crate) entrance: Entrance,
    given: Arc<Given>,
    entry: Entry,
    reuse: Reuse,
}

impl App {
    /// Links a component, entered by `entry`.
    ///
    /// # Errors
    ///
    /// [`LinkError`]. That all imports are known is [`crate::needs`]'s to say, and better.
    pub fn link(
        component: &Component,
        shape: &Shape,
        entry: Entry,
        spec: AppSpec,
        shared: Shared,
    ) -> Result<Self, LinkError> {
        let engine = shared.engines.of(Self::guests(shape, entry))?.clone();
        let linker = linker(&engine, shape)?;
        fits(component, spec.memory)?;
        let entrance = Entrance::new(entry, linker.instantiate_pre(component)?)?;
        let reuse = Reuse::of(entry, shape, spec.reuse, &shared.limits);
        let prefix: Arc<str> = spec.id.as_str().into();
        let reach = Reach::new(&prefix, Arc::clone(&spec.allow_hosts), AllowedIn::App, &shared.sockets);
        let reads_roots = reads_certificates(shape, !spec.allow_hosts.is_empty());
        let given = Given {
            egress: Arc::new(Egress::new(&reach, &shared.trust)),
            roots: reads_roots.then(|| shared.roots.clone()),
            reach,
            stores: Arc::new(spec.stores.clone()),
            secrets: Arc::new(spec.secrets.clone()),
            config: spec.config.clone(),
            output: Arc::clone(&shared.output),
            prefix,
        };
        Ok(Self {
            spec: Arc::new(spec),
            shared,
            engine,
            entrance,
            given: Arc::new(given),
            entry,
            reuse,
        })
    }

    /// Which guests an app of this shape belongs to: its code is compiled for their engine.
    pub fn guests(shape: &Shape, entry: Entry) -> Guests {
        // Functions of theirs may be called as if they were plain: then their types alone are async, and no function is.
        let imports_async = shape.imports_of(|package| package.starts_with("wasi:"), &WASI_0_3)
            || shape.imports("dapr:state/store-async", &STATE_VERSION)
            || shape.imports("dapr:secrets/store-async", &SECRETS_VERSION);
        Guests::Apps(match shape.concurrent || imports_async || entry.can_wait() {
            true => Calls::Concurrent,
            false => Calls::Plain,
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

    /// Where the memory of its instances comes from.
    pub fn allocator(&self) -> Allocator {
        self.shared.allocator
    }

    /// What all guests may use together.
    pub fn budget(&self) -> &MemoryBudget {
        &self.shared.budget
    }

    /// How many sockets all guests may have together.
    pub fn sockets(&self) -> &SocketBudget {
        &self.shared.sockets
    }

    /// A store for one instance, which prints under the app's name.
    pub(crate) fn store(&self) -> Store<Guest> {
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdout(self.given.output.stream(Stream::Out, &self.given.prefix))
            .stderr(self.given.output.stream(Stream::Err, &self.given.prefix));
        self.store_with(wasi)
    }

    /// A store for one instance, with the app's environment, and with every limit in force.
    pub(crate) fn store_with(&self, mut wasi: WasiCtxBuilder) -> Store<Guest> {
        if let Some(roots) = &self.given.roots {
            roots.give(&mut wasi, &self.spec.env);
        }
        let wasi = wasi.envs(&self.spec.env).build();
        let limits = &self.shared.limits;
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(limits.headers);
        let guest = Guest {
            wasi,
            http,
            egress: AppEgress(Arc::clone(&self.given.egress)),
            table,
            limiter: MemoryLimiter::new(self.spec.memory, self.shared.budget.clone()),
            network: None,
            given: Arc::clone(&self.given),
        };
        let mut store = bounded(&self.engine, limits, guest, |guest| &mut guest.limiter);
        store.set_max_component_handles(limits.handles);
        store
    }
}

/// What all instances of an app are given, beside what WASI has.
pub(crate) struct Given {
    pub(crate) stores: Arc<AppStores>,
    pub(crate) secrets: Arc<AppSecrets>,
    config: BTreeMap<String, String>,
    egress: Arc<Egress>,
    pub(crate) reach: Reach,
    /// For apps that may reach servers by sockets: over these, TLS is the app's own.
    roots: Option<Roots>,
    output: Arc<GuestOutput>,
    prefix: Arc<str>,
}

fn imports_keyvalue(shape: &Shape, version: &str) -> bool {
    shape.imports_of(|package| package == "wasi:keyvalue", &draft(version))
}

/// What satisfies the imports of an app, and nothing besides.
fn linker(engine: &Engine, shape: &Shape) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::<Guest>::new(engine);
    let wasi = |version: &Version| shape.imports_of(|package| package.starts_with("wasi:"), version);
    let http = |version: &Version| shape.imports_of(|package| package == "wasi:http", version);
    // Each by itself: a 0.3 component of Python or Rust imports parts of 0.2 too.
    if wasi(&WASI_0_2) {
        wasi::add_to_linker(&mut linker, Guest::sockets)?;
    }
    if http(&WASI_0_2) {
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    }
    if wasi(&WASI_0_3) {
        wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    }
    if http(&WASI_0_3) {
        wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    }
    let imports = |path| shape.imports(path, &STATE_VERSION);
    if imports("dapr:state/types") {
        state::add_types_to_linker(&mut linker, |guest| state::State::new(&guest.given.stores))?;
    }
    if imports("dapr:state/store") {
        state::add_to_linker(&mut linker, |guest| state::State::new(&guest.given.stores))?;
    }
    if imports("dapr:state/store-async") {
        state::add_async_to_linker(&mut linker, |guest| state::State::new(&guest.given.stores))?;
    }
    let imports = |path| shape.imports(path, &SECRETS_VERSION);
    if imports("dapr:secrets/types") {
        secrets::add_types_to_linker(&mut linker, |guest| secrets::Secrets::new(&guest.given.secrets))?;
    }
    if imports("dapr:secrets/store") {
        secrets::add_to_linker(&mut linker, |guest| secrets::Secrets::new(&guest.given.secrets))?;
    }
    if imports("dapr:secrets/store-async") {
        secrets::add_async_to_linker(&mut linker, |guest| secrets::Secrets::new(&guest.given.secrets))?;
    }
    if imports_keyvalue(shape, KEYVALUE_DRAFT) {
        keyvalue::add_draft_to_linker(&mut linker, keyvalue)?;
    }
    if imports_keyvalue(shape, KEYVALUE_DRAFT2) {
        keyvalue::add_draft2_to_linker(&mut linker, keyvalue)?;
    }
    if shape.imports("wasi:config/store", &draft(CONFIG_RC1)) {
        config::add_rc1_to_linker(&mut linker, |guest| config::Config(&guest.given.config))?;
    }
    if shape.imports("wasi:config/store", &draft(CONFIG_DRAFT)) {
        config::add_draft_to_linker(&mut linker, |guest| config::Config(&guest.given.config))?;
    }
    if shape.imports("wasi:logging/logging", &draft(LOGGING)) {
        logging::add_to_linker(&mut linker, |guest| logging::Log {
            output: &guest.given.output,
            prefix: &guest.given.prefix,
        })?;
    }
    Ok(linker)
}

fn keyvalue(guest: &mut Guest) -> keyvalue::KeyValue<'_> {
    keyvalue::KeyValue {
        stores: &guest.given.stores,
        table: &mut guest.table,
    }
}

/// Whether what an instance begins with is within the memory that it may have, as far as that can be told beforehand.
fn fits(component: &Component, memory: usize) -> Result<(), LinkError> {
    match begins_with(component.resources_required()) {
        needed if needed > memory as u64 => Err(LinkError::Memory { needed, memory }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::ExternName;

    /// Imports, each with something of it.
    const IMPORTS: [(&str, &str); 4] = [
        (
            "wasi:cli/environment@0.2.10",
            r#"(export "get-arguments" (func (result (list string))))"#,
        ),
        ("wasi:http/types@0.2.10", r#"(export "fields" (type (sub resource)))"#),
        (
            "wasi:cli/environment@0.3.0",
            r#"(export "get-arguments" (func (result (list string))))"#,
        ),
        ("wasi:http/types@0.3.0", r#"(export "fields" (type (sub resource)))"#),
    ];

    #[test]
    fn only_what_an_app_imports_is_linked() {
        let engine = Engine::default();
        let linked = |imports: &[&str]| {
            let shape = Shape {
                imports: imports.iter().map(|name| ExternName::parse(name)).collect(),
                ..Shape::default()
            };
            linker(&engine, &shape).unwrap()
        };
        let version = |name: &'static str| name.rsplit('@').next();
        for (name, part) in IMPORTS {
            let text = format!("(component (import {name:?} (instance {part})))");
            let component = Component::new(&engine, wat::parse_str(text).unwrap()).unwrap();
            assert!(linked(&[name]).instantiate_pre(&component).is_ok(), "{name}");
            // HTTP needs the rest of its WASI, and not the other way round.
            let others = IMPORTS.map(|(other, _)| other).into_iter();
            let others =
                others.filter(|other| *other != name && (name.contains("http") || version(other) != version(name)));
            let others: Vec<_> = others.collect();
            assert!(
                linked(&others).instantiate_pre(&component).is_err(),
                "{name} beside {others:?}"
            );
        }
    }
}
