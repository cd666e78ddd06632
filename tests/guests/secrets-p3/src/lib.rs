//! A reader of secrets as a WASI 0.3 app: `secrets.rs` says what it answers. It is the world of the host's WIT that has state,
//! too, though it does not use it.

#[path = "../../shared/p3.rs"]
mod p3;
#[path = "../../shared/secrets.rs"]
mod secrets;

mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit",
        world: "dapr:host/http-app-with-secrets-async",
        generate_all,
    });
}

use bindings::dapr::secrets::store_async as store;
use bindings::exports::wasi::http0_3_0::handler::Guest;
use bindings::wasi::http0_3_0::types::{ErrorCode, Request, Response};

struct Reader;

bindings::export!(Reader with_types_in bindings);

impl Guest for Reader {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let target = request.get_path_with_query().unwrap_or_default();
        let (status, text) = match secrets::asked(&target) {
            (vault, Some(name)) => secrets::one(store::get(vault.to_owned(), name.to_owned()).await),
            (vault, None) => secrets::all(store::bulk_get(vault.to_owned()).await),
        };
        Ok(p3::response(status, text))
    }
}
