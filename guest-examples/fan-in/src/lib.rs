//! Several reads under way at once: `GET /?keys=a,b,c` starts the next ones before the first has answered.
//!
//! This is what WASI 0.3 adds: the functions of `dapr:state/store-async` are `async`, so that an app can wait for several at
//! the same time. Where all keys lie in one store, its `bulk-get` does as much in a single call; the way shown here also
//! works for several stores, and for calls that have nothing in common.

mod http;
mod percent;
mod query;
mod state_error;

/// The whole contract of an app like this one is a world of the host's WIT: async state in, `wasi:http/handler` out.
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "dapr:host/http-app-async", generate_all });
}

use bindings::dapr::state::{store_async as store, types::Error};
use bindings::exports::wasi::http0_3_0::handler::Guest;
use bindings::wasi::http0_3_0::types::{ErrorCode, Method, Request, Response};
use futures_util::stream::{StreamExt, TryStreamExt, iter};
use http::Reply;
use query::Query;
use serde_json::{Map, Value};

const STORE: &str = "statestore";

/// Keys that one request may name. An instance serves several requests at once, in one memory: whatever a request can make
/// it hold has to have a bound, or one of them ends all.
const KEYS: usize = 100;

/// Reads that a request has under way at once. A value may have 4 MiB.
const AT_ONCE: usize = 8;

/// Bytes of values that a request may ask for.
const BYTES: usize = 8 << 20;

struct FanIn;

bindings::export!(FanIn with_types_in bindings);

impl Guest for FanIn {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        Ok(http::response(answer(request).await.unwrap_or_else(Reply::Error)))
    }
}

async fn answer(request: Request) -> Result<Reply, Error> {
    let target = request.get_path_with_query().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut query = Query::parse(query).map_err(Error::Invalid)?;
    match (request.get_method(), path.strip_prefix('/').unwrap_or(path)) {
        (Method::Get, "") => {
            let keys = keys(query.take("keys"))?;
            query.finish().map_err(Error::Invalid)?;
            let found = read_all(keys).await?;
            Ok(Reply::Json(Value::from(found).to_string()))
        }
        (Method::Put, key) => {
            query.finish().map_err(Error::Invalid)?;
            let key = percent::decoded(key).map_err(Error::Invalid)?;
            let value = http::body(request).await?;
            store::set(STORE.to_owned(), key, value, None).await?;
            Ok(Reply::Empty)
        }
        (_, "") => Ok(Reply::Method("GET")),
        (_, _) => Ok(Reply::Method("PUT")),
    }
}

fn keys(list: Option<&str>) -> Result<Vec<String>, Error> {
    let list = list.ok_or_else(|| Error::Invalid("name the keys: `/?keys=a,b,c`".to_owned()))?;
    // Split before decoding: a key may have a comma in it, written `%2C`.
    let keys: Vec<_> = list.split(',').collect();
    if keys.len() > KEYS {
        return Err(Error::Invalid(format!(
            "{} keys are named, of at most {KEYS}",
            keys.len()
        )));
    }
    let keys = keys.into_iter().map(query::decoded).collect::<Result<_, _>>();
    keys.map_err(Error::Invalid)
}

/// The values that there are, by key. The first error ends all reads.
async fn read_all(keys: Vec<String>) -> Result<Map<String, Value>, Error> {
    let reads = keys.into_iter().map(|key| async {
        let entry = store::get(STORE.to_owned(), key.clone(), None).await?;
        Ok((key, entry))
    });
    let mut reads = iter(reads).buffer_unordered(AT_ONCE);
    let (mut found, mut bytes) = (Map::new(), 0);
    while let Some((key, entry)) = reads.try_next().await? {
        let Some(entry) = entry else { continue };
        bytes += entry.value.len();
        if bytes > BYTES {
            return Err(Error::TooLarge(format!(
                "the values have more than {} MiB",
                BYTES >> 20
            )));
        }
        // JSON has no bytes: what is not UTF-8 in a value is answered as U+FFFD.
        found.insert(key, Value::from(String::from_utf8_lossy(&entry.value)));
    }
    Ok(found)
}
