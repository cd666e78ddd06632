//! Addresses that no name may lead to, whoever runs the name server: the machine itself, where clouds keep credentials, and
//! what is no server at all. Who wants one of these lists the address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether a name on the list may lead to an address, which whoever runs its DNS decides.
pub(crate) fn may_have(name: &str, address: IpAddr) -> bool {
    if address.is_loopback() {
        return name.trim_end_matches('.').eq_ignore_ascii_case("localhost");
    }
    let special = match address {
        IpAddr::V4(v4) => CLOUDS.contains(&v4) || v4.is_link_local() || v4.is_broadcast() || v4.octets()[0] == 0,
        IpAddr::V6(v6) => {
            let leads_to_special = embedded(v6).into_iter().flatten().any(|v4| !may_have("", v4.into()));
            leads_to_special || of_a_cloud(v6) || v6.is_unicast_link_local()
        }
    };
    !(special || address.is_unspecified() || address.is_multicast())
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
    fn may_have(name: &str, address: &str) -> bool {
        super::may_have(name, address.parse().unwrap())
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
            "64:ff9b:1::169.254.169.254",
            "64:ff9b:1:a9fe:a9:fe00::",
            "2002:a9fe:a9fe::",
            "::169.254.169.254",
        ] {
            assert!(!may_have("evil.example", address), "{address}");
        }
    }

    #[test]
    fn a_name_may_lead_everywhere_else_and_localhost_to_the_machine_itself() {
        for address in [
            "93.184.216.34",
            "10.0.0.7",
            "fd00::7",
            "64:ff9b::93.184.216.34",
            "64:ff9b:1:5db8:d8:2200:5db8:d822",
        ] {
            assert!(may_have("db.example", address), "{address}");
        }
        for name in ["localhost", "LocalHost."] {
            assert!(may_have(name, "127.0.0.1") && may_have(name, "::1"), "{name}");
        }
        assert!(!may_have("localhost", "169.254.169.254"));
    }
}
