//! `allow-hosts`: what is taken reads back the same, and no server is allowed that was not written down.

#![no_main]

use arbitrary::Arbitrary;
use dapr_blocks::config::{AllowedHost, AllowedHosts};
use libfuzzer_sys::fuzz_target;
use std::net::IpAddr;

/// Entries of a list, and what a guest asks for.
#[derive(Arbitrary, Debug)]
struct Input<'a> {
    list: Vec<&'a str>,
    name: &'a str,
    address: IpAddr,
    port: u16,
}

fuzz_target!(|input: Input<'_>| {
    let Input {
        list,
        name,
        address,
        port,
    } = input;
    let mut hosts = Vec::new();
    for text in list {
        let Ok(host) = text.parse::<AllowedHost>() else {
            continue;
        };
        let shown = host.to_string();
        assert_eq!(
            shown.parse::<AllowedHost>().as_ref(),
            Ok(&host),
            "{text:?} reads as {shown:?}"
        );
        assert!(shown.bytes().all(|byte| byte.is_ascii_graphic()), "{shown:?}");
        hosts.push((host, shown));
    }
    let texts: Vec<&str> = hosts.iter().map(|(_, shown)| shown.as_str()).collect();
    let allowed: AllowedHosts = hosts.iter().map(|(host, _)| host.clone()).collect();

    if allowed.allow_name(name, port) {
        assert!(allowed.allow_lookup(name), "what may be connected to may be looked up");
        assert!(name.parse::<IpAddr>().is_err(), "an address is no name");
        assert!(
            texts.iter().any(|text| names(text, name, port)),
            "{name:?}:{port} is not in {texts:?}"
        );
    }
    if allowed.allow_address(address, port) {
        let written = |text: &&str| {
            let (host, allowed_port) = text.rsplit_once(':').unwrap_or_default();
            let host = host.trim_start_matches('[').trim_end_matches(']');
            host.parse() == Ok(address.to_canonical()) && allowed_port.parse() == Ok(port)
        };
        assert!(texts.iter().any(written), "{address}:{port} is not in {texts:?}");
    }
});

/// Whether an entry names a server, said in another way than the code under test does.
fn names(text: &str, name: &str, port: u16) -> bool {
    let (host, allowed_port) = text.rsplit_once(':').unwrap_or_default();
    let labels: Vec<_> = name.strip_suffix('.').unwrap_or(name).split('.').collect();
    let written: Vec<_> = host.split('.').collect();
    let same = |one: &[&str], other: &[&str]| {
        one.len() == other.len()
            && one
                .iter()
                .zip(other)
                .all(|(one, other)| one.eq_ignore_ascii_case(other))
    };
    let host_is_it = match written.split_first() {
        Some((&"*", parent)) => labels.len() > parent.len() && same(&labels[labels.len() - parent.len()..], parent),
        _ => same(&labels, &written),
    };
    host_is_it && allowed_port.parse() == Ok(port)
}
