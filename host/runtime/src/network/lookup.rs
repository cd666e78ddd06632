//! `wasi:sockets/ip-name-lookup`: addresses of the names that are on the list.

use super::bindings::ip_name_lookup::{Host, HostResolveAddressStream};
use super::pending::Pending;
use super::reach::Reach;
use super::view::Sockets;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::Resource;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, IpAddress, Network as NetworkHandle};
use wasmtime_wasi::p2::{DynPollable, Pollable, SocketResult, subscribe};

/// The longest that a look-up takes, its wait for others included: as long as a resolver asks one name server twice.
const DEADLINE: Duration = Duration::from_secs(10);

/// Bytes of the longest name of DNS. What is longer is not even told of.
const NAME: usize = 253;

/// A look-up, and what is left of its addresses.
#[allow(unreachable_pub, reason = "what is generated re-exports it")]
pub struct Lookup {
    /// None: an address in place of a name, which nobody was asked for.
    name: Option<Arc<str>>,
    found: Pending<Result<std::vec::IntoIter<IpAddr>, ErrorCode>>,
}

impl Lookup {
    /// Begins to look up a name.
    fn of_name(name: &str, reach: &Reach) -> Self {
        let name = Arc::<str>::from(name);
        Self {
            found: Pending::begin(resolve(Arc::clone(&name), reach.clone())),
            name: Some(name),
        }
    }

    fn of_address(address: IpAddr) -> Self {
        Self {
            name: None,
            found: Pending::Done(Ok(vec![address].into_iter())),
        }
    }

    fn next(&mut self) -> Result<Option<IpAddr>, ErrorCode> {
        match self.found.done() {
            None => Err(ErrorCode::WouldBlock),
            Some(Ok(found)) => Ok(found.next()),
            Some(Err(error)) => Err(*error),
        }
    }
}

async fn resolve(name: Arc<str>, reach: Reach) -> Result<std::vec::IntoIter<IpAddr>, ErrorCode> {
    match tokio::time::timeout(DEADLINE, reach.look_up(&name)).await {
        Ok(Ok(found)) => Ok(found.into_iter()),
        Ok(Err(error)) => {
            tracing::debug!(%name, %error, "a look-up failed");
            Err(ErrorCode::NameUnresolvable)
        }
        Err(_) => Err(ErrorCode::TemporaryResolverFailure),
    }
}

#[async_trait]
impl Pollable for Lookup {
    async fn ready(&mut self) {
        self.found.ready().await;
    }
}

impl Host for Sockets<'_> {
    fn resolve_addresses(&mut self, network: Resource<NetworkHandle>, name: String) -> SocketResult<Resource<Lookup>> {
        self.table.get(&network)?;
        if name.strip_suffix('.').unwrap_or(&name).len() > NAME {
            return Err(ErrorCode::InvalidArgument.into());
        }
        let lookup = match name.parse() {
            // It is checked when it is connected to.
            Ok(address) => Lookup::of_address(address),
            Err(_) if !self.network.allowance.may_look_up(&name) => return Err(ErrorCode::AccessDenied.into()),
            Err(_) => Lookup::of_name(&name, self.network.reach()),
        };
        Ok(self.table.push(lookup)?)
    }
}

impl HostResolveAddressStream for Sockets<'_> {
    fn resolve_next_address(&mut self, lookup: Resource<Lookup>) -> SocketResult<Option<IpAddress>> {
        let lookup = self.table.get_mut(&lookup)?;
        let address = lookup.next()?;
        if let (Some(name), Some(address)) = (&lookup.name, address) {
            self.network.allowance.remember(name, address);
        }
        Ok(address.map(IpAddress::from))
    }

    fn subscribe(&mut self, lookup: Resource<Lookup>) -> wasmtime::Result<Resource<DynPollable>> {
        subscribe(self.table, lookup)
    }

    fn drop(&mut self, lookup: Resource<Lookup>) -> wasmtime::Result<()> {
        self.table.delete(lookup)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::reach::LOOKUPS;
    use super::super::testing::{Instance, code, same, server, soon};
    use super::*;
    use std::net::SocketAddr;
    use tokio::sync::OwnedSemaphorePermit;

    /// Somebody whose look-ups are all under way, and what they hold.
    fn busy() -> (Reach, OwnedSemaphorePermit) {
        let reach = Instance::new(&[]).network.reach().clone();
        let all = u32::try_from(LOOKUPS).unwrap();
        let turns = Arc::clone(&reach.lookups).try_acquire_many_owned(all).unwrap();
        (reach, turns)
    }

    /// What a guest hears that looks up a name and waits.
    async fn look_up(instance: &mut Instance, name: &str) -> Result<Vec<IpAddr>, ErrorCode> {
        let handle = instance.handle();
        let lookup = code(instance.sockets().resolve_addresses(handle, name.to_owned()))?;
        soon(instance.sockets().table.get_mut(&lookup).unwrap().ready()).await;
        let mut found = Vec::new();
        while let Some(address) = code(instance.sockets().resolve_next_address(same(&lookup)))? {
            found.push(match address {
                IpAddress::Ipv4((a, b, c, d)) => [a, b, c, d].into(),
                IpAddress::Ipv6((a, b, c, d, e, f, g, h)) => [a, b, c, d, e, f, g, h].into(),
            });
        }
        Ok(found)
    }

    #[tokio::test]
    async fn a_listed_name_is_looked_up_and_then_connected_to() {
        let (_listener, address) = server("127.0.0.1:0").await;
        let mut instance = Instance::new(&[&format!("localhost:{}", address.port())]);
        assert!(matches!(instance.connect(address).await, Err(ErrorCode::AccessDenied)));
        let found = look_up(&mut instance, "LocalHost").await.unwrap();
        assert!(found.contains(&address.ip()), "{found:?}");
        assert!(instance.connect(address).await.is_ok());
        let other = SocketAddr::new(address.ip(), 1);
        assert!(matches!(instance.connect(other).await, Err(ErrorCode::AccessDenied)));
    }

    #[tokio::test]
    async fn a_name_that_is_not_listed_is_refused_and_told() {
        let mut instance = Instance::new(&["db.internal:6379"]);
        assert_eq!(look_up(&mut instance, "localhost").await, Err(ErrorCode::AccessDenied));
        let told = instance.refusals.sentences();
        assert!(told[0].contains("may not look up `localhost`; "), "{told:?}");
    }

    #[tokio::test]
    async fn a_name_that_cannot_be_is_not_found() {
        let mut instance = Instance::new(&["*.invalid:1"]);
        for name in ["a.invalid", "a\0b.invalid", &format!("{}.invalid", "a".repeat(200))] {
            assert_eq!(
                look_up(&mut instance, name).await,
                Err(ErrorCode::NameUnresolvable),
                "{name:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_name_that_is_longer_than_names_are_is_refused_and_not_told() {
        let mut instance = Instance::new(&["*.invalid:1"]);
        for length in [NAME + 1, 16 << 20] {
            let name = "a".repeat(length - ".invalid".len()) + ".invalid";
            assert_eq!(look_up(&mut instance, &name).await, Err(ErrorCode::InvalidArgument));
            assert_eq!(
                look_up(&mut instance, &"a".repeat(length)).await,
                Err(ErrorCode::InvalidArgument)
            );
        }
        assert!(instance.refusals.sentences().is_empty());
    }

    #[tokio::test]
    async fn an_address_is_its_own_answer_and_no_leave_to_connect() {
        let mut instance = Instance::new(&[]);
        for (text, address) in [("10.0.0.7", "10.0.0.7"), ("::1", "::1")] {
            assert_eq!(look_up(&mut instance, text).await, Ok(vec![address.parse().unwrap()]));
            let address = SocketAddr::new(address.parse().unwrap(), 80);
            assert!(matches!(instance.connect(address).await, Err(ErrorCode::AccessDenied)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_does_not_get_its_turn_in_time_is_given_up() {
        let (reach, _turns) = busy();
        let mut lookup = Lookup::of_name("localhost", &reach);
        assert_eq!(lookup.next(), Err(ErrorCode::WouldBlock));
        lookup.ready().await;
        assert_eq!(lookup.next(), Err(ErrorCode::TemporaryResolverFailure));
    }

    #[tokio::test]
    async fn one_waits_for_the_turn_of_another() {
        let (reach, turns) = busy();
        let mut lookup = Lookup::of_name("localhost", &reach);
        assert_eq!(lookup.next(), Err(ErrorCode::WouldBlock));
        drop(turns);
        soon(lookup.ready()).await;
        assert!(lookup.next().is_ok_and(|found| found.is_some()));
        assert_eq!(reach.lookups.available_permits(), LOOKUPS);
    }
}
