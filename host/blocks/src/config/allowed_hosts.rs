//! `allow-hosts` and `allow-private`: which servers a guest may reach.
//!
//! | written | is |
//! |---|---|
//! | `"db.internal:6379"` | this name, whatever addresses it has, on this port |
//! | `"*.example.com:443"` | every name that ends in `.example.com` |
//! | `"10.0.0.7:6379"`, `"[fd00::7]:6379"` | this address |
//!
//! A name is compared as DNS does, without looking at case. A guest that has an address by other means than looking up an
//! allowed name may not reach it, also where the name has that address.
//!
//! What resolvers take for an address although it does not look like one (`127.1`, `0x7f000001`, `2130706433`) is no name
//! here: else a list that forbids `127.0.0.1` would allow it.
//!
//! Whether a name may lead to a private address is [the list's to say](PrivateAddresses), and whether an address is one is asked
//! of who connects.

use super::error::ConfigErrors;
use super::private_addresses::PrivateAddresses;
use super::table::Table;
use super::value::FromText;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU16;
use std::str::FromStr;

/// The servers that a guest may reach; by default none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedHosts {
    hosts: Vec<AllowedHost>,
    private: PrivateAddresses,
}

impl AllowedHosts {
    /// Reads `allow-hosts` and `allow-private`.
    pub(super) fn read(table: &mut Table) -> Result<Self, ConfigErrors> {
        let hosts = table.take::<Vec<AllowedHost>>("allow-hosts");
        let private = PrivateAddresses::read(table);
        Ok(Self {
            hosts: hosts?.unwrap_or_default(),
            private: private?,
        })
    }

    /// The same with private addresses behind these names.
    #[must_use]
    pub fn with_private(self, private: PrivateAddresses) -> Self {
        Self { private, ..self }
    }

    /// Whether nothing may be reached.
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    /// The servers, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &AllowedHost> {
        self.hosts.iter()
    }

    /// Which names may lead to private addresses.
    pub fn private(&self) -> PrivateAddresses {
        self.private
    }

    /// Whether a name, if a guest may connect to it at all, may lead to private addresses.
    pub fn may_be_private(&self, name: &str) -> bool {
        self.private.may_have(&normal(name))
    }

    /// Whether a guest may ask for the addresses of a name.
    pub fn allow_lookup(&self, name: &str) -> bool {
        let name = normal(name);
        self.hosts.iter().any(|allowed| allowed.host.has_name(&name))
    }

    /// Whether a guest may connect to this port of a name.
    pub fn allow_name(&self, name: &str, port: u16) -> bool {
        let name = normal(name);
        let mut allowed = self.hosts.iter();
        allowed.any(|allowed| allowed.port.get() == port && allowed.host.has_name(&name))
    }

    /// Whether a guest may connect to this port of an address that it has by itself.
    pub fn allow_address(&self, address: IpAddr, port: u16) -> bool {
        let host = Host::Address(address.to_canonical());
        let mut allowed = self.hosts.iter();
        allowed.any(|allowed| allowed.port.get() == port && allowed.host == host)
    }
}

impl FromIterator<AllowedHost> for AllowedHosts {
    fn from_iter<I: IntoIterator<Item = AllowedHost>>(hosts: I) -> Self {
        Self {
            hosts: hosts.into_iter().collect(),
            private: PrivateAddresses::default(),
        }
    }
}

/// `nothing`, or the servers behind commas, and that any of them may be at a private address.
impl fmt::Display for AllowedHosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((first, rest)) = self.hosts.split_first() else {
            return f.write_str("nothing");
        };
        first.fmt(f)?;
        rest.iter().try_for_each(|host| write!(f, ", {host}"))?;
        match self.private {
            PrivateAddresses::OfTheirNetwork => Ok(()),
            PrivateAddresses::OfAnyName => f.write_str(", also at private addresses"),
        }
    }
}

/// A server that a guest may reach. `Display` and `FromStr` are one round trip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedHost {
    host: Host,
    port: NonZeroU16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    /// In lower case.
    Name(String),
    /// What names end in, behind a dot, in lower case.
    Below(String),
    /// Canonical: an IPv4 address is never written as an IPv6 one.
    Address(IpAddr),
}

impl Host {
    /// `name` is [`normal`].
    fn has_name(&self, name: &str) -> bool {
        match self {
            Self::Name(own) => own == name,
            Self::Below(parent) => name
                .strip_suffix(parent.as_str())
                .and_then(|rest| rest.strip_suffix('.'))
                .is_some_and(|rest| !rest.is_empty()),
            Self::Address(_) => false,
        }
    }
}

impl fmt::Display for AllowedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        match host {
            Host::Name(name) => write!(f, "{name}:{port}"),
            Host::Below(parent) => write!(f, "*.{parent}:{port}"),
            Host::Address(IpAddr::V4(address)) => write!(f, "{address}:{port}"),
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]:{port}"),
        }
    }
}

/// Why a text names no server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AllowedHostError {
    /// `https://example.com`
    #[error("it is a URL, and a server is HOST:PORT")]
    Url,
    /// `example.com`
    #[error("it has no port")]
    NoPort,
    /// `example.com:http`, `example.com:0`, `example.com:*`
    #[error("a port is a number from 1 to 65535")]
    Port,
    /// `:443`
    #[error("it has no host")]
    NoHost,
    /// `*:443`, `a*.example.com:443`
    #[error("a star stands for the first labels of a name: \"*.example.com:443\"")]
    Star,
    /// `fd00::7:6379`
    #[error("an IPv6 address stands in brackets: \"[fd00::7]:6379\"")]
    Brackets,
    /// `0x7f.1:80`, `10.0.0.256:80`
    #[error("it ends in a number and is no address: such names are taken for one elsewhere")]
    NotAnAddress,
    /// `ex ample.com:443`
    #[error("a name has labels of 1 to 63 letters, digits, `-` and `_`, and 253 characters in all")]
    Name,
}

impl FromStr for AllowedHost {
    type Err = AllowedHostError;

    fn from_str(text: &str) -> Result<Self, AllowedHostError> {
        if text.contains('/') {
            return Err(AllowedHostError::Url);
        }
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, port) = rest.split_once(']').ok_or(AllowedHostError::Brackets)?;
                let address: Ipv6Addr = address.parse().map_err(|_| AllowedHostError::Brackets)?;
                let port = port.strip_prefix(':').ok_or(AllowedHostError::NoPort)?;
                (Host::Address(IpAddr::V6(address).to_canonical()), port)
            }
            None => {
                let (host, port) = text.rsplit_once(':').ok_or(AllowedHostError::NoPort)?;
                (named(host)?, port)
            }
        };
        let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse().ok().filter(|_| is_number).ok_or(AllowedHostError::Port)?;
        Ok(Self { host, port })
    }
}

/// A name, what names end in, or an IPv4 address.
fn named(host: &str) -> Result<Host, AllowedHostError> {
    if host.is_empty() {
        return Err(AllowedHostError::NoHost);
    }
    if host.contains(':') {
        return Err(AllowedHostError::Brackets);
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(Host::Address(address));
    }
    let (parent, below) = match host.strip_prefix("*.") {
        Some(parent) => (parent, true),
        None => (host, false),
    };
    if parent.contains('*') {
        return Err(AllowedHostError::Star);
    }
    let name = normal(parent);
    check_name(&name)?;
    Ok(if below { Host::Below(name) } else { Host::Name(name) })
}

/// A name as it is compared: in lower case, without the dot of the root.
fn normal(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

fn check_name(name: &str) -> Result<(), AllowedHostError> {
    const MAX_NAME: usize = 253;
    const MAX_LABEL: usize = 63;
    let fits = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if name.len() > MAX_NAME || !name.split('.').all(fits) {
        return Err(AllowedHostError::Name);
    }
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_hexadecimal = last
        .strip_prefix("0x")
        .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if is_hexadecimal || last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(AllowedHostError::NotAnAddress);
    }
    Ok(())
}

impl FromText for AllowedHost {
    const WHAT: &'static str = "a server";
    const EXAMPLE: &'static str = "\"db.internal:6379\"";
    const IS_SHOWN: bool = true;
    type Problem = AllowedHostError;

    fn from_text(text: &str) -> Result<Self, AllowedHostError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(texts: &[&str]) -> AllowedHosts {
        texts.iter().map(|text| text.parse::<AllowedHost>().unwrap()).collect()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    // ---- parsing ----

    #[test]
    fn what_is_written_reads_back_the_same() {
        for text in [
            "db.internal:6379",
            "localhost:1",
            "*.example.com:443",
            "my_db:65535",
            "10.0.0.7:6379",
            "[fd00::7]:6379",
        ] {
            assert_eq!(text.parse::<AllowedHost>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn case_and_the_dot_of_the_root_are_not_kept() {
        let shown = |text: &str| text.parse::<AllowedHost>().unwrap().to_string();
        assert_eq!(shown("DB.Internal.:6379"), "db.internal:6379");
        assert_eq!(shown("[::ffff:10.0.0.7]:1"), "10.0.0.7:1");
    }

    #[test]
    fn what_names_no_server_is_refused() {
        use AllowedHostError as Error;
        for (text, error) in [
            ("", Error::NoPort),
            ("example.com", Error::NoPort),
            ("[::1]", Error::NoPort),
            ("https://example.com", Error::Url),
            ("10.0.0.0/8:80", Error::Url),
            (":443", Error::NoHost),
            ("example.com:", Error::Port),
            ("example.com:0", Error::Port),
            ("example.com:+80", Error::Port),
            ("example.com:*", Error::Port),
            ("example.com:65536", Error::Port),
            ("*:443", Error::Star),
            ("*.*.com:443", Error::Star),
            ("a*.com:443", Error::Star),
            ("fd00::7:6379", Error::Brackets),
            ("[10.0.0.7]:80", Error::Brackets),
            ("[fd00::7:80", Error::Brackets),
            ("127.1:80", Error::NotAnAddress),
            ("10.0.0.256:80", Error::NotAnAddress),
            ("2130706433:80", Error::NotAnAddress),
            ("0x7f000001:80", Error::NotAnAddress),
            ("a.0X7f:80", Error::NotAnAddress),
            ("*.1:80", Error::NotAnAddress),
            ("ex ample.com:80", Error::Name),
            ("exämple.com:80", Error::Name),
            ("-a.com:80", Error::Name),
            ("a..com:80", Error::Name),
            ("..:80", Error::Name),
            ("a\0.com:80", Error::Name),
        ] {
            assert_eq!(text.parse::<AllowedHost>(), Err(error), "{text:?}");
        }
        assert_eq!(
            format!("{}:80", "a".repeat(64)).parse::<AllowedHost>(),
            Err(Error::Name)
        );
        assert_eq!(
            format!("{}com:80", "a.".repeat(126)).parse::<AllowedHost>(),
            Err(Error::Name)
        );
    }

    // ---- matching ----

    #[test]
    fn a_name_is_allowed_on_its_port_alone() {
        let hosts = hosts(&["db.internal:6379"]);
        assert!(hosts.allow_lookup("db.internal") && hosts.allow_lookup("DB.Internal."));
        assert!(hosts.allow_name("db.internal", 6379));
        assert!(!hosts.allow_name("db.internal", 6380));
        for other in ["internal", "xdb.internal", "db.internal.evil", "a.db.internal", ""] {
            assert!(!hosts.allow_lookup(other) && !hosts.allow_name(other, 6379), "{other}");
        }
    }

    #[test]
    fn a_star_is_for_names_below_and_not_for_the_name_itself() {
        let hosts = hosts(&["*.example.com:443"]);
        assert!(hosts.allow_name("a.example.com", 443) && hosts.allow_name("a.b.Example.com", 443));
        for other in ["example.com", ".example.com", "badexample.com", "a.example.com.evil"] {
            assert!(!hosts.allow_name(other, 443), "{other}");
        }
    }

    #[test]
    fn an_address_is_allowed_however_it_is_written() {
        let hosts = hosts(&["10.0.0.7:6379", "[fd00::7]:6379"]);
        assert!(hosts.allow_address(address("10.0.0.7"), 6379));
        assert!(hosts.allow_address(address("::ffff:10.0.0.7"), 6379));
        assert!(hosts.allow_address(address("fd00:0::7"), 6379));
        assert!(!hosts.allow_address(address("10.0.0.8"), 6379));
        assert!(!hosts.allow_address(address("10.0.0.7"), 80));
        assert!(!hosts.allow_lookup("10.0.0.7"));
    }

    #[test]
    fn nothing_is_allowed_by_default() {
        let none = AllowedHosts::default();
        assert!(none.is_empty() && !none.allow_lookup("a") && !none.allow_address(address("127.0.0.1"), 80));
        assert_eq!(none.to_string(), "nothing");
        assert!(none.may_be_private("DB.Internal.") && !none.may_be_private("DB.Example."));
        let some = hosts(&["a:1", "b:2"]);
        assert_eq!(some.to_string(), "a:1, b:2");
        let private = some.with_private(PrivateAddresses::OfAnyName);
        assert_eq!(private.to_string(), "a:1, b:2, also at private addresses");
    }
}
