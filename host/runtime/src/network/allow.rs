//! `allow-hosts`, in force: which names an instance may look up, and which addresses it may connect to.
//!
//! A name is checked when it is looked up, and an address when it is connected to: it must be listed itself, or have come
//! out of a look-up of a listed name by this very instance, and be one that [the name may lead to](super::special).

use super::reach::Reach;
use super::refusals::Refusal;
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Addresses that are remembered of look-ups: far more than a provider has servers.
const REMEMBERED: usize = 256;

/// What one instance may reach.
pub(super) struct Allowance {
    reach: Reach,
    /// Addresses that came of look-ups, with the name, the latest last.
    found: VecDeque<(IpAddr, Arc<str>)>,
}

impl Allowance {
    pub(super) fn new(reach: &Reach) -> Self {
        Self {
            reach: reach.clone(),
            found: VecDeque::new(),
        }
    }

    /// Whether it may ask for the addresses of a name. That it may not is told.
    pub(super) fn may_look_up(&self, name: &str) -> bool {
        let allowed = self.reach.allowed().allow_lookup(name);
        if !allowed {
            self.reach.refusals().note(Refusal::look_up(name));
        }
        allowed
    }

    /// Remembers what came of a look-up.
    pub(super) fn remember(&mut self, name: &Arc<str>, address: IpAddr) {
        let found = (address.to_canonical(), Arc::clone(name));
        if self.found.contains(&found) {
            return;
        }
        if self.found.len() >= REMEMBERED {
            self.found.pop_front();
        }
        self.found.push_back(found);
    }

    /// Whether it may connect to an address. That it may not is told.
    pub(super) fn may_connect(&self, address: SocketAddr) -> bool {
        let (ip, port) = (address.ip().to_canonical(), address.port());
        if self.reach.allowed().allow_address(ip, port) {
            return true;
        }
        let mut refusal = None;
        for name in self.names_of(ip) {
            match self.reach.leads(name, address) {
                Ok(()) => return true,
                // The latest name is the likeliest to be meant.
                Err(why) => _ = refusal.get_or_insert(why),
            }
        }
        let refusal = refusal.unwrap_or_else(|| Refusal::connect(ip, port));
        self.reach.refusals().note(refusal);
        false
    }

    /// The names that it looked up and that have an address, the latest first.
    fn names_of(&self, ip: IpAddr) -> impl Iterator<Item = &Arc<str>> {
        let has = move |(found, _): &&(IpAddr, Arc<str>)| *found == ip;
        self.found.iter().rev().filter(has).map(|(_, name)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::refusals::AllowedIn;
    use super::*;
    use crate::limits::SocketBudget;
    use dapr_blocks::config::{AllowedHost, AllowedHosts};
    use std::net::Ipv4Addr;

    fn allowance(hosts: &[&str]) -> Allowance {
        let hosts: AllowedHosts = hosts.iter().map(|host| host.parse::<AllowedHost>().unwrap()).collect();
        let allowed_in = AllowedIn::Table(crate::needs::Block::State);
        Allowance::new(&Reach::new(
            &"store".into(),
            Arc::new(hosts),
            allowed_in,
            &SocketBudget::new(0),
        ))
    }

    fn found(allowance: &mut Allowance, name: &str, address: &str) {
        allowance.remember(&name.into(), address.parse().unwrap());
    }

    fn may_connect(allowance: &Allowance, address: &str) -> bool {
        allowance.may_connect(address.parse().unwrap())
    }

    #[test]
    fn an_address_of_a_name_is_reached_only_after_looking_it_up_and_on_its_port() {
        let mut allowance = allowance(&["db.internal:6379"]);
        assert!(!may_connect(&allowance, "10.0.0.7:6379"));
        found(&mut allowance, "db.internal", "10.0.0.7");
        assert!(may_connect(&allowance, "10.0.0.7:6379"));
        assert!(may_connect(&allowance, "[::ffff:10.0.0.7]:6379"));
        assert!(!may_connect(&allowance, "10.0.0.7:22"));
        assert!(!may_connect(&allowance, "10.0.0.8:6379"));
    }

    #[test]
    fn each_name_of_an_address_has_its_own_ports() {
        let mut allowance = allowance(&["one.internal:1", "two.internal:2"]);
        found(&mut allowance, "one.internal", "10.0.0.7");
        found(&mut allowance, "two.internal", "10.0.0.7");
        assert!(may_connect(&allowance, "10.0.0.7:1") && may_connect(&allowance, "10.0.0.7:2"));
        assert!(!may_connect(&allowance, "10.0.0.7:3"));
    }

    #[test]
    fn what_one_instance_looked_up_is_nothing_to_another() {
        let (mut one, other) = (allowance(&["db:1"]), allowance(&["db:1"]));
        found(&mut one, "db", "10.0.0.7");
        assert!(!may_connect(&other, "10.0.0.7:1"));
    }

    #[test]
    fn a_name_that_leads_where_none_may_is_no_way_there() {
        let mut allowance = allowance(&["evil.example:80", "localhost:80", "169.254.169.254:8080"]);
        for address in ["127.0.0.1", "::1", "169.254.169.254", "fe80::1"] {
            found(&mut allowance, "evil.example", address);
            let address = SocketAddr::new(address.parse().unwrap(), 80);
            assert!(!allowance.may_connect(address), "{address}");
        }
        found(&mut allowance, "evil.example", "93.184.216.34");
        assert!(may_connect(&allowance, "93.184.216.34:80"));
        found(&mut allowance, "localhost", "127.0.0.1");
        assert!(may_connect(&allowance, "127.0.0.1:80"));
        assert!(may_connect(&allowance, "169.254.169.254:8080"), "listed itself");
    }

    #[test]
    fn a_name_of_the_internet_that_leads_to_a_private_address_is_no_way_there_and_that_is_told() {
        let mut allowance = allowance(&["api.example.com:443"]);
        found(&mut allowance, "api.example.com", "10.0.0.7");
        assert!(!may_connect(&allowance, "10.0.0.7:443"));
        let told = allowance.reach.refusals().sentences();
        assert!(
            told[0].contains("to api.example.com:443 at the private address 10.0.0.7; "),
            "{told:?}"
        );
        assert!(
            told[0].ends_with("with allow-private = true in [state.store]"),
            "{told:?}"
        );
    }

    #[test]
    fn names_that_are_not_listed_are_not_looked_up() {
        let allowance = allowance(&["db.internal:6379", "10.0.0.7:1"]);
        assert!(allowance.may_look_up("DB.internal"));
        for name in ["secret.attacker.example", "10.0.0.7", "127.0.0.1", ""] {
            assert!(!allowance.may_look_up(name), "{name}");
        }
    }

    #[test]
    fn a_refusal_is_of_the_name_that_was_looked_up() {
        let mut allowance = allowance(&["db.internal:6379", "evil.example:80"]);
        found(&mut allowance, "db.internal", "10.0.0.7");
        found(&mut allowance, "evil.example", "169.254.169.254");
        for address in ["10.0.0.7:22", "169.254.169.254:80"] {
            assert!(!may_connect(&allowance, address));
        }
        let told = allowance.reach.refusals().sentences();
        assert!(told[0].contains("to db.internal:22; "), "{told:?}");
        // The name is listed already, and no list makes it lead there.
        assert!(told[1].contains("to 169.254.169.254:80; "), "{told:?}");
    }

    #[test]
    fn only_so_many_addresses_are_remembered() {
        let mut allowance = allowance(&["*.example:1"]);
        for number in 0..1000_u32 {
            found(
                &mut allowance,
                "a.example",
                &Ipv4Addr::from(0x0b00_0000 + number).to_string(),
            );
        }
        assert_eq!(allowance.found.len(), REMEMBERED);
        assert!(may_connect(&allowance, "11.0.3.231:1"), "the latest");
    }
}
