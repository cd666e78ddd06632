//! A reader of secrets as a WASI 0.2 app: `secrets.rs` says what it answers.

#[path = "../../shared/p2.rs"]
mod p2;
#[path = "../../shared/secrets.rs"]
mod secrets;

mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit",
        inline: "
            package tests:secrets;
            world reader {
                import dapr:secrets/store@0.1.0;
                export wasi:http/incoming-handler@0.2.10;
            }
        ",
        world: "tests:secrets/reader",
        generate_all,
    });
}

use bindings::dapr::secrets::store;
use bindings::exports::wasi::http0_2_10::incoming_handler::Guest;
use bindings::wasi::http0_2_10::types::{self, IncomingRequest, ResponseOutparam};

struct Reader;

bindings::export!(Reader with_types_in bindings);

impl Guest for Reader {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let (status, text) = match secrets::asked(&target) {
            (vault, Some(name)) => secrets::one(store::get(vault, name)),
            (vault, None) => secrets::all(store::bulk_get(vault)),
        };
        p2::respond(out, status, &text);
    }
}
