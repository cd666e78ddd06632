//! How instances of an app are made, for whatever calls them.

use crate::app::{App, Entrance};
use crate::guest::Guest;
use tokio::time::timeout;
use wasmtime::Store;
use wasmtime_wasi_http::handler::{Proxy, ProxyPre};

/// Makes instances of one app.
pub(super) struct Template {
    pub(super) app: App,
    pub(super) pre: ProxyPre<Guest>,
}

/// There was no memory for an instance: that of all together is taken.
#[derive(Debug, thiserror::Error)]
#[error("the memory of all instances together is taken")]
pub(super) struct MemoryTaken;

impl Template {
    /// Of an app that answers HTTP requests.
    pub(super) fn new(app: App) -> Option<Self> {
        let pre = match &app.entrance {
            Entrance::Http02(pre) => ProxyPre::P2(pre.clone()),
            Entrance::Http03(pre) => ProxyPre::P3(pre.clone()),
            Entrance::Run02(_) | Entrance::Run03(_) => return None,
        };
        Some(Self { app, pre })
    }

    /// Makes one.
    pub(super) async fn make(&self) -> wasmtime::Result<(Store<Guest>, Proxy)> {
        let mut store = self.app.store();
        let limit = self.app.spec.request_timeout;
        // A component may run code of its own when it is instantiated.
        let made = timeout(limit, self.pre.instantiate_async(&mut store)).await;
        let made = made.map_err(|_| wasmtime::format_err!("instantiation took longer than {limit:?}"))?;
        match made {
            Err(_) if store.data().limiter.was_refused_by_budget() => Err(MemoryTaken.into()),
            made => Ok((store, made?)),
        }
    }
}
