//! The probe as a WASI 0.3 app with the async state functions: `ask.rs` says what it answers.

#[path = "../../shared/ask.rs"]
mod ask;
#[path = "../../shared/p3.rs"]
mod p3;

mod bindings {
    wit_bindgen::generate!({ path: "../../../wit", world: "dapr:host/http-app-async", generate_all });
}

use ask::{Ask, SLOW, STORE, TRIES, millis_since, number};
use bindings::dapr::state::{
    store_async as store,
    types::{Condition, Error, SetOptions},
};
use bindings::exports::wasi::http0_3_0::handler::Guest;
use bindings::wasi::http0_3_0::types::{ErrorCode, Method, Request, Response};
use futures_util::future::{join_all, try_join_all};
use std::time::Instant;

struct Probe;

bindings::export!(Probe with_types_in bindings);

impl Guest for Probe {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let is_post = matches!(request.get_method(), Method::Post);
        let ask = Ask::new(is_post, &request.get_path_with_query().unwrap_or_default());
        let answer = match ask {
            Ask::Served(requests) => Ok(requests),
            Ask::Overlap(reads) => at_once(reads).await,
            Ask::Patience(reads) => patiently(reads).await,
            Ask::Read(name) => read(&name).await.map(|(number, _)| number),
            Ask::Add(name) => add(&name).await,
        };
        let (status, text) = answer.map_or_else(|error| (500, error), |number| (200, number.to_string()));
        Ok(p3::response(status, text))
    }
}

async fn at_once(reads: usize) -> Result<u64, String> {
    let start = Instant::now();
    let reads = (0..reads).map(|_| store::get(STORE.to_owned(), SLOW.to_owned(), None));
    try_join_all(reads).await.map_err(|error| error.to_string())?;
    millis_since(start)
}

async fn patiently(reads: usize) -> Result<u64, String> {
    let start = Instant::now();
    join_all((0..reads).map(|_| store::get(STORE.to_owned(), SLOW.to_owned(), None))).await;
    millis_since(start)
}

async fn read(name: &str) -> Result<(u64, Condition), String> {
    let entry = store::get(STORE.to_owned(), name.to_owned(), None).await;
    let entry = entry.map_err(|error| error.to_string())?;
    let number = number(entry.as_ref().map(|entry| entry.value.as_slice()))?;
    let etag = entry
        .map(|entry| entry.etag.ok_or("the store has no etags"))
        .transpose()?;
    Ok((number, etag.map_or(Condition::Absent, Condition::Matches)))
}

async fn add(name: &str) -> Result<u64, String> {
    for _ in 0..TRIES {
        let (number, condition) = read(name).await?;
        let options = SetOptions {
            condition,
            ttl: None,
            content_type: None,
            consistency: None,
            metadata: Vec::new(),
        };
        let value = (number + 1).to_string().into_bytes();
        match store::set(STORE.to_owned(), name.to_owned(), value, Some(options)).await {
            Ok(()) => return Ok(number + 1),
            Err(Error::EtagMismatch(_)) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    Err(format!("others were faster {TRIES} times"))
}
