//! A state store as a plugin of the ABI of github.com/knqyf263/go-plugin: a core module of preview 1 that exchanges
//! protobuf through its memory. The two plugins are of the ABI's two dialects, and say so in `crate::DIALECT`.
//!
//! | key, behind the last `\|\|` | get answers |
//! |---|---|
//! | `fail` | an error |
//! | `trap` | nothing: it traps |
//! | `loop` | nothing: it computes for ever |
//! | `level` | the property `level` |
//!
//! An item that ends has `ttlExpireTime` in its metadata.
//!
//! `malloc` and `free` are those of the C library, exported as they are.

use crate::DIALECT;
use crate::protobuf::{bytes, fields, map, put, put_map, text};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// What the generations of the ABI differ in. There are some in between, which say errors and keep answers.
#[derive(Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "each plugin is of one")]
pub enum Dialect {
    /// Of go-plugin 0.5 and before, with TinyGo: an error is answered as an empty message is, so that nobody hears of it. An
    /// answer is the plugin's own. No features.
    Older,
    /// Of go-plugin 0.9, with Go 1.24 and later: bit 31 of an answer says that it is the text of an error. An answer is the
    /// host's, to be freed. Has etags and TTL.
    Newer,
}

/// In the low half of an answer.
const ERROR: u64 = 1 << 31;

thread_local! {
    /// None until the plugin was started.
    static STORE: RefCell<Option<Store>> = const { RefCell::new(None) };
    /// The answer that the host is reading, until the next call; of [`Dialect::Older`] alone.
    static ANSWER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// To be called once, by what starts the plugin: all calls before it trap.
pub fn start() {
    STORE.replace(Some(Store::default()));
}

// ---- what the host calls ----

#[unsafe(no_mangle)]
extern "C" fn store_api_version() -> u64 {
    1
}

#[unsafe(no_mangle)]
extern "C" fn store_init(at: *const u8, size: usize) -> u64 {
    answer(at, size, Store::init)
}

#[unsafe(no_mangle)]
extern "C" fn store_features(at: *const u8, size: usize) -> u64 {
    answer(at, size, |_, _| {
        let mut response = Vec::new();
        if DIALECT == Dialect::Newer {
            put(&mut response, 1, b"ETAG");
            put(&mut response, 1, b"TTL");
        }
        Ok(response)
    })
}

#[unsafe(no_mangle)]
extern "C" fn store_get(at: *const u8, size: usize) -> u64 {
    answer(at, size, Store::get)
}

#[unsafe(no_mangle)]
extern "C" fn store_set(at: *const u8, size: usize) -> u64 {
    answer(at, size, Store::set)
}

#[unsafe(no_mangle)]
extern "C" fn store_delete(at: *const u8, size: usize) -> u64 {
    answer(at, size, Store::delete)
}

fn answer(at: *const u8, size: usize, act: impl FnOnce(&mut Store, &[u8]) -> Result<Vec<u8>, String>) -> u64 {
    let request = match size {
        // The pointer is null then.
        0 => &[],
        // SAFETY: the host has written so many bytes there, into memory that it got from `malloc`, and frees them later.
        _ => unsafe { std::slice::from_raw_parts(at, size) },
    };
    let result = STORE.with_borrow_mut(|store| match store {
        Some(store) => act(store, request),
        None => core::arch::wasm32::unreachable(),
    });
    match (result, DIALECT) {
        (Ok(response), _) => packed(response),
        (Err(text), Dialect::Newer) => packed(text.into_bytes()) | ERROR,
        (Err(_), Dialect::Older) => 0,
    }
}

/// Where an answer is in the high half, how long it is in the low half.
fn packed(response: Vec<u8>) -> u64 {
    let length = response.len() as u64;
    if length == 0 {
        return 0;
    }
    let at = match DIALECT {
        // On this target, Rust's memory is the C library's, which exports `free`.
        Dialect::Newer => Box::leak(response.into_boxed_slice()).as_ptr(),
        Dialect::Older => ANSWER.with_borrow_mut(|answer| {
            // Whoever still reads the answer before shall see that it is gone.
            answer.fill(0xee);
            *answer = response;
            answer.as_ptr()
        }),
    };
    (at as u64) << 32 | length
}

// ---- the store ----

#[derive(Default)]
struct Store {
    items: BTreeMap<String, Item>,
    properties: Vec<(String, String)>,
    writes: u64,
}

struct Item {
    data: Vec<u8>,
    etag: String,
    metadata: Vec<(String, String)>,
    content_type: String,
    ends: Option<SystemTime>,
}

impl Store {
    fn init(&mut self, request: &[u8]) -> Result<Vec<u8>, String> {
        let request = fields(request).ok_or(MALFORMED)?;
        let metadata = fields(bytes(&request, 1)).ok_or(MALFORMED)?;
        let name = text(&metadata, 1).ok_or(MALFORMED)?;
        self.properties = map(&metadata, 2).ok_or(MALFORMED)?;
        if let Some((unknown, _)) = self.properties.iter().find(|(name, _)| name != "level") {
            return Err(format!("unknown property `{unknown}`: this store has `level` alone"));
        }
        // By way of preview 1.
        println!("the store `{name}` is open");
        Ok(Vec::new())
    }

    fn get(&mut self, request: &[u8]) -> Result<Vec<u8>, String> {
        let request = fields(request).ok_or(MALFORMED)?;
        let key = text(&request, 1).ok_or(MALFORMED)?;
        let mut response = Vec::new();
        match key.rsplit("||").next() {
            Some("fail") => return Err("the disk is on fire".to_owned()),
            Some("trap") => core::arch::wasm32::unreachable(),
            Some("loop") => loop {
                std::hint::spin_loop();
            },
            Some("level") => {
                let level = self.properties.iter().find(|(name, _)| name == "level");
                put(&mut response, 1, level.map_or(&[], |(_, level)| level.as_bytes()));
                if DIALECT == Dialect::Newer {
                    // Each item has one, as the plugin lists etags.
                    put(&mut response, 2, b"level");
                }
            }
            _ => self.live(&key).into_iter().for_each(|item| item.write(&mut response)),
        }
        Ok(response)
    }

    fn set(&mut self, request: &[u8]) -> Result<Vec<u8>, String> {
        let request = fields(request).ok_or(MALFORMED)?;
        let key = text(&request, 1).ok_or(MALFORMED)?;
        let options = fields(bytes(&request, 5)).ok_or(MALFORMED)?;
        let concurrency = text(&options, 1).ok_or(MALFORMED)?;
        let etag = text(&request, 3).ok_or(MALFORMED)?;
        self.check(&key, &etag)?;
        if etag.is_empty() && concurrency == "first-write" && self.live(&key).is_some() {
            return Err(MISMATCH.to_owned());
        }
        self.writes += 1;
        let metadata = map(&request, 4).ok_or(MALFORMED)?;
        let ttl = metadata.iter().find(|(name, _)| name == "ttlInSeconds");
        let ttl = ttl.map(|(_, seconds)| seconds.parse().map_err(|_| "`ttlInSeconds` is no number"));
        let ttl = ttl.transpose()?.map(Duration::from_secs);
        let item = Item {
            data: bytes(&request, 2).to_vec(),
            etag: self.writes.to_string(),
            metadata,
            content_type: text(&request, 6).ok_or(MALFORMED)?,
            ends: ttl.map(|ttl| SystemTime::now() + ttl),
        };
        self.items.insert(key, item);
        Ok(Vec::new())
    }

    fn delete(&mut self, request: &[u8]) -> Result<Vec<u8>, String> {
        let request = fields(request).ok_or(MALFORMED)?;
        let key = text(&request, 1).ok_or(MALFORMED)?;
        self.check(&key, &text(&request, 2).ok_or(MALFORMED)?)?;
        self.items.remove(&key);
        Ok(Vec::new())
    }

    fn live(&self, key: &str) -> Option<&Item> {
        let item = self.items.get(key)?;
        item.ends.is_none_or(|ends| ends > SystemTime::now()).then_some(item)
    }

    /// An empty etag is none.
    fn check(&self, key: &str, etag: &str) -> Result<(), String> {
        let is_current = self.live(key).is_some_and(|item| item.etag == etag);
        if etag.is_empty() || is_current {
            Ok(())
        } else {
            Err(MISMATCH.to_owned())
        }
    }
}

impl Item {
    fn write(&self, response: &mut Vec<u8>) {
        put(response, 1, &self.data);
        if DIALECT == Dialect::Newer {
            put(response, 2, self.etag.as_bytes());
        }
        put_map(response, 3, &self.metadata);
        if let Some(ends) = self.ends {
            // In whole seconds, and it is still there in the last of them.
            let ends = ends + Duration::from_secs(1) - Duration::from_nanos(1);
            let text = humantime::format_rfc3339_seconds(ends).to_string();
            put_map(response, 3, &[("ttlExpireTime".to_owned(), text)]);
        }
        put(response, 4, self.content_type.as_bytes());
    }
}

const MALFORMED: &str = "the request is malformed";

/// As Dapr's own stores say it.
const MISMATCH: &str = "possible etag mismatch. error from state store";
