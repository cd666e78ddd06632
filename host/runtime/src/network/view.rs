//! What one instance has of the network, and the view of it that the functions of WASI get.

use super::allow::Allowance;
use super::bindings::{ip_name_lookup, network, tcp, tcp_create_socket};
use super::connection::Place;
use super::reach::Reach;
use crate::limits::SOCKETS;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, DropGuard};
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime_wasi::p2::SocketError;
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, Network as NetworkHandle};

/// What one instance has of the network.
pub(crate) struct Network {
    pub(super) allowance: Allowance,
    sockets: Arc<Semaphore>,
    reach: Reach,
    pub(super) ended: CancellationToken,
    _ends: DropGuard,
}

impl Network {
    pub(crate) fn new(reach: &Reach) -> Self {
        let ended = CancellationToken::new();
        Self {
            allowance: Allowance::new(reach),
            sockets: Arc::new(Semaphore::new(SOCKETS)),
            reach: reach.clone(),
            _ends: ended.clone().drop_guard(),
            ended,
        }
    }

    /// Room for another socket, if there is some.
    pub(super) fn place(&self) -> Option<Place> {
        let [of_guest, of_all] = &self.reach.sockets;
        let permit = |sockets: &Arc<Semaphore>| Arc::clone(sockets).try_acquire_owned().ok();
        Some(Place::new([permit(&self.sockets)?, permit(of_guest)?, permit(of_all)?]))
    }

    pub(super) fn reach(&self) -> &Reach {
        &self.reach
    }
}

/// The view that functions get.
pub(crate) struct Sockets<'a> {
    pub(crate) network: &'a mut Network,
    pub(crate) table: &'a mut ResourceTable,
}

struct HasSockets;

impl HasData for HasSockets {
    type Data<'a> = Sockets<'a>;
}

/// Links sockets and look-ups. The handle `network` is wasmtime-wasi's, and what it says of errors.
pub(crate) fn add_to_linker<T: Send + 'static>(
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
