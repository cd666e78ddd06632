//! What a guest may set on a socket, and what holds where it says nothing.
//!
//! It is kept here until there is a connection to set it on. TCP_NODELAY is not among it, since WASI has no word for it: it is
//! always on, because a request that waits for the acknowledgement of its first half waits some 40 ms.

use rustix::io::Errno;
use rustix::net::sockopt;
use std::os::fd::AsFd;
use std::time::Duration;
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, IpAddressFamily};

/// The options of one socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Options {
    keep_alive: bool,
    keep_alive_idle: Duration,
    keep_alive_interval: Duration,
    keep_alive_count: u32,
    /// None: the system's own, as with those below.
    hop_limit: Option<u8>,
    receive_buffer: Option<usize>,
    send_buffer: Option<usize>,
}

impl Default for Options {
    /// A server that is gone without a word is noticed after a minute; what stands between and forgets idle connections does
    /// so after several at the least.
    fn default() -> Self {
        Self {
            keep_alive: true,
            keep_alive_idle: Duration::from_secs(30),
            keep_alive_interval: Duration::from_secs(10),
            keep_alive_count: 3,
            hop_limit: None,
            receive_buffer: None,
            send_buffer: None,
        }
    }
}

/// One option with its value, as a guest sets it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Setting {
    KeepAlive(bool),
    /// In nanoseconds, as the next.
    KeepAliveIdle(u64),
    KeepAliveInterval(u64),
    KeepAliveCount(u32),
    HopLimit(u8),
    ReceiveBuffer(u64),
    SendBuffer(u64),
}

/// The largest values that Linux takes. Beyond them a setting is cut, as WASI has it.
const MAX_KEEP_ALIVE: Duration = Duration::from_secs(32_767);
const MAX_KEEP_ALIVE_COUNT: u32 = 127;

/// The most that a guest may make the system reserve for a direction of a connection. Linux has a limit of its own, which
/// mostly is lower.
const MAX_BUFFER: u64 = 4 << 20;

/// What is answered where nothing was set: Linux's own.
const HOP_LIMIT: u8 = 64;
const BUFFER: usize = 64 << 10;

impl Options {
    /// Sets an option. Zero is no value of any.
    pub(super) fn set(&mut self, setting: Setting) -> Result<(), ErrorCode> {
        match setting {
            Setting::KeepAlive(on) => self.keep_alive = on,
            Setting::KeepAliveIdle(nanos) => self.keep_alive_idle = duration(nanos)?,
            Setting::KeepAliveInterval(nanos) => self.keep_alive_interval = duration(nanos)?,
            Setting::KeepAliveCount(count) => self.keep_alive_count = positive(count)?.min(MAX_KEEP_ALIVE_COUNT),
            Setting::HopLimit(hops) => self.hop_limit = Some(positive(hops)?),
            Setting::ReceiveBuffer(bytes) => self.receive_buffer = Some(buffer(bytes)?),
            Setting::SendBuffer(bytes) => self.send_buffer = Some(buffer(bytes)?),
        }
        Ok(())
    }

    pub(super) fn keep_alive(&self) -> bool {
        self.keep_alive
    }

    pub(super) fn keep_alive_idle(&self) -> u64 {
        nanos(self.keep_alive_idle)
    }

    pub(super) fn keep_alive_interval(&self) -> u64 {
        nanos(self.keep_alive_interval)
    }

    pub(super) fn keep_alive_count(&self) -> u32 {
        self.keep_alive_count
    }

    pub(super) fn hop_limit(&self) -> u8 {
        self.hop_limit.unwrap_or(HOP_LIMIT)
    }

    pub(super) fn receive_buffer(&self) -> u64 {
        self.receive_buffer.unwrap_or(BUFFER) as u64
    }

    pub(super) fn send_buffer(&self) -> u64 {
        self.send_buffer.unwrap_or(BUFFER) as u64
    }

    /// Has them hold for a socket of the system.
    pub(super) fn apply(&self, socket: impl AsFd, family: IpAddressFamily) -> rustix::io::Result<()> {
        sockopt::set_tcp_nodelay(&socket, true)?;
        sockopt::set_tcp_keepidle(&socket, self.keep_alive_idle)?;
        sockopt::set_tcp_keepintvl(&socket, self.keep_alive_interval)?;
        sockopt::set_tcp_keepcnt(&socket, self.keep_alive_count)?;
        sockopt::set_socket_keepalive(&socket, self.keep_alive)?;
        match (self.hop_limit, family) {
            (None, _) => {}
            (Some(hops), IpAddressFamily::Ipv4) => sockopt::set_ip_ttl(&socket, hops.into())?,
            (Some(hops), IpAddressFamily::Ipv6) => sockopt::set_ipv6_unicast_hops(&socket, Some(hops))?,
        }
        if let Some(bytes) = self.receive_buffer {
            as_far_as_it_goes(sockopt::set_socket_recv_buffer_size(&socket, bytes))?;
        }
        if let Some(bytes) = self.send_buffer {
            as_far_as_it_goes(sockopt::set_socket_send_buffer_size(&socket, bytes))?;
        }
        Ok(())
    }
}

/// BSD refuses sizes that Linux cuts.
fn as_far_as_it_goes(set: rustix::io::Result<()>) -> rustix::io::Result<()> {
    match set {
        Err(Errno::NOBUFS) => Ok(()),
        set => set,
    }
}

fn positive<T: Default + PartialEq>(value: T) -> Result<T, ErrorCode> {
    match value == T::default() {
        true => Err(ErrorCode::InvalidArgument),
        false => Ok(value),
    }
}

/// In whole seconds, which is what systems count.
fn duration(nanos: u64) -> Result<Duration, ErrorCode> {
    let duration = Duration::from_nanos(nanos);
    let seconds = positive(duration.as_secs() + u64::from(duration.subsec_nanos() > 0))?;
    Ok(Duration::from_secs(seconds).min(MAX_KEEP_ALIVE))
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn buffer(bytes: u64) -> Result<usize, ErrorCode> {
    let bytes = positive(bytes)?.min(MAX_BUFFER);
    Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpSocket;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn zero_is_no_value() {
        let mut options = Options::default();
        for setting in [
            Setting::KeepAliveIdle(0),
            Setting::KeepAliveInterval(0),
            Setting::KeepAliveCount(0),
            Setting::HopLimit(0),
            Setting::ReceiveBuffer(0),
            Setting::SendBuffer(0),
        ] {
            assert_eq!(options.set(setting), Err(ErrorCode::InvalidArgument), "{setting:?}");
        }
        assert_eq!(options, Options::default());
    }

    #[test]
    fn what_is_too_large_is_cut_and_parts_of_seconds_are_rounded_up() {
        let mut options = Options::default();
        for setting in [
            Setting::KeepAliveIdle(1),
            Setting::KeepAliveInterval(u64::MAX),
            Setting::KeepAliveCount(u32::MAX),
            Setting::SendBuffer(u64::MAX),
        ] {
            assert_eq!(options.set(setting), Ok(()), "{setting:?}");
        }
        assert_eq!(options.keep_alive_idle(), SECOND);
        assert_eq!(options.keep_alive_interval(), 32_767 * SECOND);
        assert_eq!(options.keep_alive_count(), 127);
        assert_eq!(options.send_buffer(), MAX_BUFFER);
    }

    #[tokio::test]
    async fn they_hold_for_a_socket_of_either_family() {
        let mut options = Options::default();
        for setting in [
            Setting::KeepAliveIdle(7 * SECOND),
            Setting::KeepAliveInterval(8 * SECOND),
            Setting::KeepAliveCount(9),
            Setting::HopLimit(10),
            Setting::ReceiveBuffer(8 << 10),
            Setting::SendBuffer(8 << 10),
        ] {
            assert_eq!(options.set(setting), Ok(()), "{setting:?}");
        }
        let (v4, v6) = (TcpSocket::new_v4().unwrap(), TcpSocket::new_v6().unwrap());
        options.apply(&v4, IpAddressFamily::Ipv4).unwrap();
        options.apply(&v6, IpAddressFamily::Ipv6).unwrap();
        assert_eq!(sockopt::ip_ttl(&v4), Ok(10));
        assert_eq!(sockopt::ipv6_unicast_hops(&v6), Ok(10));
        for socket in [&v4, &v6] {
            assert_eq!(sockopt::tcp_nodelay(socket), Ok(true));
            assert_eq!(sockopt::socket_keepalive(socket), Ok(true));
            assert_eq!(sockopt::tcp_keepidle(socket), Ok(Duration::from_secs(7)));
            assert_eq!(sockopt::tcp_keepintvl(socket), Ok(Duration::from_secs(8)));
            assert_eq!(sockopt::tcp_keepcnt(socket), Ok(9));
            assert!(sockopt::socket_recv_buffer_size(socket).is_ok_and(|size| size < 32 << 10));
            assert!(sockopt::socket_send_buffer_size(socket).is_ok_and(|size| size < 32 << 10));
        }
        options.set(Setting::KeepAlive(false)).unwrap();
        options.apply(&v4, IpAddressFamily::Ipv4).unwrap();
        assert_eq!(sockopt::socket_keepalive(&v4), Ok(false));
    }
}
