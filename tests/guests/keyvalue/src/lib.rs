//! An app on the interfaces that hosts share: `wasi:keyvalue@0.2.0-draft2`, `wasi:config` and `wasi:logging`. It knows
//! nothing of this host.
//!
//! | request | does |
//! |---|---|
//! | `GET /get/BUCKET/KEY` | the value, or 404 |
//! | `GET /exists/BUCKET/KEY` | `true` or `false` |
//! | `GET /set/BUCKET/KEY/VALUE`, `/delete/BUCKET/KEY` | that |
//! | `GET /add/BUCKET/KEY/NUMBER` | the sum |
//! | `GET /swap/BUCKET/KEY/VALUE/MEANWHILE` | swaps after another has set the key to `MEANWHILE`, or to nothing; tries once more |
//! | `GET /batch/BUCKET` | sets, reads and removes three keys |
//! | `GET /fill/BUCKET/NUMBER` | sets so many keys |
//! | `GET /keys/BUCKET` | how many keys there are, on how many pages |
//! | `GET /config/KEY`, `/configs` | a value, or all |
//! | `GET /log/TEXT` | a record of each level |

#[path = "../../shared/p2.rs"]
mod p2;

mod bindings {
    wit_bindgen::generate!({
        path: [
            "../../../wit",
            "../../../host/runtime/wit/wasi-keyvalue-0.2.0-draft2",
            "../../../host/runtime/wit/wasi-config-0.2.0-rc.1",
        ],
        inline: "
            package tests:keyvalue;
            world app {
                import wasi:keyvalue/store@0.2.0-draft2;
                import wasi:keyvalue/atomics@0.2.0-draft2;
                import wasi:keyvalue/batch@0.2.0-draft2;
                import wasi:config/store@0.2.0-rc.1;
                import wasi:logging/logging@0.1.0-draft;
                export wasi:http/incoming-handler@0.2.10;
            }
        ",
        world: "tests:keyvalue/app",
        generate_all,
    });
}

use bindings::exports::wasi::http0_2_10::incoming_handler::Guest;
use bindings::wasi::config::store as config;
use bindings::wasi::http0_2_10::types::{self, IncomingRequest, ResponseOutparam};
use bindings::wasi::keyvalue::store::{Bucket, Error, open};
use bindings::wasi::keyvalue::{atomics, batch};
use bindings::wasi::logging::logging::{Level, log};

struct App;

bindings::export!(App with_types_in bindings);

impl Guest for App {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let words: Vec<_> = target.split('/').skip(1).collect();
        let (status, text) = match answer(&words) {
            Ok(Some(text)) => (200, text),
            Ok(None) => (404, String::new()),
            Err(text) => (500, text),
        };
        p2::respond(out, status, &text);
    }
}

fn answer(words: &[&str]) -> Result<Option<String>, String> {
    match *words {
        ["get", bucket, key] => text(opened(bucket)?.get(key).map_err(said)?),
        ["exists", bucket, key] => Ok(Some(opened(bucket)?.exists(key).map_err(said)?.to_string())),
        ["set", bucket, key, value] => done(opened(bucket)?.set(key, value.as_bytes())),
        ["delete", bucket, key] => done(opened(bucket)?.delete(key)),
        ["add", bucket, key, number] => {
            let number = number.parse().map_err(|_| "no number".to_owned())?;
            let sum = atomics::increment(&opened(bucket)?, key, number);
            Ok(Some(sum.map_err(said)?.to_string()))
        }
        ["swap", bucket, key, value, meanwhile] => swap(&opened(bucket)?, key, value, meanwhile),
        ["batch", bucket] => several(&opened(bucket)?),
        ["fill", bucket, number] => {
            let bucket = opened(bucket)?;
            let mut keys = 0..number.parse::<u32>().unwrap_or(0);
            done(keys.try_for_each(|key| bucket.set(&format!("key-{key}"), b"v")))
        }
        ["keys", bucket] => keys(&opened(bucket)?),
        ["config", key] => config::get(key).map_err(|error| format!("{error:?}")),
        ["configs"] => {
            let all = config::get_all().map_err(|error| format!("{error:?}"))?;
            let all: Vec<_> = all.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
            Ok(Some(all.join(" ")))
        }
        ["log", text] => {
            log(Level::Trace, "", text);
            log(Level::Error, "orders", text);
            Ok(Some(String::new()))
        }
        _ => Ok(None),
    }
}

fn opened(name: &str) -> Result<Bucket, String> {
    open(name).map_err(said)
}

fn said(error: Error) -> String {
    match error {
        Error::NoSuchStore => "no-such-store".to_owned(),
        Error::AccessDenied => "access-denied".to_owned(),
        Error::Other(text) => text,
    }
}

fn text(value: Option<Vec<u8>>) -> Result<Option<String>, String> {
    Ok(value.map(|value| String::from_utf8_lossy(&value).into_owned()))
}

fn done(done: Result<(), Error>) -> Result<Option<String>, String> {
    done.map_err(said)?;
    Ok(Some(String::new()))
}

fn swap(bucket: &Bucket, key: &str, value: &str, meanwhile: &str) -> Result<Option<String>, String> {
    let cas = atomics::Cas::new(bucket, key).map_err(said)?;
    let before = text(cas.current().map_err(said)?)?;
    if !meanwhile.is_empty() {
        bucket.set(key, meanwhile.as_bytes()).map_err(said)?;
    }
    let now = match atomics::swap(cas, value.as_bytes()) {
        Ok(()) => return Ok(Some(format!("{before:?} swapped"))),
        Err(atomics::CasError::StoreError(error)) => return Err(said(error)),
        Err(atomics::CasError::CasFailed(now)) => now,
    };
    let between = text(now.current().map_err(said)?)?;
    match atomics::swap(now, value.as_bytes()) {
        Ok(()) => Ok(Some(format!("{before:?}, then {between:?} swapped"))),
        Err(_) => Err("twice".to_owned()),
    }
}

fn several(bucket: &Bucket) -> Result<Option<String>, String> {
    let items = ["a", "b", "c"].map(|key| (key.to_owned(), key.to_uppercase().into_bytes()));
    batch::set_many(bucket, &items).map_err(said)?;
    let keys = ["c", "nothing", "a"].map(str::to_owned);
    let found = batch::get_many(bucket, &keys).map_err(said)?;
    batch::delete_many(bucket, &["a", "b", "c"].map(str::to_owned)).map_err(said)?;
    let left = bucket.exists("b").map_err(said)?;
    let found: Vec<_> = found
        .into_iter()
        .map(|item| {
            item.map_or_else(
                || "-".to_owned(),
                |(key, value)| format!("{key}={}", String::from_utf8_lossy(&value)),
            )
        })
        .collect();
    Ok(Some(format!("{} {left}", found.join(" "))))
}

fn keys(bucket: &Bucket) -> Result<Option<String>, String> {
    let (mut keys, mut pages, mut cursor) = (0, 0, None);
    loop {
        let page = bucket.list_keys(cursor.as_deref()).map_err(said)?;
        keys += page.keys.len();
        pages += 1;
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(Some(format!("{keys} on {pages}")));
        }
    }
}
