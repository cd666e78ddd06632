//! Addresses that no name may lead to, whoever runs the name server: the machine itself, where clouds keep credentials, and
//! what is no server at all. Who wants one of these lists the address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether a name on the list may lead to an address, which whoever runs its DNS decides.
pub(super) fn may_have(name: &str, address: IpAddr) -> bool {
    if address.is_loopback() {
        return name.trim_end_matches('.').eq_ignore_ascii_case("localhost");
    }
    let special = CLOUDS.contains(&address)
        || match address {
            IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast() || v4.octets()[0] == 0,
            IpAddr::V6(v6) => match embedded(v6) {
                Some(v4) => !may_have("", v4.into()),
                None => v6.is_unicast_link_local(),
            },
        };
    !(special || address.is_unspecified() || address.is_multicast())
}

/// Where clouds keep credentials beside the link-local addresses: Alibaba, Azure, and AWS over IPv6.
const CLOUDS: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// The IPv4 address that a network leads an IPv6 one to: NAT64, 6to4, and the old "compatible" form.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [_, b, c, .., y, z] = address.segments();
    let (high, low) = match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, ..] | [0, 0, 0, 0, 0, 0, ..] => (y, z),
        [0x2002, ..] => (b, c),
        _ => return None,
    };
    Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
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
            "fe80::1",
            "0.0.0.0",
            "::",
            "255.255.255.255",
            "224.0.0.1",
            "ff02::1",
            "64:ff9b::169.254.169.254",
            "2002:a9fe:a9fe::",
            "::169.254.169.254",
        ] {
            assert!(!may_have("evil.example", address), "{address}");
        }
    }

    #[test]
    fn a_name_may_lead_everywhere_else_and_localhost_to_the_machine_itself() {
        for address in ["93.184.216.34", "10.0.0.7", "fd00::7", "64:ff9b::93.184.216.34"] {
            assert!(may_have("db.example", address), "{address}");
        }
        for name in ["localhost", "LocalHost."] {
            assert!(may_have(name, "127.0.0.1") && may_have(name, "::1"), "{name}");
        }
        assert!(!may_have("localhost", "169.254.169.254"));
    }
}
