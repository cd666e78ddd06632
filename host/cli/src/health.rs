//! `/healthz` of a host that serves: from before its stores are open, which may take as long as their servers do.

use crate::args::Listen;
use crate::failure::{Failure, Outcome};
use crate::masked_store::masked_store;
use crate::opening::OpenStore;
use dapr_runtime::admin::{Admin, Components};
use dapr_runtime::app::App;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// What answers. Nobody does any more when it is dropped.
pub(crate) struct Health {
    pub(crate) address: SocketAddr,
    components: Arc<OnceLock<Components>>,
    _task: AbortOnDropHandle<()>,
}

impl Health {
    /// Answers that the host starts.
    pub(crate) async fn of_a_start(address: &Listen, stop: CancellationToken) -> Outcome<Self> {
        let address = address.as_str();
        let cannot = |error: &io::Error| {
            Failure::run(format!("cannot listen on {address} for /healthz"))
                .because(error)
                .help("choose another address with --admin-listen; --admin-listen 0 picks a free port")
        };
        let admin = Admin::bind(address).await.map_err(|error| cannot(&error))?;
        let address = admin.local_addr().map_err(|error| cannot(&error))?;
        let components = Arc::default();
        let task = tokio::spawn(admin.serve(Arc::clone(&components), stop));
        Ok(Self {
            address,
            components,
            _task: AbortOnDropHandle::new(task),
        })
    }

    /// Answers for the app and its stores from now on.
    pub(crate) fn serves(&self, app: &App, stores: &[OpenStore]) {
        let stores = stores.iter();
        let stores = stores.map(|open| (open.name.clone(), masked_store(Arc::clone(&open.store))));
        let secrets = app.spec().secrets.iter();
        let secrets = secrets.map(|store| (store.name.clone(), Arc::clone(&store.store)));
        let components = Components {
            stores: stores.collect(),
            secrets: secrets.collect(),
        };
        // It is told once.
        let _ = self.components.set(components);
    }
}
