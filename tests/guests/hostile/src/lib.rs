//! Misbehaves, each way under a path of its own. What a host should make of it is in the tests that ask.

#[path = "../../shared/p2.rs"]
mod p2;

#[path = "../../shared/network.rs"]
mod network;

mod exhaust;
mod reach;
mod speak;

use wasip2::http::types::{self, IncomingRequest, ResponseOutparam};

struct Hostile;

wasip2::http::proxy::export!(Hostile);

impl wasip2::exports::http::incoming_handler::Guest for Hostile {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let text = match target.as_str() {
            "/ok" => "ok".to_owned(),

            // ---- ends badly ----
            "/loop" => exhaust::time(),
            "/trap" => core::arch::wasm32::unreachable(),
            "/panic" => panic!("on purpose"),
            "/exit" => std::process::exit(3),
            "/recursion" => exhaust::calls().to_string(),
            "/no-response" => return,

            // ---- takes too much ----
            "/memory" => exhaust::memory(),
            "/hoard" => exhaust::memory_for_long(),
            "/handles" => exhaust::handles(),
            "/headers" => exhaust::headers(),
            "/large-call" => exhaust::one_call(),
            "/sleep" => exhaust::patience(),

            // ---- says too much ----
            "/output" => speak::oddly(),
            "/flood" => speak::for_ever(),
            "/endless-body" => return speak::answer_for_ever(out),
            "/error" => return speak::an_error(out),
            "/trap-mid-response" => return speak::half_an_answer(out),

            // ---- asks for what it was not given ----
            "/egress" => reach::http(),
            "/socket" => reach::socket(),
            "/lookup" => reach::lookup(),
            "/env" => reach::environment(),
            "/files" => reach::files(),
            "/certificates" => network::certificates(),
            "/listen" => network::listen(),

            "/read-body" => match reach::body(&request) {
                Ok(length) => length.to_string(),
                Err(text) => return p2::respond(out, 400, &text),
            },
            _ => match at_a_server(&target) {
                Some(text) => text,
                None => return p2::respond(out, 404, "no such misdeed"),
            },
        };
        p2::respond(out, 200, &text);
    }
}

/// What is done at the server that a path names: `/dial/HOST:PORT`.
fn at_a_server(target: &str) -> Option<String> {
    let (misdeed, server) = target.strip_prefix('/')?.split_once('/')?;
    Some(match misdeed {
        "dial" => network::dial(server),
        "hoard" => network::hoard(server),
        "hold" => {
            let _held = network::opened(server);
            exhaust::patience()
        }
        "send" => network::send(server),
        _ => return None,
    })
}
