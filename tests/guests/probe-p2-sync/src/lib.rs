//! The probe as a WASI 0.2 app: `ask.rs` says what it answers.

#[path = "../../shared/ask.rs"]
mod ask;
#[path = "../../shared/p2.rs"]
mod p2;
#[path = "../../shared/sync.rs"]
mod sync;

mod bindings {
    wit_bindgen::generate!({ path: "../../../wit", world: "dapr:host/http-app", generate_all });
}

use bindings::exports::wasi::http0_2_10::incoming_handler::Guest;
use bindings::wasi::http0_2_10::types::{self, IncomingRequest, Method, ResponseOutparam};

struct Probe;

bindings::export!(Probe with_types_in bindings);

impl Guest for Probe {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let is_post = matches!(request.method(), Method::Post);
        let ask = ask::Ask::new(is_post, &request.path_with_query().unwrap_or_default());
        let (status, text) = sync::answer(&ask);
        p2::respond(out, status, &text);
    }
}
