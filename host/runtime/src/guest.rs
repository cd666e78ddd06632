//! What the host keeps for one instance: the data of its store.

use crate::app::Given;
use crate::egress::Egress;
use crate::limits::{Limits, MemoryLimiter};
use crate::network::{Network, Sockets};
use http::Request;
use std::sync::Arc;
use wasmtime::component::ResourceTable;
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    Error as HttpError, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

/// What the host keeps for one instance.
pub(crate) struct Guest {
    pub(crate) wasi: WasiCtx,
    pub(crate) http: WasiHttpCtx,
    pub(crate) egress: AppEgress,
    pub(crate) table: ResourceTable,
    pub(crate) limiter: MemoryLimiter,
    /// Made with its first use: most instances have none.
    pub(crate) network: Option<Network>,
    pub(crate) given: Arc<Given>,
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.egress,
        }
    }
}

impl Guest {
    /// What sockets and look-ups see of it.
    pub(crate) fn sockets(&mut self) -> Sockets<'_> {
        let Self {
            network, table, given, ..
        } = self;
        Sockets {
            network: network.get_or_insert_with(|| Network::new(&given.reach)),
            table,
        }
    }
}

/// A store for one instance of whatever guest, with the limits in force that all guests have.
pub(crate) fn bounded<T: Send>(
    engine: &Engine,
    limits: &Limits,
    guest: T,
    limiter: fn(&mut T) -> &mut MemoryLimiter,
) -> Store<T> {
    let mut store = Store::new(engine, guest);
    store.limiter(move |guest| limiter(guest));
    store.set_hostcall_fuel(limits.host_call);
    // A guest that runs for long lets others run at each tick. What ends it is the deadline of what it is called for.
    store.epoch_deadline_async_yield_and_update(1);
    store.set_epoch_deadline(1);
    store
}

/// The outgoing requests of an app, which go where `allow-hosts` lets them.
pub(crate) struct AppEgress(pub(crate) Arc<Egress>);

impl WasiHttpHooks for AppEgress {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _written: Box<dyn Future<Output = Result<(), HttpError>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let egress = Arc::clone(&self.0);
        Box::new(async move {
            let response = egress.send(request, options).await?;
            // What goes wrong with the request's body shows in the answer.
            let written: Box<dyn Future<Output = _> + Send> = Box::new(std::future::ready(Ok(())));
            Ok((response, written))
        })
    }
}

/// Denies outgoing requests, as the guest sees it: `HTTP-request-denied`.
pub(crate) struct NoEgress;

type Sent = Result<
    (
        http::Response<WasiBody>,
        Box<dyn Future<Output = Result<(), HttpError>> + Send>,
    ),
    HttpError,
>;

impl WasiHttpHooks for NoEgress {
    fn send_request(
        &mut self,
        _request: Request<WasiBody>,
        _options: Option<RequestOptions>,
        _written: Box<dyn Future<Output = Result<(), HttpError>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        Box::new(std::future::ready(Err(HttpError::HttpRequestDenied)))
    }
}
