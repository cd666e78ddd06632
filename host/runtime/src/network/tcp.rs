//! `wasi:sockets/tcp` and `tcp-create-socket`, function by function: what is lowered and lifted, and what is refused.

use super::bindings::tcp::{Host, HostTcpSocket, ShutdownType};
use super::bindings::tcp_create_socket;
use super::options::{Options, Setting};
use super::socket::TcpSocket;
use super::view::Sockets;
use std::net::{Shutdown, SocketAddr};
use wasmtime::component::Resource;
use wasmtime_wasi::p2::bindings::sockets::network::{
    ErrorCode, IpAddressFamily, IpSocketAddress, Network as NetworkHandle,
};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable, SocketResult, subscribe};

type Streams = (Resource<DynInputStream>, Resource<DynOutputStream>);

impl tcp_create_socket::Host for Sockets<'_> {
    fn create_tcp_socket(&mut self, family: IpAddressFamily) -> SocketResult<Resource<TcpSocket>> {
        let place = self.network.place().ok_or(ErrorCode::NewSocketLimit)?;
        let socket = TcpSocket::new(family, place, &self.network.ended);
        Ok(self.table.push(socket)?)
    }
}

impl Sockets<'_> {
    fn socket(&mut self, socket: &Resource<TcpSocket>) -> SocketResult<&mut TcpSocket> {
        Ok(self.table.get_mut(socket)?)
    }

    fn options(&mut self, socket: &Resource<TcpSocket>) -> SocketResult<&Options> {
        Ok(self.socket(socket)?.options())
    }

    fn set(&mut self, socket: &Resource<TcpSocket>, setting: Setting) -> SocketResult<()> {
        self.socket(socket)?.set(setting)
    }
}

impl Host for Sockets<'_> {}

impl HostTcpSocket for Sockets<'_> {
    // ---- bind, connect, shutdown ----

    fn start_bind(
        &mut self,
        socket: Resource<TcpSocket>,
        network: Resource<NetworkHandle>,
        address: IpSocketAddress,
    ) -> SocketResult<()> {
        self.table.get(&network)?;
        self.socket(&socket)?.start_bind(address.into())
    }

    fn finish_bind(&mut self, socket: Resource<TcpSocket>) -> SocketResult<()> {
        self.socket(&socket)?.finish_bind()
    }

    fn start_connect(
        &mut self,
        socket: Resource<TcpSocket>,
        network: Resource<NetworkHandle>,
        address: IpSocketAddress,
    ) -> SocketResult<()> {
        self.table.get(&network)?;
        let address = SocketAddr::from(address);
        let socket = self.table.get_mut(&socket)?;
        socket.can_connect(address)?;
        if !self.network.allowance.may_connect(address) {
            return Err(ErrorCode::AccessDenied.into());
        }
        socket.start_connect(address);
        Ok(())
    }

    fn finish_connect(&mut self, socket: Resource<TcpSocket>) -> SocketResult<Streams> {
        let (input, output) = self.socket(&socket)?.finish_connect()?;
        let input: DynInputStream = Box::new(input);
        let output: DynOutputStream = Box::new(output);
        let input = self.table.push_child(input, &socket)?;
        Ok((input, self.table.push_child(output, &socket)?))
    }

    fn shutdown(&mut self, socket: Resource<TcpSocket>, how: ShutdownType) -> SocketResult<()> {
        self.socket(&socket)?.shutdown(match how {
            ShutdownType::Receive => Shutdown::Read,
            ShutdownType::Send => Shutdown::Write,
            ShutdownType::Both => Shutdown::Both,
        })
    }

    fn subscribe(&mut self, socket: Resource<TcpSocket>) -> wasmtime::Result<Resource<DynPollable>> {
        subscribe(self.table, socket)
    }

    fn drop(&mut self, socket: Resource<TcpSocket>) -> wasmtime::Result<()> {
        self.table.delete(socket)?;
        Ok(())
    }

    // ---- listening: not for guests ----

    fn start_listen(&mut self, _socket: Resource<TcpSocket>) -> SocketResult<()> {
        Err(ErrorCode::AccessDenied.into())
    }

    fn finish_listen(&mut self, _socket: Resource<TcpSocket>) -> SocketResult<()> {
        Err(ErrorCode::NotInProgress.into())
    }

    fn accept(
        &mut self,
        _socket: Resource<TcpSocket>,
    ) -> SocketResult<(Resource<TcpSocket>, Resource<DynInputStream>, Resource<DynOutputStream>)> {
        Err(ErrorCode::InvalidState.into())
    }

    fn is_listening(&mut self, _socket: Resource<TcpSocket>) -> wasmtime::Result<bool> {
        Ok(false)
    }

    /// Changes nothing. C libraries do it before they listen, and take an error for a fault of their own.
    fn set_listen_backlog_size(&mut self, _socket: Resource<TcpSocket>, _value: u64) -> SocketResult<()> {
        Ok(())
    }

    // ---- addresses ----

    fn local_address(&mut self, socket: Resource<TcpSocket>) -> SocketResult<IpSocketAddress> {
        Ok(self.socket(&socket)?.local_address()?.into())
    }

    fn remote_address(&mut self, socket: Resource<TcpSocket>) -> SocketResult<IpSocketAddress> {
        Ok(self.socket(&socket)?.remote_address()?.into())
    }

    fn address_family(&mut self, socket: Resource<TcpSocket>) -> wasmtime::Result<IpAddressFamily> {
        Ok(self.table.get(&socket)?.family())
    }

    // ---- options ----

    fn keep_alive_enabled(&mut self, socket: Resource<TcpSocket>) -> SocketResult<bool> {
        Ok(self.options(&socket)?.keep_alive())
    }

    fn set_keep_alive_enabled(&mut self, socket: Resource<TcpSocket>, value: bool) -> SocketResult<()> {
        self.set(&socket, Setting::KeepAlive(value))
    }

    fn keep_alive_idle_time(&mut self, socket: Resource<TcpSocket>) -> SocketResult<u64> {
        Ok(self.options(&socket)?.keep_alive_idle())
    }

    fn set_keep_alive_idle_time(&mut self, socket: Resource<TcpSocket>, value: u64) -> SocketResult<()> {
        self.set(&socket, Setting::KeepAliveIdle(value))
    }

    fn keep_alive_interval(&mut self, socket: Resource<TcpSocket>) -> SocketResult<u64> {
        Ok(self.options(&socket)?.keep_alive_interval())
    }

    fn set_keep_alive_interval(&mut self, socket: Resource<TcpSocket>, value: u64) -> SocketResult<()> {
        self.set(&socket, Setting::KeepAliveInterval(value))
    }

    fn keep_alive_count(&mut self, socket: Resource<TcpSocket>) -> SocketResult<u32> {
        Ok(self.options(&socket)?.keep_alive_count())
    }

    fn set_keep_alive_count(&mut self, socket: Resource<TcpSocket>, value: u32) -> SocketResult<()> {
        self.set(&socket, Setting::KeepAliveCount(value))
    }

    fn hop_limit(&mut self, socket: Resource<TcpSocket>) -> SocketResult<u8> {
        Ok(self.options(&socket)?.hop_limit())
    }

    fn set_hop_limit(&mut self, socket: Resource<TcpSocket>, value: u8) -> SocketResult<()> {
        self.set(&socket, Setting::HopLimit(value))
    }

    fn receive_buffer_size(&mut self, socket: Resource<TcpSocket>) -> SocketResult<u64> {
        Ok(self.options(&socket)?.receive_buffer())
    }

    fn set_receive_buffer_size(&mut self, socket: Resource<TcpSocket>, value: u64) -> SocketResult<()> {
        self.set(&socket, Setting::ReceiveBuffer(value))
    }

    fn send_buffer_size(&mut self, socket: Resource<TcpSocket>) -> SocketResult<u64> {
        Ok(self.options(&socket)?.send_buffer())
    }

    fn set_send_buffer_size(&mut self, socket: Resource<TcpSocket>, value: u64) -> SocketResult<()> {
        self.set(&socket, Setting::SendBuffer(value))
    }
}

#[cfg(test)]
mod tests {
    use super::super::reach::Reach;
    use super::super::refusals::AllowedIn;
    use super::super::testing::{Instance, code, same, server, soon};
    use super::*;
    use crate::limits::{SOCKETS, SocketBudget};
    use std::sync::Arc;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    const V4: IpAddressFamily = IpAddressFamily::Ipv4;
    const V6: IpAddressFamily = IpAddressFamily::Ipv6;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn a_listed_address_is_connected_to_in_either_family() {
        for host in ["127.0.0.1:0", "[::1]:0"] {
            let (listener, address) = server(host).await;
            let mut instance = Instance::new(&[&address.to_string()]);
            let (connected, accepted) = tokio::join!(instance.connect(address), soon(listener.accept()));
            let ((input, output), (mut server, _)) = (connected.unwrap(), accepted.unwrap());
            soon(instance.output(&output).blocking_write_and_flush("ping".into()))
                .await
                .unwrap();
            let mut received = [0; 4];
            soon(server.read_exact(&mut received)).await.unwrap();
            assert_eq!(&received, b"ping");
            server.write_all(b"pong").await.unwrap();
            let answer = soon(instance.input(&input).blocking_read(9)).await.unwrap();
            assert_eq!(answer, "pong");
        }
    }

    #[tokio::test]
    async fn what_is_not_listed_is_refused_and_told_and_the_socket_may_connect_elsewhere() {
        let (_listener, listed) = server("127.0.0.1:0").await;
        let (_other, other) = server("127.0.0.1:0").await;
        let mut instance = Instance::new(&[&listed.to_string()]);
        let socket = instance.socket(V4).unwrap();
        assert_eq!(instance.start_connect(&socket, other), Err(ErrorCode::AccessDenied));
        let told = instance.refusals.sentences();
        assert!(told[0].contains(&format!("may not connect to {other}; ")), "{told:?}");
        assert_eq!(instance.start_connect(&socket, listed), Ok(()));
        assert!(instance.finish_connect(&socket).await.is_ok());
        assert!(code(instance.sockets().remote_address(same(&socket))).is_ok());
    }

    #[tokio::test]
    async fn an_instance_has_so_many_sockets_at_once() {
        let mut instance = Instance::new(&[]);
        let mut sockets: Vec<_> = (0..SOCKETS).map(|_| instance.socket(V4).unwrap()).collect();
        assert!(matches!(instance.socket(V6), Err(ErrorCode::NewSocketLimit)));
        HostTcpSocket::drop(&mut instance.sockets(), sockets.remove(0)).unwrap();
        assert!(instance.socket(V6).is_ok());
    }

    #[tokio::test]
    async fn all_instances_have_so_many_sockets_together_and_what_one_had_is_free_when_it_ends() {
        let budget = SocketBudget::new(2 * SOCKETS + 1);
        let reach = || Reach::new(&"app".into(), Arc::default(), AllowedIn::App, &budget);
        let full = |reach: &Reach| {
            let mut instance = Instance::of(reach);
            (0..SOCKETS).for_each(|_| _ = instance.socket(V4).unwrap());
            instance
        };
        let is_refused = |instance: &mut Instance| matches!(instance.socket(V4), Err(ErrorCode::NewSocketLimit));
        let (app, store, other) = (reach(), reach(), reach());
        let (of_app, _of_store) = (full(&app), full(&store));
        let (mut second, mut third) = (Instance::of(&app), Instance::of(&other));
        assert!(is_refused(&mut second), "of one app");
        assert!(third.socket(V4).is_ok());
        assert!(is_refused(&mut third), "of all guests");
        drop(of_app);
        assert!(second.socket(V4).is_ok() && third.socket(V4).is_ok());
    }

    #[tokio::test]
    async fn a_socket_is_bound_to_nothing_but_any_port_and_never_listens() {
        let mut instance = Instance::new(&["127.0.0.1:80"]);
        let socket = instance.socket(V4).unwrap();
        for (bound, answer) in [
            ("127.0.0.1:0", Err(ErrorCode::AccessDenied)),
            ("0.0.0.0:80", Err(ErrorCode::AccessDenied)),
            ("[::]:0", Err(ErrorCode::InvalidArgument)),
            ("0.0.0.0:0", Ok(())),
            ("0.0.0.0:0", Err(ErrorCode::ConcurrencyConflict)),
        ] {
            let handle = instance.handle();
            let started = instance
                .sockets()
                .start_bind(same(&socket), handle, address(bound).into());
            assert_eq!(code(started), answer, "{bound}");
        }
        assert_eq!(code(instance.sockets().finish_bind(same(&socket))), Ok(()));
        assert_eq!(
            code(instance.sockets().finish_bind(same(&socket))),
            Err(ErrorCode::NotInProgress)
        );
        let local = code(instance.sockets().local_address(same(&socket))).map(SocketAddr::from);
        assert_eq!(local, Ok(address("0.0.0.0:0")));
        assert_eq!(
            code(instance.sockets().start_listen(same(&socket))),
            Err(ErrorCode::AccessDenied)
        );
        assert!(matches!(
            code(instance.sockets().accept(same(&socket))),
            Err(ErrorCode::InvalidState)
        ));
        assert!(!instance.sockets().is_listening(same(&socket)).unwrap());
    }

    #[tokio::test]
    async fn what_is_no_server_is_invalid_before_it_is_refused() {
        let mut instance = Instance::new(&[]);
        for (family, to) in [
            (V4, "[::1]:80"),
            (V6, "127.0.0.1:80"),
            (V6, "[::ffff:127.0.0.1]:80"),
            (V4, "127.0.0.1:0"),
            (V4, "0.0.0.0:80"),
            (V6, "[::]:80"),
            (V4, "224.0.0.1:80"),
            (V4, "255.255.255.255:80"),
        ] {
            let socket = instance.socket(family).unwrap();
            let started = instance.start_connect(&socket, address(to));
            assert_eq!(started, Err(ErrorCode::InvalidArgument), "{to}");
        }
        assert!(instance.refusals.sentences().is_empty());
    }

    #[tokio::test]
    async fn what_comes_at_the_wrong_time_is_an_error() {
        let (listener, address) = server("127.0.0.1:0").await;
        let mut instance = Instance::new(&[&address.to_string()]);
        let socket = instance.socket(V4).unwrap();
        let shutdown = |instance: &mut Instance| code(instance.sockets().shutdown(same(&socket), ShutdownType::Both));
        assert_eq!(shutdown(&mut instance), Err(ErrorCode::InvalidState));
        assert!(matches!(
            instance.finish_connect(&socket).await,
            Err(ErrorCode::NotInProgress)
        ));
        for remote in [
            code(instance.sockets().remote_address(same(&socket))),
            code(instance.sockets().local_address(same(&socket))),
        ] {
            assert!(matches!(remote, Err(ErrorCode::InvalidState)));
        }
        instance.start_connect(&socket, address).unwrap();
        assert_eq!(
            instance.start_connect(&socket, address),
            Err(ErrorCode::ConcurrencyConflict)
        );
        assert!(instance.finish_connect(&socket).await.is_ok());
        assert_eq!(instance.start_connect(&socket, address), Err(ErrorCode::InvalidState));
        drop(listener);
        let socket = instance.socket(V4).unwrap();
        instance.start_connect(&socket, address).unwrap();
        assert!(matches!(
            instance.finish_connect(&socket).await,
            Err(ErrorCode::ConnectionRefused)
        ));
        assert_eq!(instance.start_connect(&socket, address), Err(ErrorCode::InvalidState));
    }

    #[tokio::test]
    async fn options_are_answered_before_and_after_connecting() {
        let (_listener, address) = server("127.0.0.1:0").await;
        let mut instance = Instance::new(&[&address.to_string()]);
        let socket = instance.socket(V4).unwrap();
        for connected in [false, true] {
            let mut sockets = instance.sockets();
            assert!(code(sockets.set_keep_alive_idle_time(same(&socket), 7_000_000_000)).is_ok());
            assert_eq!(code(sockets.keep_alive_idle_time(same(&socket))), Ok(7_000_000_000));
            assert!(code(sockets.set_keep_alive_enabled(same(&socket), false)).is_ok());
            assert_eq!(code(sockets.keep_alive_enabled(same(&socket))), Ok(false));
            assert!(code(sockets.set_send_buffer_size(same(&socket), 8192)).is_ok());
            assert_eq!(code(sockets.send_buffer_size(same(&socket))), Ok(8192));
            assert_eq!(
                code(sockets.set_hop_limit(same(&socket), 0)),
                Err(ErrorCode::InvalidArgument)
            );
            if !connected {
                instance.start_connect(&socket, address).unwrap();
                assert!(instance.finish_connect(&socket).await.is_ok());
            }
        }
    }
}
