//! Misbehaves as only a WASI 0.3 app can, each way under a path of its own: after the head of its answer the guest goes on.
//! And makes the calls to stores that the examples do not make ([`bulk`]), for stores that misbehave.

mod bulk;
#[path = "../../shared/p3.rs"]
mod p3;

mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit",
        inline: "
            package tests:hostile;
            world hostile {
                import dapr:state/store-async@0.1.0;
                export wasi:http/handler@0.3.0;
            }
        ",
        world: "tests:hostile/hostile",
        generate_all,
    });
}

use bindings::exports::wasi::http0_3_0::handler::Guest;
use bindings::wasi::http0_3_0::types::{ErrorCode, Fields, Request, Response};
use bindings::{wit_future, wit_stream};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How many requests this instance was asked.
static SERVED: AtomicU64 = AtomicU64::new(0);

struct Hostile;

bindings::export!(Hostile with_types_in bindings);

impl Guest for Hostile {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let served = SERVED.fetch_add(1, Relaxed) + 1;
        let target = request.get_path_with_query().unwrap_or_default();
        let text = match target.as_str() {
            "/served" => served.to_string(),
            "/authority" => format!("{:?} {:?}", request.get_scheme(), request.get_authority()),
            // Never answers, and lets others.
            "/turns" => {
                take_turns().await;
                "never".to_owned()
            }
            // Answers in full, and goes on.
            "/linger" => {
                wit_bindgen::spawn_local(take_turns());
                "bye".to_owned()
            }
            // Begins an answer, and ends it never.
            "/endless-body" => return Ok(endless()),
            // Connects by the sockets of WASI 0.2, while nobody else has a turn.
            target if target.starts_with("/dial/") => match TcpStream::connect(&target["/dial/".len()..]) {
                Ok(_) => "connected".to_owned(),
                Err(error) => format!("{:?}", error.kind()),
            },
            // Asks a store, and says what came of it.
            target if target.starts_with("/bulk-") => bulk::answer(target).await,
            _ => return Ok(p3::response(404, "no such misdeed".to_owned())),
        };
        Ok(p3::response(200, text))
    }
}

async fn take_turns() {
    loop {
        wit_bindgen::yield_async().await;
    }
}

fn endless() -> Response {
    let (mut body, contents) = wit_stream::new();
    wit_bindgen::spawn_local(async move {
        // Until nobody takes it.
        while body.write_all(vec![b'x'; 4096]).await.is_empty() {}
    });
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (response, _) = Response::new(Fields::new(), Some(contents), trailers);
    response
}
