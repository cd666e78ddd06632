//! The WIT of the serve-loop form, and what an instance may call of it.

use super::answer::Declaration;
use super::contract::{self, configuration};
use crate::providers::answer::Heard;
use crate::providers::guest::{ProviderGuest, Requests};
use crate::providers::linked::ProviderSpec;
use crate::providers::serving::{BuildingBlock, Events, Exchange, Happening};
use dapr_blocks::state::StateError;
use std::sync::Arc;
use wasmtime::Store;
use wasmtime::component::{HasSelf, Linker, Resource};
use wasmtime_wasi::p2::DynPollable;

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
            "dapr:state/types": crate::providers::state::contract::bindings::dapr::state::types,
            "dapr:state/provider-types": crate::providers::state::contract::bindings::dapr::state::provider_types,
        },
    });
}
pub(super) use contract::wit::Error;
pub(super) use generated::StateStoreLoopPre;
use generated::dapr::state::provider_requests as wit;
pub(super) use generated::dapr::state::provider_requests::{
    BulkGetRequest, Call, GetRequest, Response, TransactRequest,
};

/// Lets instances take requests.
pub(super) fn add_to_linker(linker: &mut Linker<ProviderGuest>) -> wasmtime::Result<()> {
    wit::add_to_linker::<_, HasSelf<_>>(linker, |guest| guest)
}

/// State, as the loop has it.
pub(in crate::providers) struct State;

/// A call, and whose it is.
pub(in crate::providers) struct Asked {
    /// The app id.
    pub(super) caller: Arc<str>,
    pub(super) call: Call,
}

impl BuildingBlock for State {
    type Pre = StateStoreLoopPre<ProviderGuest>;
    type Configuration = contract::wit::Configuration;
    type Declaration = Declaration;
    type Call = Asked;
    type Reply = Result<Response, Error>;

    fn configuration(spec: &ProviderSpec) -> contract::wit::Configuration {
        configuration(spec)
    }

    fn requests(exchange: Arc<Exchange<Self>>) -> Requests {
        Requests::State(exchange)
    }

    async fn run(pre: &Self::Pre, guest: &mut Store<ProviderGuest>) -> wasmtime::Result<()> {
        let bindings = pre.instantiate_async(&mut *guest).await?;
        bindings.dapr_state_provider_loop().call_run(guest).await
    }
}

impl Heard for Result<Response, Error> {
    fn is_away(&self) -> bool {
        let is_of_the_server = |error: &Error| matches!(error, Error::Unavailable(_) | Error::OutcomeUnknown(_));
        match self {
            Err(error) => is_of_the_server(error),
            Ok(Response::Each(items)) => {
                let is_away = |item: &Result<(), Error>| item.as_ref().is_err_and(is_of_the_server);
                !items.is_empty() && items.iter().all(is_away)
            }
            Ok(_) => false,
        }
    }
}

/// The exchange of an instance: linked only for those that have one.
fn exchange(guest: &ProviderGuest) -> wasmtime::Result<&Arc<Exchange<State>>> {
    match &guest.requests {
        Requests::State(exchange) => Ok(exchange),
        _ => Err(wasmtime::format_err!("the instance has no requests")),
    }
}

impl wit::Host for ProviderGuest {
    fn begin(&mut self) -> wasmtime::Result<wit::Configuration> {
        exchange(self)?.begin()
    }

    fn started(&mut self, declared: Result<wit::Declaration, Error>) -> wasmtime::Result<()> {
        let declared = declared.map(Declaration::from).map_err(StateError::from);
        exchange(self)?.started(declared)
    }

    fn subscribe(&mut self) -> wasmtime::Result<Resource<DynPollable>> {
        let exchange = Arc::clone(exchange(self)?);
        Events::subscribe(self, exchange)
    }

    fn next(&mut self) -> wasmtime::Result<Option<wit::Event>> {
        Ok(exchange(self)?.next().map(|happening| match happening {
            Happening::Request {
                id,
                timeout,
                call: Asked { caller, call },
            } => wit::Event::Request(wit::Request {
                id,
                caller: contract::caller(&caller),
                timeout,
                call,
            }),
            Happening::Cancel(id) => wit::Event::Cancel(id),
            Happening::Stop => wit::Event::Stop,
        }))
    }

    async fn respond(&mut self, id: u64, response: Result<Response, Error>) -> wasmtime::Result<()> {
        exchange(self)?.respond(id, response).await;
        Ok(())
    }
}
