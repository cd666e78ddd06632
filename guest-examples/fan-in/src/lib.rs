//! Several reads under way at once: `GET /?keys=a,b,c` waits as long as the slowest of them and not as long as their sum.
//!
//! This is what WASI 0.3 adds: the functions of `dapr:state/store-async` are `async`, so that an app can start one before
//! another has answered. Where all keys lie in one store, its `bulk-get` does as much in a single call; the way shown
//! here also works for several stores, and for calls that have nothing in common.

mod http;

/// The whole contract of an app like this one is a world of the host's WIT: async state in, `wasi:http/handler` out.
mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "dapr:host/http-app-async", generate_all });
}

use bindings::dapr::state::{store_async as store, types::Error};
use bindings::exports::wasi::http0_3_0::handler::Guest;
use bindings::wasi::http0_3_0::types::{ErrorCode, Method, Request, Response};
use futures_util::future::try_join_all;
use http::Reply;
use serde_json::{Map, Value};

const STORE: &str = "statestore";

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
    match (request.get_method(), path.strip_prefix('/').unwrap_or(path)) {
        (Method::Get, "") => {
            let keys = query.split('&').find_map(|parameter| parameter.strip_prefix("keys="));
            let Some(keys) = keys else {
                return Err(Error::Invalid("name the keys: `/?keys=a,b,c`".to_owned()));
            };
            // Split before decoding: a key may have a comma in it, written `%2C`.
            let keys = keys.split(',').map(http::decoded).collect::<Result<Vec<_>, _>>()?;
            let found = read_all(keys).await?;
            Ok(Reply::Json(Value::from(found).to_string()))
        }
        (Method::Put, key) => {
            let key = http::decoded(key)?;
            let value = http::body(request).await?;
            store::set(STORE.to_owned(), key, value, None).await?;
            Ok(Reply::Empty)
        }
        (_, "") => Ok(Reply::Method("GET")),
        (_, _) => Ok(Reply::Method("PUT")),
    }
}

/// The values that there are, by key. All reads start at once; the first error ends them all.
async fn read_all(keys: Vec<String>) -> Result<Map<String, Value>, Error> {
    let reads = keys.into_iter().map(|key| async {
        let entry = store::get(STORE.to_owned(), key.clone(), None).await?;
        // JSON has no bytes: what is not UTF-8 in a value is answered as U+FFFD.
        Ok(entry.map(|entry| (key, Value::from(String::from_utf8_lossy(&entry.value)))))
    });
    Ok(try_join_all(reads).await?.into_iter().flatten().collect())
}
