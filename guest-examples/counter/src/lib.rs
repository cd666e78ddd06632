//! A counter over HTTP: `POST /NAME` adds one, `GET /NAME` reads it.
//!
//! HTTP is done here with the plain WASI bindings of the crate `wasip2`. With the crate `wstd` the source is shorter and the
//! component more than three times the size; a request, each from a fresh instance, then takes a third more of the processor.
//! An app that does this little notices.

mod addition;
mod failure;
mod http;
mod percent;
mod state_defaults;
mod state_error;

/// `dapr:state`, generated from the host's WIT. The world is written here because an app's world lists what it uses, and
/// HTTP comes from `wasip2`.
mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        inline: "package examples:counter; world counter { import dapr:state/store@0.1.0; }",
        world: "examples:counter/counter",
        generate_all,
    });
}

use addition::{Place, add_one};
use bindings::dapr::state::{
    store,
    types::{Condition, Error, SetOptions},
};
use failure::Failure;
use wasip2::http::types::{IncomingRequest, Method, ResponseOutparam};

/// The name of a `[state.NAME]` table in `components.toml`; the host has this one without any configuration.
const STORE: &str = "statestore";

struct Counter;

wasip2::http::proxy::export!(Counter);

impl wasip2::exports::http::incoming_handler::Guest for Counter {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        match answer(&request) {
            Ok(number) => http::respond(out, 200, None, &number.to_string()),
            Err(failure) => {
                let allow = failure.allow();
                let (status, text) = failure.spoken();
                http::respond(out, status, allow, &text);
            }
        }
    }
}

fn answer(request: &IncomingRequest) -> Result<u64, Failure> {
    let name = http::decoded_path(request).map_err(Failure::Path)?;
    let name = if name.is_empty() { "default" } else { &name };
    let number = Number { name };
    match request.method() {
        Method::Get | Method::Head => Ok(number.read()?.0),
        Method::Post => add_one(&number),
        _ => Err(Failure::Method),
    }
}

/// A number in the store, as decimal text.
struct Number<'a> {
    name: &'a str,
}

impl Place for Number<'_> {
    fn read(&self) -> Result<(u64, Condition), Failure> {
        let Some(entry) = store::get(STORE, self.name, None).map_err(Failure::Store)? else {
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

    fn write(&self, number: u64, condition: Condition) -> Result<(), Error> {
        let options = SetOptions {
            condition,
            ..Default::default()
        };
        store::set(STORE, self.name, number.to_string().as_bytes(), Some(&options))
    }
}
