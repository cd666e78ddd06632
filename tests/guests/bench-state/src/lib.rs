//! Times state calls from inside a guest, where a user feels them: `GET /get?n=10000&size=100&store=statestore` writes one
//! item and reads it `n` times, `GET /set` writes it `n` times. The answer is `{"median_ns": .., "best_ns": ..}`, the time
//! of one call in the median and in the best of ten rounds.

#[path = "../../shared/p2.rs"]
mod p2;

mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit",
        inline: "package tests:bench; world bench { import dapr:state/store@0.1.0; }",
        world: "tests:bench/bench",
        generate_all,
    });
}

use bindings::dapr::state::store;
use std::time::Instant;
use wasip2::http::types::{self, IncomingRequest, ResponseOutparam};

const KEY: &str = "bench";

/// A round is long enough for the clock, and there are enough of them to see what noise does.
const ROUNDS: u32 = 10;

struct Bench;

wasip2::http::proxy::export!(Bench);

impl wasip2::exports::http::incoming_handler::Guest for Bench {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        match answer(&request.path_with_query().unwrap_or_default()) {
            Ok(text) => p2::respond(out, 200, &text),
            Err(text) => p2::respond(out, 400, &text),
        }
    }
}

fn answer(target: &str) -> Result<String, String> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (mut calls, mut size, mut store) = (10_000_u32, 100_usize, "statestore");
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        match name {
            "n" => calls = value.parse().map_err(|_| format!("`n` is not `{value}`"))?,
            "size" => size = value.parse().map_err(|_| format!("`size` is not `{value}`"))?,
            "store" => store = value,
            _ => return Err(format!("there is no parameter `{name}`")),
        }
    }
    let value = vec![b'x'; size];
    match path {
        "/get" => {
            store::set(store, KEY, &value, None).map_err(|error| error.to_string())?;
            time(calls, || store::get(store, KEY, None).map(drop))
        }
        "/set" => time(calls, || store::set(store, KEY, &value, None)),
        _ => Err("GET /get or /set".to_owned()),
    }
}

fn time<E: ToString>(calls: u32, call: impl Fn() -> Result<(), E>) -> Result<String, String> {
    let calls = (calls / ROUNDS).max(1);
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..calls {
            call().map_err(|error| error.to_string())?;
        }
        rounds.push(start.elapsed().as_nanos() / u128::from(calls));
    }
    rounds.sort_unstable();
    let (best, median) = (rounds[0], rounds[rounds.len() / 2]);
    Ok(format!(r#"{{"median_ns": {median}, "best_ns": {best}}}"#))
}
