//! A state store in the serve-loop form, of one thread: it takes all that there is, and answers each request when its time has
//! come, in whatever order. It misbehaves on command, and is one without listing where it is not told to.
//!
//! The command is what stands behind the last `||` of a key. Any other text is a key.
//!
//! | on any call | does |
//! |---|---|
//! | `trap` | ends the instance |
//! | `loop` | computes for ever, so that nothing is taken any more |
//! | `return` | returns from `run` |
//! | `forget` | does not answer |
//! | `slow-MILLISECONDS` | answers so much later, and others meanwhile |
//! | `twice` | answers twice, and a request that nobody made as well |
//! | `other` | answers something else than was asked for |
//! | `log`, `flood` | logs a record of each level; logs without end for a while |
//!
//! | on a read | answers |
//! |---|---|
//! | `caller`, `instance`, `memory` | the app id; a number that each instance has for itself; the bytes that it may have |
//! | `cancelled`, `later`, `most` | how many requests were cancelled so far; how many are to be answered later, and most ever |
//! | `left` | nanoseconds that the request has |
//!
//! | metadata | does |
//! |---|---|
//! | `start` | `trap`, `hang`, `return` or `refuse` in place of starting; `twice`: begins twice |
//! | `instances` | `one`, `several`, though each has items of its own |

mod items;

mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit",
        world: "dapr:host/state-store-loop",
        generate_all,
        with: { "wasi:io/poll@0.2.10": wasip2::io::poll },
    });
}

use bindings::dapr::state::provider_requests::{
    self as requests, Call, Configuration, Declaration, Entry, Error, Event, Request, Response,
};
use bindings::dapr::state::provider_types::{Features, Instances, Limits};
use bindings::wasi::logging::logging::{Level, log};
use items::Items;
use std::hash::{BuildHasher, RandomState};
use wasip2::clocks::monotonic_clock;
use wasip2::io::poll::poll;

struct Loop;

bindings::export!(Loop with_types_in bindings);

impl bindings::exports::dapr::state::provider_loop::Guest for Loop {
    fn run() {
        let configuration = requests::begin();
        let setting = |name: &str| {
            let found = configuration.metadata.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        match setting("start").as_str() {
            "trap" => core::arch::wasm32::unreachable(),
            "hang" => monotonic_clock::subscribe_duration(u64::MAX).block(),
            "return" => return,
            "refuse" => return requests::started(Err(&Error::Invalid("it was told to refuse".to_owned()))),
            "twice" => drop(requests::begin()),
            _ => {}
        }
        let instances = match setting("instances").as_str() {
            "several" => Instances::Several,
            _ => Instances::One,
        };
        requests::started(Ok(&declaration(instances)));
        Serving::new(configuration).run();
    }
}

fn declaration(instances: Instances) -> Declaration {
    Declaration {
        features: Features::all() - Features::LISTING,
        instances,
        limits: Limits {
            key: None,
            value: None,
            items: None,
            operations: None,
            batch: None,
        },
    }
}

/// What came of an event or a request.
enum Then {
    GoOn,
    Return,
}

/// What an instance keeps.
struct Serving {
    configuration: Configuration,
    items: Items,
    number: u64,
    cancelled: u64,
    /// Requests that are answered later, and when.
    later: Vec<(u64, Request)>,
    /// The most that there ever were of them at once.
    most: usize,
}

impl Serving {
    fn new(configuration: Configuration) -> Self {
        Self {
            configuration,
            items: Items::default(),
            number: RandomState::new().hash_one(monotonic_clock::now()),
            cancelled: 0,
            later: Vec::new(),
            most: 0,
        }
    }

    fn run(mut self) {
        let events = requests::subscribe();
        loop {
            while let Some(event) = requests::next() {
                let then = match event {
                    Event::Request(request) => self.take(request),
                    Event::Cancel(id) => {
                        self.cancelled += 1;
                        self.later.retain(|(_, request)| request.id != id);
                        Then::GoOn
                    }
                    Event::Stop => return self.answer_all(),
                };
                if let Then::Return = then {
                    return;
                }
            }
            match self.later.iter().map(|(due, _)| *due).min() {
                None => events.block(),
                Some(due) => drop(poll(&[&events, &monotonic_clock::subscribe_instant(due)])),
            }
            let now = monotonic_clock::now();
            let (due, later) = std::mem::take(&mut self.later)
                .into_iter()
                .partition(|(due, _)| *due <= now);
            self.later = later;
            for (_, request) in due {
                self.answer(request);
            }
        }
    }

    fn answer_all(&mut self) {
        for (due, request) in std::mem::take(&mut self.later) {
            monotonic_clock::subscribe_instant(due).block();
            self.answer(request);
        }
    }

    fn take(&mut self, request: Request) -> Then {
        match command(&request.call).as_str() {
            "trap" => core::arch::wasm32::unreachable(),
            "loop" => loop {
                std::hint::spin_loop();
            },
            "return" => return Then::Return,
            "forget" => return Then::GoOn,
            "twice" => {
                requests::respond(request.id + 1_000_000, Ok(&Response::Done));
                self.answer(request.clone());
            }
            "other" => {
                requests::respond(request.id, Ok(&Response::Each(Vec::new())));
                return Then::GoOn;
            }
            "log" => log_at_each_level(),
            "flood" => (0..100_000).for_each(|number| log(Level::Error, "flood", &number.to_string())),
            command => {
                if let Some(millis) = command
                    .strip_prefix("slow-")
                    .and_then(|millis| millis.parse::<u64>().ok())
                {
                    let due = monotonic_clock::now() + millis * 1_000_000;
                    self.later.push((due, request));
                    self.most = self.most.max(self.later.len());
                    return Then::GoOn;
                }
            }
        }
        self.answer(request);
        Then::GoOn
    }

    fn answer(&mut self, request: Request) {
        let id = request.id;
        match self.response(request) {
            Ok(response) => requests::respond(id, Ok(&response)),
            Err(error) => requests::respond(id, Err(&error)),
        }
    }

    fn response(&mut self, request: Request) -> Result<Response, Error> {
        Ok(match request.call {
            Call::Get(ref get) => Response::Entry(self.told(&request, &get.key).or_else(|| self.items.get(&get.key))),
            Call::BulkGet(get) => Response::Entries(self.items.get_all(&get.keys, get.max_bytes)?),
            Call::Set(item) => self.items.apply(vec![items::set(item)]).map(|()| Response::Done)?,
            Call::Delete(item) => self.items.apply(vec![items::delete(item)]).map(|()| Response::Done)?,
            Call::BulkSet(list) => Response::Each(
                list.into_iter()
                    .map(|item| self.items.apply(vec![items::set(item)]))
                    .collect(),
            ),
            Call::BulkDelete(list) => Response::Each(
                list.into_iter()
                    .map(|item| self.items.apply(vec![items::delete(item)]))
                    .collect(),
            ),
            Call::Transact(transact) => self.items.apply(transact.operations).map(|()| Response::Done)?,
            Call::ListKeys(_) => return Err(Error::Internal("not declared".to_owned())),
        })
    }

    /// What is asked about the instance itself.
    fn told(&self, request: &Request, key: &str) -> Option<Entry> {
        let text = match behind(key) {
            "caller" => request.caller.app.clone(),
            "instance" => self.number.to_string(),
            "memory" => self.configuration.memory.to_string(),
            "cancelled" => self.cancelled.to_string(),
            "later" => self.later.len().to_string(),
            "most" => self.most.to_string(),
            "left" => request.timeout.to_string(),
            _ => return None,
        };
        Some(Entry {
            value: text.into_bytes(),
            etag: Some("1".to_owned()),
            content_type: None,
            expires_at: None,
            metadata: Vec::new(),
        })
    }
}

fn log_at_each_level() {
    for (level, text) in [
        (Level::Trace, "at trace"),
        (Level::Debug, "at debug"),
        (Level::Info, "at info"),
        (Level::Warn, "at warn"),
        (Level::Error, "at error \u{1b}[31m"),
        (Level::Critical, "at critical\nsecond line"),
    ] {
        log(level, "loop-store", text);
    }
}

/// The command in a call.
fn command(call: &Call) -> String {
    let key = match call {
        Call::Get(get) => Some(&get.key),
        Call::BulkGet(get) => get.keys.first(),
        Call::Set(item) => Some(&item.key),
        Call::Delete(item) => Some(&item.key),
        Call::BulkSet(list) => list.first().map(|item| &item.key),
        Call::BulkDelete(list) => list.first().map(|item| &item.key),
        Call::Transact(transact) => transact.operations.first().map(items::key),
        Call::ListKeys(listing) => Some(&listing.prefix),
    };
    key.map(|key| behind(key).to_owned()).unwrap_or_default()
}

fn behind(key: &str) -> &str {
    key.rsplit("||").next().unwrap_or_default()
}
