//! `allow-hosts`: what is taken reads back the same, and no server is allowed that was not written down.

#![no_main]

use arbitrary::Arbitrary;
use dapr_blocks::config::{AllowedHost, AllowedHosts};
use libfuzzer_sys::fuzz_target;
use std::net::IpAddr;

/// Entries of a list, and what a guest asks for: something, or nearly what an entry says.
#[derive(Arbitrary, Debug)]
struct Input<'a> {
    list: Vec<&'a str>,
    name: &'a str,
    address: IpAddr,
    port: u16,
    /// A piece of a name, and bits of an address or port.
    piece: &'a str,
    bits: u8,
}

fuzz_target!(|input: Input<'_>| {
    let Input {
        list,
        name,
        address,
        port,
        piece,
        bits,
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

    ask_name(&allowed, &texts, name, port);
    ask_address(&allowed, &texts, address, port);
    for text in &texts {
        let (host, port) = text.rsplit_once(':').expect("an entry has a port");
        let port: u16 = port.parse().expect("it is a number");
        let other_port = port ^ u16::from(bits);
        if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            assert!(allowed.allow_address(address, port), "{text} is written");
            ask_address(&allowed, &texts, flipped(address, bits), port);
            ask_address(&allowed, &texts, address, other_port);
            continue;
        }
        let written = host.replacen('*', "a", 1);
        assert!(allowed.allow_name(&written, port), "{text} is written");
        for near in [
            written.clone(),
            format!("{piece}{written}"),
            format!("{piece}.{written}"),
            format!("{written}{piece}"),
            written.to_ascii_uppercase(),
            written.split_once('.').map_or("", |(_, parent)| parent).to_owned(),
        ] {
            ask_name(&allowed, &texts, &near, port);
            ask_name(&allowed, &texts, &near, other_port);
        }
    }
});

/// What is allowed was written.
fn ask_name(allowed: &AllowedHosts, texts: &[&str], name: &str, port: u16) {
    if allowed.allow_name(name, port) {
        assert!(allowed.allow_lookup(name), "what may be connected to may be looked up");
        assert!(name.parse::<IpAddr>().is_err(), "an address is no name");
        assert!(
            texts.iter().any(|text| names(text, name, port)),
            "{name:?}:{port} is not in {texts:?}"
        );
    }
}

/// What is allowed was written.
fn ask_address(allowed: &AllowedHosts, texts: &[&str], address: IpAddr, port: u16) {
    if allowed.allow_address(address, port) {
        let written = |text: &&str| {
            let (host, allowed_port) = text.rsplit_once(':').unwrap_or_default();
            let host = host.trim_start_matches('[').trim_end_matches(']');
            host.parse() == Ok(address.to_canonical()) && allowed_port.parse() == Ok(port)
        };
        assert!(texts.iter().any(written), "{address}:{port} is not in {texts:?}");
    }
}

/// An address of which the last bits are others.
fn flipped(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => IpAddr::from((u32::from(address) ^ u32::from(bits)).to_be_bytes()),
        IpAddr::V6(address) => IpAddr::from((u128::from(address) ^ u128::from(bits)).to_be_bytes()),
    }
}

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
