//! A socket of a guest, from its making to its connection.
//!
//! The system knows nothing of it before it connects: what may not connect costs no descriptor.

use super::connection::{Connection, Place};
use super::options::{Options, Setting};
use super::pending::Pending;
use super::streams::{Input, Output};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, IpAddressFamily};
use wasmtime_wasi::p2::{Pollable, SocketResult};

/// A TCP socket, for one connection outwards.
#[allow(unreachable_pub, reason = "what is generated re-exports it")]
pub struct TcpSocket {
    family: IpAddressFamily,
    options: Options,
    state: State,
    place: Place,
    /// The instance has ended.
    ended: CancellationToken,
}

enum State {
    Unconnected(Binding),
    Connecting(Pending<io::Result<Connection>>),
    Connected {
        connection: Arc<Connection>,
        output: Output,
    },
    /// Connecting failed: nothing more can be done with it.
    Closed,
}

/// Whether it was bound to any port of any address, which changes nothing and is all that it may be bound to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Binding {
    None,
    Begun,
    Done,
}

impl TcpSocket {
    pub(super) fn new(family: IpAddressFamily, place: Place, ended: &CancellationToken) -> Self {
        Self {
            family,
            options: Options::default(),
            state: State::Unconnected(Binding::None),
            place,
            ended: ended.clone(),
        }
    }

    pub(super) fn start_bind(&mut self, address: SocketAddr) -> SocketResult<()> {
        match self.state {
            State::Unconnected(Binding::None) => {}
            State::Unconnected(Binding::Begun) | State::Connecting(_) => {
                return Err(ErrorCode::ConcurrencyConflict.into());
            }
            _ => return Err(ErrorCode::InvalidState.into()),
        }
        if !self.is_of_family(address.ip()) {
            return Err(ErrorCode::InvalidArgument.into());
        }
        if !address.ip().is_unspecified() || address.port() != 0 {
            return Err(ErrorCode::AccessDenied.into());
        }
        self.state = State::Unconnected(Binding::Begun);
        Ok(())
    }

    pub(super) fn finish_bind(&mut self) -> SocketResult<()> {
        match self.state {
            State::Unconnected(Binding::Begun) => {
                self.state = State::Unconnected(Binding::Done);
                Ok(())
            }
            _ => Err(ErrorCode::NotInProgress.into()),
        }
    }

    /// Whether it can connect to an address, allowed or not.
    pub(super) fn can_connect(&self, address: SocketAddr) -> SocketResult<()> {
        match self.state {
            State::Unconnected(Binding::None | Binding::Done) => {}
            State::Unconnected(Binding::Begun) | State::Connecting(_) => {
                return Err(ErrorCode::ConcurrencyConflict.into());
            }
            State::Connected { .. } | State::Closed => return Err(ErrorCode::InvalidState.into()),
        }
        let ip = address.ip();
        let is_server = !ip.is_unspecified() && !ip.is_multicast() && ip != Ipv4Addr::BROADCAST && address.port() != 0;
        match is_server && self.is_of_family(ip) {
            true => Ok(()),
            false => Err(ErrorCode::InvalidArgument.into()),
        }
    }

    /// Begins to connect to an address that it can and may connect to.
    pub(super) fn start_connect(&mut self, address: SocketAddr) {
        let dial = Connection::dial(address, self.options.clone(), self.place.clone());
        self.state = State::Connecting(Pending::begin(dial));
    }

    /// The two directions of the connection.
    pub(super) fn finish_connect(&mut self) -> SocketResult<(Input, Output)> {
        let State::Connecting(pending) = &mut self.state else {
            return Err(ErrorCode::NotInProgress.into());
        };
        if pending.done().is_none() {
            return Err(ErrorCode::WouldBlock.into());
        }
        let State::Connecting(Pending::Done(connected)) = std::mem::replace(&mut self.state, State::Closed) else {
            return Err(ErrorCode::InvalidState.into());
        };
        let connection = Arc::new(connected?);
        let (input, output) = (Input::new(&connection), Output::new(&connection, &self.ended));
        self.state = State::Connected {
            connection,
            output: output.clone(),
        };
        Ok((input, output))
    }

    pub(super) fn local_address(&self) -> SocketResult<SocketAddr> {
        match (&self.state, self.family) {
            (State::Connected { connection, .. }, _) => Ok(connection.local_address()?),
            (State::Unconnected(Binding::Done), IpAddressFamily::Ipv4) => {
                Ok(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0))
            }
            (State::Unconnected(Binding::Done), IpAddressFamily::Ipv6) => {
                Ok(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0))
            }
            _ => Err(ErrorCode::InvalidState.into()),
        }
    }

    pub(super) fn remote_address(&self) -> SocketResult<SocketAddr> {
        match &self.state {
            State::Connected { connection, .. } => Ok(connection.remote_address()?),
            _ => Err(ErrorCode::InvalidState.into()),
        }
    }

    pub(super) fn family(&self) -> IpAddressFamily {
        self.family
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }

    pub(super) fn set(&mut self, setting: Setting) -> SocketResult<()> {
        self.options.set(setting)?;
        if let State::Connected { connection, .. } = &self.state {
            connection.apply(&self.options)?;
        }
        Ok(())
    }

    pub(super) fn shutdown(&self, how: Shutdown) -> SocketResult<()> {
        let State::Connected { connection, output } = &self.state else {
            return Err(ErrorCode::InvalidState.into());
        };
        if how != Shutdown::Write {
            connection.shutdown(Shutdown::Read)?;
        }
        if how != Shutdown::Read {
            output.shutdown()?;
        }
        Ok(())
    }

    /// An IPv4 address in the form of an IPv6 one is of neither family, as WASI has it.
    fn is_of_family(&self, ip: IpAddr) -> bool {
        match (self.family, ip) {
            (IpAddressFamily::Ipv4, IpAddr::V4(_)) => true,
            (IpAddressFamily::Ipv6, IpAddr::V6(v6)) => v6.to_ipv4_mapped().is_none(),
            _ => false,
        }
    }
}

#[async_trait]
impl Pollable for TcpSocket {
    async fn ready(&mut self) {
        if let State::Connecting(pending) = &mut self.state {
            pending.ready().await;
        }
    }
}
