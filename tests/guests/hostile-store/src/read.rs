//! Items that no store should answer.

use crate::bindings::exports::dapr::state::provider::{Caller, Entry, Error};
use crate::call::{self, LONG};
use crate::{items, network, reach};

const MIB: usize = 1 << 20;

/// The item of a key, or what its command says.
pub fn entry(caller: &Caller, key: &str) -> Result<Option<Entry>, Error> {
    call::begin(key)?;
    let command = call::command(key);
    Ok(value(caller, command)
        .map(|value| of(value, "1"))
        .or_else(|| etag(key, command))
        .or_else(|| description(command))
        .or_else(|| items::get(key)))
}

fn value(caller: &Caller, command: &str) -> Option<Vec<u8>> {
    Some(match command {
        "huge" => vec![b'x'; 64 * MIB],
        "large-value" => vec![b'x'; 5 * MIB],
        "caller" => caller.app.clone().into_bytes(),
        "instance" => items::instance().to_string().into_bytes(),
        "files" => reach::files().into_bytes(),
        "environment" => reach::environment().into_bytes(),
        "listen" => network::listen().into_bytes(),
        "certificates" => network::certificates().into_bytes(),
        _ => match command.split_once('-')? {
            ("dial", address) => network::dial(address).into_bytes(),
            ("send", address) => network::send(address).into_bytes(),
            ("hoard", address) => network::hoard(address).into_bytes(),
            _ => return None,
        },
    })
}

fn etag(key: &str, command: &str) -> Option<Entry> {
    let etag = match command {
        "etag-none" => None,
        "etag-empty" => Some(String::new()),
        "etag-long" => Some("e".repeat(LONG)),
        "etag-same" => Some("same".to_owned()),
        "invalid-utf8" => Some(call::no_text()),
        _ => return None,
    };
    let stored = items::get(key).unwrap_or_else(|| of(Vec::new(), ""));
    Some(Entry { etag, ..stored })
}

fn description(command: &str) -> Option<Entry> {
    let mut entry = of(b"described".to_vec(), "1");
    let pair = |name: &str| (name.to_owned(), "value".to_owned());
    match command {
        "content-type-bad" => entry.content_type = Some("text/plain\nset-cookie: a=b".to_owned()),
        "content-type-long" => entry.content_type = Some("x".repeat(LONG)),
        "invalid-utf8-type" => entry.content_type = Some(call::no_text()),
        "metadata-bad" => entry.metadata = vec![pair("ttlExpireTime")],
        "metadata-twice" => entry.metadata = vec![pair("name"), pair("NAME")],
        "metadata-many" => entry.metadata = (0..1000).map(|number| pair(&format!("name-{number}"))).collect(),
        "metadata-flood" => entry.metadata = vec![(String::new(), String::new()); 1_500_000],
        "expires-past" => entry.expires_at = Some(1),
        "expires-far" => entry.expires_at = Some(u64::MAX),
        _ => return None,
    }
    Some(entry)
}

fn of(value: Vec<u8>, etag: &str) -> Entry {
    Entry {
        value,
        etag: Some(etag.to_owned()),
        content_type: None,
        expires_at: None,
        metadata: Vec::new(),
    }
}
