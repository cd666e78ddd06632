//! The WIT of the serve-loop form, and what an instance may call of it.

use super::exchange::{Exchange, Happening};
use crate::providers::answer::Declaration;
use crate::providers::contract;
use crate::providers::guest::ProviderGuest;
use dapr_blocks::state::StateError;
use std::sync::Arc;
use wasmtime::component::{HasSelf, Linker, Resource};
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

mod generated {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "dapr:host/state-store-loop",
        imports: {
            "dapr:state/provider-requests.respond": async | trappable,
            default: trappable,
        },
        exports: { default: async },
        require_store_data_send: true,
        with: {
            "wasi:io": wasmtime_wasi::p2::bindings::io,
            "dapr:state/types": crate::providers::contract::bindings::dapr::state::types,
            "dapr:state/provider-types": crate::providers::contract::bindings::dapr::state::provider_types,
        },
    });
}
pub(super) use contract::wit::Error;
pub(in crate::providers) use generated::StateStoreLoopPre;
use generated::dapr::state::provider_requests as wit;
pub(super) use generated::dapr::state::provider_requests::{
    BulkGetRequest, Call, GetRequest, Response, TransactRequest,
};

/// Lets instances take requests.
pub(in crate::providers) fn add_to_linker(linker: &mut Linker<ProviderGuest>) -> wasmtime::Result<()> {
    wit::add_to_linker::<_, HasSelf<_>>(linker, |guest| guest)
}

/// Ready while there are events.
struct Events(Arc<Exchange>);

#[wasmtime_wasi::async_trait]
impl Pollable for Events {
    async fn ready(&mut self) {
        self.0.arrived().await;
    }
}

impl ProviderGuest {
    fn exchange(&self) -> wasmtime::Result<&Arc<Exchange>> {
        // Linked only for those that have one.
        self.exchange
            .as_ref()
            .ok_or_else(|| wasmtime::format_err!("the instance has no requests"))
    }
}

impl wit::Host for ProviderGuest {
    fn begin(&mut self) -> wasmtime::Result<wit::Configuration> {
        self.exchange()?.begin()
    }

    fn started(&mut self, declared: Result<wit::Declaration, Error>) -> wasmtime::Result<()> {
        let declared = declared.map(Declaration::from).map_err(StateError::from);
        self.exchange()?.started(declared)
    }

    fn subscribe(&mut self) -> wasmtime::Result<Resource<DynPollable>> {
        let events = Events(Arc::clone(self.exchange()?));
        let events = self.table.push(events)?;
        subscribe(&mut self.table, events)
    }

    fn next(&mut self) -> wasmtime::Result<Option<wit::Event>> {
        Ok(self.exchange()?.next().map(|happening| match happening {
            Happening::Request {
                id,
                caller,
                timeout,
                call,
            } => wit::Event::Request(wit::Request {
                id,
                caller: wit::Caller {
                    app: caller.as_ref().to_owned(),
                },
                timeout,
                call,
            }),
            Happening::Cancel(id) => wit::Event::Cancel(id),
            Happening::Stop => wit::Event::Stop,
        }))
    }

    async fn respond(&mut self, id: u64, response: Result<Response, Error>) -> wasmtime::Result<()> {
        let exchange = self.exchange()?;
        exchange.respond(id, response);
        // The caller that was woken comes next on this thread, and no other may take it over: an instance that has more to do
        // would keep it waiting for as long. One that has not is about to wait by itself.
        if exchange.load() > 0 {
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}
