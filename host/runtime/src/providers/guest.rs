//! What the host keeps for one instance of a provider: the data of its store.

use super::logging::Logger;
use super::secrets::Secrets;
use super::serving::Exchange;
use super::state::State;
use crate::guest::NoEgress;
use crate::limits::MemoryLimiter;
use crate::network::{Network, Sockets};
use std::sync::Arc;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// For a component.
pub(super) struct ProviderGuest {
    pub(super) wasi: WasiCtx,
    /// JavaScript components import `wasi:http` whether they use it or not. Every request is refused.
    pub(super) http: WasiHttpCtx,
    pub(super) egress: NoEgress,
    pub(super) table: ResourceTable,
    pub(super) limiter: MemoryLimiter,
    pub(super) network: Network,
    pub(super) logger: Logger,
    pub(super) requests: Requests,
}

/// Where an instance takes its requests from.
pub(super) enum Requests {
    /// It takes none: it is called.
    None,
    State(Arc<Exchange<State>>),
    Secrets(Arc<Exchange<Secrets>>),
}

impl WasiView for ProviderGuest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for ProviderGuest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.egress,
        }
    }
}

impl ProviderGuest {
    /// What sockets and look-ups see of it.
    pub(super) fn sockets(&mut self) -> Sockets<'_> {
        Sockets {
            network: &mut self.network,
            table: &mut self.table,
        }
    }
}

/// For a plugin.
pub(super) struct PluginGuest {
    pub(super) wasi: WasiP1Ctx,
    pub(super) limiter: MemoryLimiter,
}
