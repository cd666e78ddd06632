//! What a store or an app may reach, and what its instances have of the network together.

use super::refusals::{AllowedIn, Refusal, Refusals};
use super::special::{Kind, kind};
use crate::limits::SocketBudget;
use dapr_blocks::config::AllowedHosts;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Look-ups that they have under way at once: each holds a thread, and a name server that does not answer holds it for many
/// seconds. Others wait.
pub(super) const LOOKUPS: usize = 16;

/// What a store or an app may reach. Clones are the same.
#[derive(Clone)]
pub(crate) struct Reach {
    allowed: Arc<AllowedHosts>,
    refusals: Refusals,
    /// Sockets of its own instances, of which an app may have as many as there are requests, and of all guests.
    pub(super) sockets: [Arc<Semaphore>; 2],
    pub(super) lookups: Arc<Semaphore>,
}

impl Reach {
    /// For whom the configuration calls `name`.
    pub(crate) fn new(
        name: &Arc<str>,
        allowed: Arc<AllowedHosts>,
        allowed_in: AllowedIn,
        sockets: &SocketBudget,
    ) -> Self {
        Self {
            refusals: Refusals::new(name, &allowed, allowed_in),
            allowed,
            sockets: [Arc::new(Semaphore::new(sockets.of_one())), Arc::clone(sockets.free())],
            lookups: Arc::new(Semaphore::new(LOOKUPS)),
        }
    }

    pub(crate) fn allowed(&self) -> &AllowedHosts {
        &self.allowed
    }

    pub(crate) fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// The addresses of a name.
    ///
    /// The system's own resolver is asked, in a thread, since it waits; so `/etc/hosts` and what else the system knows hold for
    /// guests, too. Who gives up waiting frees the thread no earlier, so that it is the threads that are counted.
    pub(crate) async fn look_up(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let turn = Arc::clone(&self.lookups).acquire_owned().await;
        let (turn, asked) = (turn.map_err(io::Error::other)?, name.to_owned());
        let resolver = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let addresses = (asked.as_str(), 0).to_socket_addrs()?;
            Ok(addresses.map(|address| address.ip().to_canonical()).collect())
        });
        resolver.await?
    }

    /// Whether a connection may be made to this address of a name, which a name server has given: the name is listed with
    /// the port, and leads [where it may](super::special); or the address is listed itself.
    pub(crate) fn leads(&self, name: &str, address: SocketAddr) -> Result<(), Refusal> {
        let (ip, port) = (address.ip().to_canonical(), address.port());
        if self.allowed.allow_address(ip, port) {
            return Ok(());
        }
        match kind(name, ip) {
            // No list makes the name lead there.
            Kind::Special => Err(Refusal::connect(ip, port)),
            _ if !self.allowed.allow_name(name, port) => Err(Refusal::ConnectByName(name.to_owned(), port)),
            Kind::Private if !self.allowed.may_be_private(name) => {
                Err(Refusal::Private(name.to_owned(), SocketAddr::new(ip, port)))
            }
            Kind::Private | Kind::Public => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::needs::Block;
    use dapr_blocks::config::{AllowedHost, PrivateAddresses};

    fn reach(hosts: &[&str], private: PrivateAddresses) -> Reach {
        let hosts = hosts.iter().map(|host| host.parse::<AllowedHost>().unwrap());
        let allowed = hosts.collect::<AllowedHosts>().with_private(private);
        Reach::new(
            &"mine".into(),
            Arc::new(allowed),
            AllowedIn::Table(Block::State),
            &SocketBudget::new(0),
        )
    }

    fn leads(reach: &Reach, name: &str, address: &str) -> Result<(), Refusal> {
        reach.leads(name, address.parse().unwrap())
    }

    #[test]
    fn a_name_of_the_internet_leads_to_no_private_address_unless_the_list_says_so() {
        let hosts = ["api.example.com:443", "db.internal:443"];
        let default = reach(&hosts, PrivateAddresses::OfTheirNetwork);
        let any = reach(&hosts, PrivateAddresses::OfAnyName);
        for address in ["10.0.0.7:443", "172.16.0.1:443", "192.168.1.1:443", "[fd00::7]:443"] {
            let refused = leads(&default, "api.example.com", address).unwrap_err();
            assert!(matches!(refused, Refusal::Private(..)), "{refused:?}");
            assert_eq!(leads(&default, "db.internal", address), Ok(()));
            assert_eq!(leads(&any, "api.example.com", address), Ok(()));
        }
        assert_eq!(leads(&default, "api.example.com", "93.184.216.34:443"), Ok(()));
    }

    #[test]
    fn no_list_of_names_leads_where_no_name_may() {
        let any = reach(&["api.example.com:443"], PrivateAddresses::OfAnyName);
        for address in ["127.0.0.1:443", "169.254.169.254:443", "[::1]:443"] {
            let refused = Refusal::Connect(address.parse().unwrap());
            assert_eq!(leads(&any, "api.example.com", address), Err(refused));
        }
    }

    #[test]
    fn an_address_that_is_listed_is_reached_by_any_name() {
        let listed = reach(&["127.0.0.1:443", "10.0.0.7:443"], PrivateAddresses::OfTheirNetwork);
        for address in ["127.0.0.1:443", "10.0.0.7:443", "[::ffff:10.0.0.7]:443"] {
            assert_eq!(leads(&listed, "api.example.com", address), Ok(()));
        }
        assert!(leads(&listed, "api.example.com", "10.0.0.7:80").is_err());
    }
}
