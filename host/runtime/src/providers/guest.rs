//! What the host keeps for one instance of a provider: the data of its store.

use super::network::Network;
use crate::guest::NoEgress;
use crate::limits::MemoryLimiter;
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

/// For a plugin.
pub(super) struct PluginGuest {
    pub(super) wasi: WasiP1Ctx,
    pub(super) limiter: MemoryLimiter,
}
