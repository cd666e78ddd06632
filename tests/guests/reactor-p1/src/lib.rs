//! An app built for `wasm32-wasip1`: a core module, with the WIT of its world in a custom section, that imports preview 1
//! for what std does. A host can make a component of it. Each request counts one, in the store, and prints a line.

#[path = "../../shared/p2.rs"]
mod p2;

mod bindings {
    wit_bindgen::generate!({ path: "../../../wit", world: "dapr:host/http-app", generate_all });
}

use bindings::dapr::state::store;
use bindings::exports::wasi::http0_2_10::incoming_handler::Guest;
use bindings::wasi::http0_2_10::types::{self, IncomingRequest, ResponseOutparam};

const STORE: &str = "statestore";
const KEY: &str = "reactor";

struct Reactor;

bindings::export!(Reactor with_types_in bindings);

impl Guest for Reactor {
    fn handle(_request: IncomingRequest, out: ResponseOutparam) {
        // By way of preview 1 and the host's adapter, while the calls below use the component model.
        println!("a request");
        match count() {
            Ok(number) => p2::respond(out, 200, &number.to_string()),
            Err(text) => p2::respond(out, 500, &text),
        }
    }
}

fn count() -> Result<u64, String> {
    let entry = store::get(STORE, KEY, None).map_err(|error| error.to_string())?;
    let text = entry.map_or(Ok("0".to_owned()), |entry| String::from_utf8(entry.value));
    let number: u64 = text
        .map_err(|error| error.to_string())?
        .parse()
        .map_err(|_| "not a number".to_owned())?;
    store::set(STORE, KEY, (number + 1).to_string().as_bytes(), None).map_err(|error| error.to_string())?;
    Ok(number + 1)
}
