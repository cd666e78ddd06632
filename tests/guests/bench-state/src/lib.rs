//! Times state calls from inside a guest, where a user feels them: `GET /get?n=10000&size=100&store=statestore` writes one
//! item and reads it `n` times, `GET /set` writes it `n` times. The answer is `{"median_ns": .., "best_ns": ..}`, the time
//! of one call in the median and in the best of ten rounds.
//!
//! With `seconds=3` in place of `n` it calls for so long and times each call by itself: `{"per_second": .., "p50_ns": ..,
//! "p99_ns": ..}`. `key=NAME` gives callers at the same time items of their own.

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
use std::time::{Duration, Instant};
use wasip2::http::types::{self, IncomingRequest, ResponseOutparam};

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

/// How long to go on.
enum Effort {
    Calls(u32),
    For(Duration),
}

fn answer(target: &str) -> Result<String, String> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (mut effort, mut size, mut store, mut key) = (Effort::Calls(10_000), 100_usize, "statestore", "bench");
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let not_a_number = |_| format!("`{name}` is not `{value}`");
        match name {
            "n" => effort = Effort::Calls(value.parse().map_err(not_a_number)?),
            "seconds" => effort = Effort::For(Duration::from_secs(value.parse().map_err(not_a_number)?)),
            "size" => size = value.parse().map_err(not_a_number)?,
            "store" => store = value,
            "key" => key = value,
            _ => return Err(format!("there is no parameter `{name}`")),
        }
    }
    let value = vec![b'x'; size];
    let get = || store::get(store, key, None).map(drop);
    let set = || store::set(store, key, &value, None);
    match path {
        "/get" => {
            set().map_err(|error| error.to_string())?;
            effort.time(get)
        }
        "/set" => effort.time(set),
        _ => Err("GET /get or /set".to_owned()),
    }
}

impl Effort {
    fn time<E: ToString>(self, call: impl Fn() -> Result<(), E>) -> Result<String, String> {
        match self {
            Self::Calls(calls) => rounds(calls, call),
            Self::For(duration) => each(duration, call),
        }
    }
}

fn rounds<E: ToString>(calls: u32, call: impl Fn() -> Result<(), E>) -> Result<String, String> {
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

fn each<E: ToString>(duration: Duration, call: impl Fn() -> Result<(), E>) -> Result<String, String> {
    let start = Instant::now();
    let mut times = Vec::new();
    while start.elapsed() < duration || times.is_empty() {
        let begin = Instant::now();
        call().map_err(|error| error.to_string())?;
        times.push(begin.elapsed().as_nanos());
    }
    let per_second = times.len() as f64 / start.elapsed().as_secs_f64();
    times.sort_unstable();
    let (p50, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    Ok(format!(
        r#"{{"per_second": {per_second:.1}, "p50_ns": {p50}, "p99_ns": {p99}}}"#
    ))
}
