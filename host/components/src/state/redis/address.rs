//! Where the server is: `redisHost`, and `redisPort` beside it.

use dapr_blocks::config::FromText;
use std::fmt;
use std::net::Ipv6Addr;

/// Redis's own port.
const PORT: u16 = 6379;

/// A server's name or IP address, and its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

impl Address {
    /// An address. That of IPv6 is written without brackets.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        match host.contains(':') {
            true => write!(f, "[{host}]:{port}"),
            false => write!(f, "{host}:{port}"),
        }
    }
}

/// What `redisHost` says: a host, with a port or without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HostText {
    host: String,
    port: Option<u16>,
}

impl HostText {
    /// The address, where `redisPort` says this. None if the two say different ports.
    pub(super) fn at(self, port: Option<u16>) -> Option<Address> {
        match (self.port, port) {
            (Some(one), Some(other)) if one != other => None,
            (one, other) => Some(Address::new(self.host, one.or(other).unwrap_or(PORT))),
        }
    }
}

/// Why a text is no address of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAddress {
    /// It names several servers, as for a cluster or sentinels.
    #[error(
        "it names several servers, and this store has one: `source = \"dapr\"` runs Dapr's own component for others"
    )]
    Several,
    /// It is a URL.
    #[error("it must be HOST or HOST:PORT, without `//`, and user and password are settings of their own")]
    Url,
    /// It is something else.
    #[error("it must be HOST or HOST:PORT")]
    Other,
}

impl FromText for HostText {
    const WHAT: &'static str = "the address of a server";
    const EXAMPLE: &'static str = "\"localhost:6379\"";
    type Problem = InvalidAddress;

    fn from_text(text: &str) -> Result<Self, InvalidAddress> {
        if text.contains(',') {
            return Err(InvalidAddress::Several);
        }
        if text.contains('/') {
            return Err(InvalidAddress::Url);
        }
        if text.parse::<Ipv6Addr>().is_ok() {
            return Ok(Self {
                host: text.to_owned(),
                port: None,
            });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !text.ends_with(']') => {
                let port = port.parse().map_err(|_| InvalidAddress::Other)?;
                (host, Some(port))
            }
            _ => (text, None),
        };
        let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let fits = match inner {
            Some(inner) => inner.parse::<Ipv6Addr>().is_ok(),
            None => !host.is_empty() && !host.contains([':', '@', '[', ']']) && !host.contains(char::is_whitespace),
        };
        match fits && port != Some(0) {
            true => Ok(Self {
                host: inner.unwrap_or(host).to_owned(),
                port,
            }),
            false => Err(InvalidAddress::Other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str, port: Option<u16>) -> Option<String> {
        HostText::from_text(text)
            .unwrap()
            .at(port)
            .map(|address| address.to_string())
    }

    #[test]
    fn a_host_has_redis_own_port_or_another() {
        for (text, expected) in [
            ("db.internal", "db.internal:6379"),
            ("db.internal:7000", "db.internal:7000"),
            ("10.0.0.7", "10.0.0.7:6379"),
            ("::1", "[::1]:6379"),
            ("[::1]", "[::1]:6379"),
            ("[::1]:7000", "[::1]:7000"),
        ] {
            assert_eq!(address(text, None).as_deref(), Some(expected));
        }
        assert_eq!(address("db", Some(7000)).as_deref(), Some("db:7000"));
        assert_eq!(address("db:7000", Some(7000)).as_deref(), Some("db:7000"));
        assert_eq!(address("db:7000", Some(7001)), None);
    }

    #[test]
    fn what_is_no_one_server_is_refused() {
        for (text, problem) in [
            ("a:1,b:2", InvalidAddress::Several),
            ("redis://db:6379", InvalidAddress::Url),
            ("", InvalidAddress::Other),
            (":6379", InvalidAddress::Other),
            ("db:", InvalidAddress::Other),
            ("db:0", InvalidAddress::Other),
            ("db:99999", InvalidAddress::Other),
            ("a b", InvalidAddress::Other),
            ("user@db", InvalidAddress::Other),
            ("[db]:1", InvalidAddress::Other),
        ] {
            assert_eq!(HostText::from_text(text), Err(problem), "{text}");
        }
    }
}
