//! `allow-hosts`, in force: which names a provider may look up, and which addresses it may connect to.
//!
//! A name is checked when it is looked up, and an address when it is connected to: it must be listed itself, or have come
//! out of a look-up of a listed name by this very instance. What no list of names may lead to is a link-local address
//! (where cloud machines keep their credentials), a multicast or broadcast address, and, except by the name `localhost`, the
//! machine itself; who wants these lists the address.
//!
//! Only TCP, and only outwards. The sockets are wasmtime-wasi's.

#[cfg(test)]
use dapr_blocks::config::AllowedHost;
use dapr_blocks::config::AllowedHosts;
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::{self as generated, ResolveAddressStream};
use wasmtime_wasi::p2::bindings::sockets::network::{
    self as generated_network, ErrorCode, IpAddress, Network as NetworkResource,
};
use wasmtime_wasi::p2::{DynPollable, SocketError};
use wasmtime_wasi::sockets::{SocketAddrUse, WasiSocketsCtxView, WasiSocketsView as _};
use wasmtime_wasi::{WasiCtxBuilder, WasiView};

/// Addresses that are remembered of look-ups: far more than a provider has servers.
const REMEMBERED: usize = 256;

/// Refusals that are told of. A provider that tries everything must not fill the log.
const TOLD: usize = 16;

/// What one instance may reach. Clones are the same.
#[derive(Clone)]
pub(super) struct Network {
    /// What logs call the provider.
    name: Arc<str>,
    allowed: Arc<AllowedHosts>,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    /// Names by the handles of their look-ups.
    lookups: HashMap<u32, String>,
    /// Addresses that came of them, the latest last.
    addresses: VecDeque<(IpAddr, String)>,
    told: usize,
}

impl Network {
    pub(super) fn new(name: &Arc<str>, allowed: &Arc<AllowedHosts>) -> Self {
        Self {
            name: Arc::clone(name),
            allowed: Arc::clone(allowed),
            seen: Arc::default(),
        }
    }

    /// Lets the instance that is built have sockets, as far as the list goes.
    pub(super) fn apply(&self, wasi: &mut WasiCtxBuilder) {
        if self.allowed.is_empty() {
            return;
        }
        let network = self.clone();
        wasi.allow_tcp(true)
            .allow_ip_name_lookup(true)
            .socket_addr_check(move |address, used_for| {
                let allowed = match used_for {
                    SocketAddrUse::TcpConnect => network.may_connect(address),
                    // What comes before connecting: any port of this machine's own choice.
                    SocketAddrUse::TcpBind => address.ip().is_unspecified() && address.port() == 0,
                    _ => false,
                };
                Box::pin(std::future::ready(allowed))
            });
    }

    fn may_connect(&self, address: SocketAddr) -> bool {
        let (ip, port) = (address.ip().to_canonical(), address.port());
        let by_name = |(found, name): &(IpAddr, String)| {
            *found == ip && self.allowed.allow_name(name, port) && may_have(name, ip)
        };
        let allowed = self.allowed.allow_address(ip, port) || self.seen().addresses.iter().any(by_name);
        if !allowed {
            self.tell(format_args!("a connection to {address}"));
        }
        allowed
    }

    fn may_look_up(&self, name: &str) -> bool {
        let allowed = self.allowed.allow_lookup(name);
        if !allowed {
            self.tell(format_args!("a look-up of `{}`", name.escape_debug()));
        }
        allowed
    }

    fn tell(&self, what: std::fmt::Arguments<'_>) {
        let mut seen = self.seen();
        if seen.told < TOLD {
            seen.told += 1;
            let allowed = &self.allowed;
            tracing::warn!(store = &*self.name, "refused {what}: its allow-hosts has {allowed}");
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn remember(&mut self, handle: u32, address: IpAddr) {
        let Some(name) = self.lookups.get(&handle) else {
            return;
        };
        let found = (address.to_canonical(), name.clone());
        if self.addresses.contains(&found) {
            return;
        }
        if self.addresses.len() >= REMEMBERED {
            self.addresses.pop_front();
        }
        self.addresses.push_back(found);
    }
}

/// Whether a name on the list may lead to an address, which whoever runs its DNS decides.
fn may_have(name: &str, address: IpAddr) -> bool {
    if address.is_loopback() {
        return name.trim_end_matches('.').eq_ignore_ascii_case("localhost");
    }
    let special = match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast() || v4.octets()[0] == 0,
        IpAddr::V6(v6) => match embedded(v6) {
            Some(v4) => !may_have("", v4.into()),
            None => v6.is_unicast_link_local(),
        },
    };
    !(special || address.is_unspecified() || address.is_multicast())
}

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

/// Puts the list in front of wasmtime-wasi's own look-up. To be called after that is linked.
pub(super) fn add_to_linker<T: WasiView + 'static>(
    linker: &mut Linker<T>,
    lookup: fn(&mut T) -> Lookup<'_>,
) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    generated::add_to_linker::<T, HasLookup>(linker, lookup)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Look-ups of one instance.
pub(super) struct Lookup<'a> {
    network: Network,
    sockets: WasiSocketsCtxView<'a>,
}

impl<'a> Lookup<'a> {
    pub(super) fn new<T: WasiView>(network: Network, guest: &'a mut T) -> Self {
        Self {
            network,
            sockets: guest.sockets(),
        }
    }
}

struct HasLookup;

impl HasData for HasLookup {
    type Data<'a> = Lookup<'a>;
}

impl generated::Host for Lookup<'_> {
    fn resolve_addresses(
        &mut self,
        network: Resource<NetworkResource>,
        name: String,
    ) -> Result<Resource<ResolveAddressStream>, SocketError> {
        if !self.network.may_look_up(&name) {
            return Err(ErrorCode::AccessDenied.into());
        }
        let lookup = generated::Host::resolve_addresses(&mut self.sockets, network, name.clone())?;
        self.network.seen().lookups.insert(lookup.rep(), name);
        Ok(lookup)
    }
}

/// What look-ups share with sockets: errors.
impl generated_network::Host for Lookup<'_> {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
        self.sockets.convert_error_code(error)
    }

    fn network_error_code(&mut self, error: Resource<wasmtime::Error>) -> wasmtime::Result<Option<ErrorCode>> {
        self.sockets.network_error_code(error)
    }
}

impl generated_network::HostNetwork for Lookup<'_> {
    fn drop(&mut self, network: Resource<NetworkResource>) -> wasmtime::Result<()> {
        generated_network::HostNetwork::drop(&mut self.sockets, network)
    }
}

impl generated::HostResolveAddressStream for Lookup<'_> {
    fn resolve_next_address(
        &mut self,
        lookup: Resource<ResolveAddressStream>,
    ) -> Result<Option<IpAddress>, SocketError> {
        let handle = lookup.rep();
        let address = self.sockets.resolve_next_address(lookup)?;
        if let Some(address) = address {
            self.network.seen().remember(handle, ip(address));
        }
        Ok(address)
    }

    fn subscribe(&mut self, lookup: Resource<ResolveAddressStream>) -> wasmtime::Result<Resource<DynPollable>> {
        self.sockets.subscribe(lookup)
    }

    fn drop(&mut self, lookup: Resource<ResolveAddressStream>) -> wasmtime::Result<()> {
        self.network.seen().lookups.remove(&lookup.rep());
        generated::HostResolveAddressStream::drop(&mut self.sockets, lookup)
    }
}

fn ip(address: IpAddress) -> IpAddr {
    match address {
        IpAddress::Ipv4((a, b, c, d)) => [a, b, c, d].into(),
        IpAddress::Ipv6((a, b, c, d, e, f, g, h)) => [a, b, c, d, e, f, g, h].into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(hosts: &[&str]) -> Network {
        let hosts: AllowedHosts = hosts.iter().map(|host| host.parse::<AllowedHost>().unwrap()).collect();
        Network::new(&"store".into(), &Arc::new(hosts))
    }

    fn found(network: &Network, name: &str, address: &str) {
        let mut seen = network.seen();
        seen.lookups.insert(7, name.to_owned());
        seen.remember(7, address.parse().unwrap());
    }

    fn may_connect(network: &Network, address: &str) -> bool {
        network.may_connect(address.parse().unwrap())
    }

    #[test]
    fn an_address_of_a_name_is_reached_only_after_looking_it_up_and_on_its_port() {
        let network = network(&["db.internal:6379"]);
        assert!(!may_connect(&network, "10.0.0.7:6379"));
        found(&network, "db.internal", "10.0.0.7");
        assert!(may_connect(&network, "10.0.0.7:6379"));
        assert!(may_connect(&network, "[::ffff:10.0.0.7]:6379"));
        assert!(!may_connect(&network, "10.0.0.7:22"));
        assert!(!may_connect(&network, "10.0.0.8:6379"));
    }

    #[test]
    fn what_one_instance_looked_up_is_nothing_to_another() {
        let (one, other) = (network(&["db:1"]), network(&["db:1"]));
        found(&one, "db", "10.0.0.7");
        assert!(!may_connect(&other, "10.0.0.7:1"));
    }

    #[test]
    fn a_name_cannot_lead_to_the_machine_itself_or_to_credentials_of_the_cloud() {
        let network = network(&["evil.example:80", "localhost:80", "169.254.169.254:8080"]);
        for address in [
            "127.0.0.1",
            "::1",
            "169.254.169.254",
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
            found(&network, "evil.example", address);
            let address = SocketAddr::new(address.parse().unwrap(), 80);
            assert!(!network.may_connect(address), "{address}");
        }
        found(&network, "evil.example", "93.184.216.34");
        assert!(may_connect(&network, "93.184.216.34:80"));
        found(&network, "localhost", "127.0.0.1");
        assert!(may_connect(&network, "127.0.0.1:80"));
        assert!(may_connect(&network, "169.254.169.254:8080"), "listed itself");
    }

    #[test]
    fn names_that_are_not_listed_are_not_looked_up() {
        let network = network(&["db.internal:6379", "10.0.0.7:1"]);
        assert!(network.may_look_up("DB.internal"));
        for name in ["secret.attacker.example", "10.0.0.7", "127.0.0.1", ""] {
            assert!(!network.may_look_up(name), "{name}");
        }
    }

    #[test]
    fn only_so_many_addresses_are_remembered() {
        let network = network(&["*.example:1"]);
        for number in 0..1000_u32 {
            found(&network, "a.example", &Ipv4Addr::from(0x0b00_0000 + number).to_string());
        }
        assert_eq!(network.seen().addresses.len(), REMEMBERED);
        assert!(may_connect(&network, "11.0.3.231:1"), "the latest");
    }
}
