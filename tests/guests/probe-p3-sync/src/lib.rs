//! The probe as a WASI 0.3 app with the plain state functions, as the JavaScript tools make it: `ask.rs` says what it
//! answers.

#[path = "../../shared/ask.rs"]
mod ask;
#[path = "../../shared/p3.rs"]
mod p3;
#[path = "../../shared/sync.rs"]
mod sync;

mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit",
        inline: "
            package tests:probe;
            world probe {
                import dapr:state/store@0.1.0;
                export wasi:http/handler@0.3.0;
            }
        ",
        world: "tests:probe/probe",
        generate_all,
    });
}

use bindings::exports::wasi::http0_3_0::handler::Guest;
use bindings::wasi::http0_3_0::types::{ErrorCode, Method, Request, Response};

struct Probe;

bindings::export!(Probe with_types_in bindings);

impl Guest for Probe {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let is_post = matches!(request.get_method(), Method::Post);
        let ask = ask::Ask::new(is_post, &request.get_path_with_query().unwrap_or_default());
        let (status, text) = sync::answer(&ask);
        Ok(p3::response(status, text))
    }
}
