//! What an address is, which a name leads to because whoever runs the name's servers says so.
//!
//! | kind | what | by a name |
//! |---|---|---|
//! | special | the machine itself, where clouds keep credentials, and what is no server at all | never: who wants one lists the address |
//! | private | of a network that is not the internet | by names of such networks, or if the list says so |
//! | public | all else | always |

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is to those who have a name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Public,
    Private,
    Special,
}

/// What an address is, for those who came to it by this name. Loopback is what `localhost` means.
pub(super) fn kind(name: &str, address: IpAddr) -> Kind {
    let is_localhost = || name.trim_end_matches('.').eq_ignore_ascii_case("localhost");
    match address {
        _ if address.is_loopback() && is_localhost() => Kind::Public,
        _ if address.is_loopback() || address.is_unspecified() || address.is_multicast() => Kind::Special,
        IpAddr::V4(v4) => kind_of_v4(v4),
        IpAddr::V6(v6) => kind_of_v6(v6),
    }
}

fn kind_of_v4(address: Ipv4Addr) -> Kind {
    let first = address.octets()[0];
    if CLOUDS.contains(&address) || address.is_link_local() || address.is_broadcast() || first == 0 {
        return Kind::Special;
    }
    // 100.64.0.0/10 is what providers share among their customers, clusters among their machines.
    let is_shared = first == 100 && address.octets()[1] & 0xc0 == 64;
    match address.is_private() || is_shared {
        true => Kind::Private,
        false => Kind::Public,
    }
}

fn kind_of_v6(address: Ipv6Addr) -> Kind {
    if of_a_cloud(address) || address.is_unicast_link_local() {
        return Kind::Special;
    }
    // fec0::/10 is what fc00::/7 was before.
    let is_site_local = address.segments()[0] & 0xffc0 == 0xfec0;
    let own = match address.is_unique_local() || is_site_local {
        true => Kind::Private,
        false => Kind::Public,
    };
    let embedded = embedded(address).into_iter().flatten();
    embedded.map(|v4| kind("", v4.into())).fold(own, Kind::max)
}

/// Where clouds keep credentials beside the link-local addresses: Alibaba and Azure.
const CLOUDS: [Ipv4Addr; 2] = [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16)];

/// Whether an address is of what AWS and Google keep for services of the machine, credentials among them.
fn of_a_cloud(address: Ipv6Addr) -> bool {
    matches!(address.segments(), [0xfd00, 0xec2, ..] | [0xfd20, 0xce, ..])
}

/// The IPv4 addresses that a network may lead an IPv6 one to: NAT64 (RFC 6052, and the prefix of RFC 8215 in its two
/// likely lengths), 6to4, and the old "compatible" form.
fn embedded(address: Ipv6Addr) -> [Option<Ipv4Addr>; 2] {
    let v4 = |high: u16, low: u16| Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0, 0, 0, 0, 0, 0, high, low] => [v4(high, low), None],
        // Behind 48 bits the address goes around the byte that is always 0.
        [0x64, 0xff9b, 1, first, second, third, high, low] => [v4(high, low), v4(first, (second << 8) | (third >> 8))],
        [0x2002, high, low, ..] => [v4(high, low), None],
        _ => [None; 2],
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    fn kind(name: &str, address: &str) -> Kind {
        super::kind(name, address.parse().unwrap())
    }

    #[test]
    fn a_name_cannot_lead_to_the_machine_itself_or_to_credentials_of_the_cloud() {
        for address in [
            "127.0.0.1",
            "::1",
            "169.254.169.254",
            "100.100.100.200",
            "168.63.129.16",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
            "fe80::1",
            "0.0.0.0",
            "::",
            "255.255.255.255",
            "224.0.0.1",
            "ff02::1",
            "64:ff9b::169.254.169.254",
            "64:ff9b::127.0.0.1",
            "64:ff9b:1::169.254.169.254",
            "64:ff9b:1:a9fe:a9:fe00::",
            "2002:a9fe:a9fe::",
            "::169.254.169.254",
        ] {
            assert_eq!(kind("evil.example", address), Kind::Special, "{address}");
        }
    }

    #[test]
    fn what_is_not_of_the_internet_is_private() {
        for address in [
            "10.0.0.7",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "100.127.255.255",
            "fc00::1",
            "fd00::7",
            "fec0::1",
            "64:ff9b::10.0.0.7",
            "2002:0a00:0007::",
        ] {
            assert_eq!(kind("db.example", address), Kind::Private, "{address}");
        }
    }

    #[test]
    fn all_else_is_public_and_localhost_is_the_machine_itself() {
        for address in [
            "93.184.216.34",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "64:ff9b::93.184.216.34",
            "64:ff9b:1:5db8:d8:2200:5db8:d822",
        ] {
            assert_eq!(kind("db.example", address), Kind::Public, "{address}");
        }
        for name in ["localhost", "LocalHost."] {
            assert_eq!(kind(name, "127.0.0.1"), Kind::Public, "{name}");
            assert_eq!(kind(name, "::1"), Kind::Public, "{name}");
        }
        assert_eq!(kind("localhost", "169.254.169.254"), Kind::Special);
    }
}
