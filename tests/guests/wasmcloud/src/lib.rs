//! The app of wasmCloud's crate for components, as its README has it but for a call of another component: `wasi:http`,
//! `wasi:keyvalue`, `wasi:config` and `wasi:logging`. The crate knows wasmCloud, and knows nothing of this host.

use std::io::Read;

use serde::Deserialize;
use serde_json::json;
use wasmcloud_component::debug;
use wasmcloud_component::http::{self, ErrorCode};
use wasmcloud_component::wasi::{config, keyvalue};

struct Component;

impl http::Server for Component {
    fn handle(request: http::IncomingRequest) -> http::Result<http::Response<impl http::OutgoingBody>> {
        debug!("handling request");

        let (parts, mut body) = request.into_parts();

        #[derive(Deserialize)]
        struct UserRequest {
            config_key: String,
        }

        let UserRequest { config_key } = {
            let mut buf = vec![];
            body.read_to_end(&mut buf)
                .map_err(|_| ErrorCode::InternalError(Some("failed to read request body".to_string())))?;
            serde_json::from_slice(&buf)
                .map_err(|_| ErrorCode::InternalError(Some("failed to decode request body".to_string())))?
        };

        let kv_key = parts.uri.path();
        let cache = keyvalue::store::open("default").expect("open bucket");
        let count = keyvalue::atomics::increment(&cache, kv_key, 1)
            .map_err(|_| ErrorCode::InternalError(Some("failed to increment counter in store".to_string())))?;

        let single_val = config::store::get(&config_key)
            .map_err(|_| ErrorCode::InternalError(Some("failed to get config value".to_string())))?;
        let multi_val = config::store::get_all()
            .map_err(|_| ErrorCode::InternalError(Some("failed to get config value".to_string())))?;

        let res = json!({
            "single_val": single_val,
            "multi_val": multi_val,
            "count": count,
        });

        let body = serde_json::to_vec(&res).expect("failed to encode response to JSON");
        Ok(http::Response::new(body))
    }
}

http::export!(Component);
