//! What one instance has of the network, and the view of it that the functions of WASI get.

use super::allow::Allowance;
use super::bindings::{ip_name_lookup, network, tcp, tcp_create_socket};
use super::refusals::Refusals;
use dapr_blocks::config::AllowedHosts;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, DropGuard};
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime_wasi::p2::SocketError;
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, Network as NetworkHandle};

/// Sockets that an instance may have at once. A connection pool has some tens; instances are several, and all of a host's
/// share its descriptors, of which its own clients need a thousand.
pub(super) const SOCKETS: usize = 128;

/// Look-ups of an instance that are under way at once: each holds a thread, and a name server that does not answer holds it
/// for many seconds. Others wait.
const LOOKUPS: usize = 4;

/// What one instance has of the network.
pub(in crate::providers) struct Network {
    pub(super) allowance: Allowance,
    pub(super) sockets: Arc<Semaphore>,
    pub(super) lookups: Arc<Semaphore>,
    pub(super) ended: CancellationToken,
    _ends: DropGuard,
}

impl Network {
    pub(in crate::providers) fn new(allowed: &Arc<AllowedHosts>, refusals: &Refusals) -> Self {
        let ended = CancellationToken::new();
        Self {
            allowance: Allowance::new(allowed, refusals),
            sockets: Arc::new(Semaphore::new(SOCKETS)),
            lookups: Arc::new(Semaphore::new(LOOKUPS)),
            _ends: ended.clone().drop_guard(),
            ended,
        }
    }
}

/// The view that functions get.
pub(in crate::providers) struct Sockets<'a> {
    pub(in crate::providers) network: &'a mut Network,
    pub(in crate::providers) table: &'a mut ResourceTable,
}

struct HasSockets;

impl HasData for HasSockets {
    type Data<'a> = Sockets<'a>;
}

/// Links sockets and look-ups. The handle `network` is wasmtime-wasi's, and what it says of errors.
pub(in crate::providers) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    sockets: fn(&mut T) -> Sockets<'_>,
) -> wasmtime::Result<()> {
    tcp::add_to_linker::<T, HasSockets>(linker, sockets)?;
    tcp_create_socket::add_to_linker::<T, HasSockets>(linker, sockets)?;
    ip_name_lookup::add_to_linker::<T, HasSockets>(linker, sockets)
}

/// What look-ups and sockets share: errors.
impl network::Host for Sockets<'_> {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
        error.downcast()
    }

    fn network_error_code(&mut self, error: Resource<wasmtime::Error>) -> wasmtime::Result<Option<ErrorCode>> {
        let error = self.table.get(&error)?;
        Ok(error.downcast_ref::<std::io::Error>().map(ErrorCode::from))
    }
}

impl network::HostNetwork for Sockets<'_> {
    fn drop(&mut self, network: Resource<NetworkHandle>) -> wasmtime::Result<()> {
        self.table.delete(network)?;
        Ok(())
    }
}
