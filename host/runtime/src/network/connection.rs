//! A connection, and the one place where an address becomes one.
//!
//! All that the sockets of guests do to a connection is here. So an address that is answered within the process, by another
//! guest say, is another kind of connection beside the system's, made in [`Connection::dial`].
//!
//! The system is asked as little as can be: nobody reads before there is something to read, and a read that did not fill
//! its buffer has emptied the socket's, so that the next one waits at once.

use super::options::Options;
use bytes::Bytes;
use rustix::buffer::spare_capacity;
use rustix::net::{RecvFlags, recv};
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::Interest;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use wasmtime_wasi::p2::bindings::sockets::network::IpAddressFamily;

/// The longest that connecting takes. A system gives up after two minutes, of which a call has five seconds; a provider that
/// serves on while it connects is to know before a minute is over.
const CONNECT: Duration = Duration::from_secs(30);

/// Bytes that one read gives at most: an answer of the host to a guest must not be as long as the guest likes.
pub(super) const MAX_READ: usize = 64 << 10;

/// What a socket counts for: in its instance, among those of its app or store, and among all. Free when the last clone is dropped.
#[derive(Clone)]
pub(super) struct Place {
    _permits: Arc<[OwnedSemaphorePermit; 3]>,
}

impl Place {
    pub(super) fn new(permits: [OwnedSemaphorePermit; 3]) -> Self {
        Self {
            _permits: Arc::new(permits),
        }
    }
}

/// A connection.
pub(super) struct Connection {
    stream: TcpStream,
    family: IpAddressFamily,
    _place: Place,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    ///
    /// What the system says, or that it took too long.
    pub(super) async fn dial(address: SocketAddr, options: Options, place: Place) -> io::Result<Self> {
        let (socket, family) = match address {
            SocketAddr::V4(_) => (TcpSocket::new_v4()?, IpAddressFamily::Ipv4),
            SocketAddr::V6(_) => (TcpSocket::new_v6()?, IpAddressFamily::Ipv6),
        };
        options.apply(&socket, family)?;
        let connected = tokio::time::timeout(CONNECT, socket.connect(address)).await;
        Ok(Self {
            stream: connected.map_err(|_| io::ErrorKind::TimedOut)??,
            family,
            _place: place,
        })
    }

    /// Has options hold from now on.
    pub(super) fn apply(&self, options: &Options) -> io::Result<()> {
        Ok(options.apply(&self.stream, self.family)?)
    }

    pub(super) fn local_address(&self) -> io::Result<SocketAddr> {
        self.stream.local_addr()
    }

    pub(super) fn remote_address(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }

    /// What has arrived, at most so many bytes; none at the end.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if nothing has arrived, or what the system says.
    pub(super) fn read(&self, at_most: usize) -> io::Result<Bytes> {
        let room = at_most.min(MAX_READ);
        if room == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let mut data = Vec::with_capacity(room);
        let read = self.stream.try_io(Interest::READABLE, || {
            let (_, read) = recv(&self.stream, spare_capacity(&mut data), RecvFlags::empty())?;
            // Said to tokio, this means that nothing is left. What arrives after it was asked is told of all the same.
            let emptied = 0 < read && read < room;
            if emptied {
                Err(io::ErrorKind::WouldBlock.into())
            } else {
                Ok(())
            }
        });
        match read {
            Err(error) if data.is_empty() => Err(error),
            _ => Ok(data.into()),
        }
    }

    /// Waits until reading gives something, an end or an error. It may be too early all the same.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time.
    pub(super) async fn readable(&self) {
        // An error shows when it is read.
        let _ = self.stream.readable().await;
    }

    /// Sends what the system takes at once, and says how much that was.
    pub(super) fn write(&self, data: &[u8]) -> io::Result<usize> {
        match self.stream.try_write(data) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            written => written,
        }
    }

    /// Sends all of it.
    pub(super) async fn write_all(&self, mut data: Bytes) -> io::Result<()> {
        while !data.is_empty() {
            self.stream.writable().await?;
            let written = self.write(&data)?;
            bytes::Buf::advance(&mut data, written);
        }
        Ok(())
    }

    /// Ends one direction or both.
    pub(super) fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        let how = match how {
            Shutdown::Read => rustix::net::Shutdown::Read,
            Shutdown::Write => rustix::net::Shutdown::Write,
            Shutdown::Both => rustix::net::Shutdown::Both,
        };
        Ok(rustix::net::shutdown(&self.stream, how)?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{server, soon};
    use super::*;
    use rustix::net::sockopt;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::Semaphore;

    fn place() -> Place {
        let permit = || Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        Place::new([permit(), permit(), permit()])
    }

    async fn dial(address: SocketAddr) -> io::Result<Connection> {
        soon(Connection::dial(address, Options::default(), place())).await
    }

    /// Both ends of a connection.
    async fn pair(address: &str) -> (Connection, TcpStream) {
        let (listener, address) = server(address).await;
        let (connection, accepted) = tokio::join!(dial(address), soon(listener.accept()));
        (connection.unwrap(), accepted.unwrap().0)
    }

    fn would_block<T>(result: io::Result<T>) -> bool {
        result.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    #[tokio::test]
    async fn every_connection_sends_at_once_and_is_kept_alive() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let (connection, _server) = pair(address).await;
            assert_eq!(sockopt::tcp_nodelay(&connection.stream), Ok(true), "{address}");
            assert_eq!(sockopt::socket_keepalive(&connection.stream), Ok(true), "{address}");
        }
    }

    #[tokio::test]
    async fn a_read_gives_what_has_arrived_and_no_more_than_is_asked_for() {
        let (connection, mut server) = pair("127.0.0.1:0").await;
        assert!(would_block(connection.read(10)));
        server.write_all(b"hello").await.unwrap();
        soon(connection.readable()).await;
        assert_eq!(connection.read(2).unwrap(), "he");
        assert!(would_block(connection.read(0)), "nothing was asked for");
        assert_eq!(connection.read(usize::MAX).unwrap(), "llo");
        assert!(would_block(connection.read(10)));
        drop(server);
        soon(connection.readable()).await;
        assert_eq!(connection.read(10).unwrap(), "", "the end");
        assert_eq!(connection.read(10).unwrap(), "", "and still");
    }

    /// A read that emptied the socket says that nothing is left. That must never be said of what arrives meanwhile.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_arrives_while_it_is_read_is_never_missed() {
        let (connection, mut server) = pair("127.0.0.1:0").await;
        const BYTES: usize = 200_000;
        let send = tokio::spawn(async move {
            for sent in 0..BYTES {
                server.write_all(&[0]).await.unwrap();
                if sent % 64 == 0 {
                    tokio::task::yield_now().await;
                }
            }
        });
        let mut received = 0;
        loop {
            soon(connection.readable()).await;
            match connection.read(1024) {
                Ok(data) if data.is_empty() => break,
                Ok(data) => received += data.len(),
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
        }
        send.await.unwrap();
        assert_eq!(received, BYTES);
    }

    #[tokio::test]
    async fn data_and_an_end_that_come_together_are_both_seen() {
        for _ in 0..200 {
            let (connection, mut server) = pair("127.0.0.1:0").await;
            server.write_all(b"bye").await.unwrap();
            drop(server);
            soon(connection.readable()).await;
            assert_eq!(connection.read(10).unwrap(), "bye");
            soon(connection.readable()).await;
            assert_eq!(connection.read(10).unwrap(), "");
        }
    }

    #[tokio::test]
    async fn a_direction_that_is_shut_down_is_at_its_end_for_the_server() {
        let (connection, mut server) = pair("127.0.0.1:0").await;
        assert_eq!(connection.write(b"last").unwrap(), 4);
        connection.shutdown(Shutdown::Write).unwrap();
        let mut text = String::new();
        soon(server.read_to_string(&mut text)).await.unwrap();
        assert_eq!(text, "last");
        server.write_all(b"still").await.unwrap();
        soon(connection.readable()).await;
        assert_eq!(connection.read(10).unwrap(), "still");
    }

    #[tokio::test]
    async fn a_port_that_nobody_listens_on_refuses() {
        let (listener, address) = server("127.0.0.1:0").await;
        drop(listener);
        let refused = dial(address).await.map(|_| ()).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    }
}
