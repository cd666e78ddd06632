//! A counter over HTTP: `POST /NAME` adds one, `GET /NAME` reads it.
//!
//! HTTP is done here with the plain WASI bindings of the crate `wasip2`. With the crate `wstd`, as in `kv` and `todo`, the
//! source is shorter and the component more than three times the size; a request, each from a fresh instance, then takes a
//! third more of the processor. An app that does this little notices.

mod http;

/// `dapr:state`, generated from the host's WIT. The world is written here because an app's world lists what it uses, and
/// HTTP comes from `wasip2`.
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "package examples:counter; world counter { import dapr:state/store@0.1.0; }",
        world: "examples:counter/counter",
        generate_all,
    });
}

use bindings::dapr::state::{
    store,
    types::{Condition, Error, SetOptions},
};
use std::fmt;
use wasip2::http::types::{IncomingRequest, Method, ResponseOutparam};

/// The name of a `[state.NAME]` table in `components.toml`; the host has this one without any configuration.
const STORE: &str = "statestore";

/// How often an addition starts again because another request was faster. Each round lets at least one of them through,
/// so that this many must collide before one is refused.
const TRIES: usize = 64;

struct Counter;

wasip2::http::proxy::export!(Counter);

impl wasip2::exports::http::incoming_handler::Guest for Counter {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        match answer(&request) {
            Ok(number) => http::respond(out, 200, None, &number.to_string()),
            Err(failure) => http::respond(out, failure.status(), failure.allow(), &failure.to_string()),
        }
    }
}

fn answer(request: &IncomingRequest) -> Result<u64, Failure> {
    let name = http::decoded_path(request).ok_or(Failure::Path)?;
    let name = if name.is_empty() { "default" } else { &name };
    match request.method() {
        Method::Get => Ok(read(name)?.0),
        Method::Post => add_one(name),
        _ => Err(Failure::Method),
    }
}

/// Reads, adds and writes on the condition that nobody wrote in between: two requests at once count as two.
fn add_one(name: &str) -> Result<u64, Failure> {
    for _ in 0..TRIES {
        let (number, condition) = read(name)?;
        let number = number.checked_add(1).ok_or(Failure::Full)?;
        let options = SetOptions {
            condition,
            ttl: None,
            content_type: None,
            consistency: None,
            metadata: Vec::new(),
        };
        match store::set(STORE, name, number.to_string().as_bytes(), Some(&options)) {
            Ok(()) => return Ok(number),
            Err(Error::EtagMismatch(_)) => {}
            Err(error) => return Err(Failure::Store(error)),
        }
    }
    Err(Failure::Busy)
}

/// The number, and the condition under which it is still this one.
fn read(name: &str) -> Result<(u64, Condition), Failure> {
    let Some(entry) = store::get(STORE, name, None).map_err(Failure::Store)? else {
        return Ok((0, Condition::Absent));
    };
    let number = str::from_utf8(&entry.value)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or(Failure::NotANumber)?;
    // Without etags there is no telling whether somebody else wrote, and counts would be lost in silence.
    let etag = entry
        .etag
        .ok_or_else(|| Failure::Store(Error::Unsupported("the store has no etags".to_owned())))?;
    Ok((number, Condition::Matches(etag)))
}

/// Why there is no number to answer.
enum Failure {
    Path,
    Method,
    Busy,
    Full,
    NotANumber,
    Store(Error),
}

impl Failure {
    fn status(&self) -> u16 {
        match self {
            Self::Path => 400,
            Self::Method => 405,
            Self::Busy | Self::Full => 409,
            Self::NotANumber => 500,
            Self::Store(error) => match error {
                Error::Invalid(_) => 400,
                Error::Denied(_) => 403,
                Error::NoSuchStore(_) => 404,
                Error::EtagMismatch(_) => 412,
                Error::TooLarge(_) => 413,
                Error::Throttled(_) => 429,
                Error::Internal(_) => 500,
                Error::Unsupported(_) | Error::NotConfigured(_) => 501,
                Error::Unavailable(_) => 503,
                Error::OutcomeUnknown(_) => 504,
            },
        }
    }

    /// The methods that there are, which a 405 must name.
    fn allow(&self) -> Option<&'static str> {
        matches!(self, Self::Method).then_some("GET, POST")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path => f.write_str("the path is not percent-encoded UTF-8"),
            Self::Method => f.write_str("a counter takes GET and POST"),
            Self::Busy => write!(f, "others were faster {TRIES} times: try again"),
            Self::Full => f.write_str("the counter is at its maximum"),
            Self::NotANumber => f.write_str("what is stored under this name is not a number"),
            Self::Store(
                Error::Invalid(text)
                | Error::TooLarge(text)
                | Error::EtagMismatch(text)
                | Error::NoSuchStore(text)
                | Error::NotConfigured(text)
                | Error::Denied(text)
                | Error::Unsupported(text)
                | Error::Throttled(text)
                | Error::Unavailable(text)
                | Error::OutcomeUnknown(text)
                | Error::Internal(text),
            ) => f.write_str(text),
        }
    }
}
