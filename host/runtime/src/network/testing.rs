//! An instance of no component, for the tests: it calls the functions that a guest would, and its server is a real one.

use super::bindings::tcp::HostTcpSocket as _;
use super::bindings::tcp_create_socket::Host as _;
use super::reach::Reach;
use super::refusals::{AllowedIn, Refusals};
use super::socket::TcpSocket;
use super::streams::{Input, Output};
use super::view::{Network, Sockets};
use crate::limits::{SOCKETS, SocketBudget};
use bytes::Bytes;
use dapr_blocks::config::{AllowedHost, AllowedHosts};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi::p2::bindings::sockets::instance_network::Host as _;
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, IpAddressFamily, Network as NetworkHandle};
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, InputStream as _, OutputStream as _, Pollable, SocketError, SocketResult,
    StreamResult,
};
use wasmtime_wasi::sockets::WasiSocketsCtxView;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder};

/// The longest that anything here takes: long enough for a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for what must come.
pub(super) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it comes")
}

/// What the host keeps for an instance.
pub(super) struct Instance {
    pub(super) network: Network,
    pub(super) refusals: Refusals,
    table: ResourceTable,
    wasi: WasiCtx,
}

impl Instance {
    /// One that may reach these.
    pub(super) fn new(allowed: &[&str]) -> Self {
        let allowed = allowed.iter().map(|host| host.parse::<AllowedHost>().unwrap());
        let allowed = Arc::new(allowed.collect::<AllowedHosts>());
        let allowed_in = AllowedIn::Table(crate::needs::Block::State);
        Self::of(&Reach::new(
            &"store".into(),
            allowed,
            allowed_in,
            &SocketBudget::new(4 * SOCKETS),
        ))
    }

    /// One of several.
    pub(super) fn of(reach: &Reach) -> Self {
        Self {
            network: Network::new(reach),
            refusals: reach.refusals().clone(),
            table: ResourceTable::new(),
            wasi: WasiCtxBuilder::new().build(),
        }
    }

    pub(super) fn sockets(&mut self) -> Sockets<'_> {
        Sockets {
            network: &mut self.network,
            table: &mut self.table,
        }
    }

    /// The handle that guests name when they ask for the network.
    pub(super) fn handle(&mut self) -> Resource<NetworkHandle> {
        let mut view = WasiSocketsCtxView {
            ctx: self.wasi.sockets(),
            table: &mut self.table,
        };
        view.instance_network().unwrap()
    }

    pub(super) fn socket(&mut self, family: IpAddressFamily) -> Result<Resource<TcpSocket>, ErrorCode> {
        code(self.sockets().create_tcp_socket(family))
    }

    pub(super) fn start_connect(&mut self, socket: &Resource<TcpSocket>, to: SocketAddr) -> Result<(), ErrorCode> {
        let handle = self.handle();
        code(self.sockets().start_connect(same(socket), handle, to.into()))
    }

    /// Waits for a socket to be connected, or not.
    pub(super) async fn finish_connect(
        &mut self,
        socket: &Resource<TcpSocket>,
    ) -> Result<(Resource<DynInputStream>, Resource<DynOutputStream>), ErrorCode> {
        soon(self.table.get_mut(socket).unwrap().ready()).await;
        code(self.sockets().finish_connect(same(socket)))
    }

    /// Connects a new socket.
    pub(super) async fn connect(
        &mut self,
        to: SocketAddr,
    ) -> Result<(Resource<DynInputStream>, Resource<DynOutputStream>), ErrorCode> {
        let family = match to {
            SocketAddr::V4(_) => IpAddressFamily::Ipv4,
            SocketAddr::V6(_) => IpAddressFamily::Ipv6,
        };
        let socket = self.socket(family)?;
        self.start_connect(&socket, to)?;
        self.finish_connect(&socket).await
    }

    pub(super) fn input(&mut self, input: &Resource<DynInputStream>) -> &mut DynInputStream {
        self.table.get_mut(input).unwrap()
    }

    pub(super) fn output(&mut self, output: &Resource<DynOutputStream>) -> &mut DynOutputStream {
        self.table.get_mut(output).unwrap()
    }
}

/// The same handle again, as a guest lends it.
pub(super) fn same<T: 'static>(resource: &Resource<T>) -> Resource<T> {
    Resource::new_own(resource.rep())
}

/// The error that a guest hears.
pub(super) fn code<T>(result: SocketResult<T>) -> Result<T, ErrorCode> {
    result.map_err(|error: SocketError| error.downcast().expect("it is no trap"))
}

/// A server on this machine, on a free port.
pub(super) async fn server(address: &str) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(address).await.expect("there is a free port");
    let address = listener.local_addr().expect("it is bound");
    (listener, address)
}

/// A socket that is connected to a server, and both ends of its connection.
pub(super) async fn connected(instance: &mut Instance) -> (TcpSocket, Input, Output, TcpStream) {
    let (listener, address) = server("127.0.0.1:0").await;
    let place = instance.network.place().unwrap();
    let mut socket = TcpSocket::new(IpAddressFamily::Ipv4, place, &instance.network.ended);
    socket.start_connect(address);
    let (server, ()) = soon(async { tokio::join!(listener.accept(), socket.ready()) }).await;
    let (input, output) = code(socket.finish_connect()).unwrap();
    (socket, input, output, server.unwrap().0)
}

/// Reads as a guest that waits does.
pub(super) async fn read(input: &mut Input, size: usize) -> StreamResult<Bytes> {
    soon(input.blocking_read(size)).await
}

/// Writes as a guest that waits does.
pub(super) async fn write(output: &mut Output, data: &[u8]) -> StreamResult<()> {
    let mut rest = Bytes::copy_from_slice(data);
    while !rest.is_empty() {
        let permit = soon(output.write_ready()).await?;
        output.write(rest.split_to(permit.min(rest.len())))?;
    }
    Ok(())
}
