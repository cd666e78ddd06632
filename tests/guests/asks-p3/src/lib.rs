//! A WASI 0.3 app that asks the server that the header `ask` names, and answers what that says: the authority stands in
//! `ask`, the path is that of the request. What goes wrong is a 502 that says why.

#[path = "../../shared/p3.rs"]
mod p3;

mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit",
        inline: "
            package tests:asks;
            world app {
                import wasi:http/client@0.3.0;
                export wasi:http/handler@0.3.0;
            }
        ",
        world: "tests:asks/app",
        generate_all,
    });
}

use bindings::exports::wasi::http0_3_0::handler::Guest;
use bindings::wasi::http0_3_0::client;
use bindings::wasi::http0_3_0::types::{ErrorCode, Fields, Request, Response, Scheme};
use bindings::wit_future;

struct App;

bindings::export!(App with_types_in bindings);

impl Guest for App {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let authority = request.get_headers().get("ask").pop().unwrap_or_default();
        let path = request.get_path_with_query();
        Ok(match ask(&String::from_utf8_lossy(&authority), path).await {
            Ok((status, text)) => p3::response(status, text),
            Err(error) => p3::response(502, format!("{error:?}")),
        })
    }
}

async fn ask(authority: &str, path: Option<String>) -> Result<(u16, String), ErrorCode> {
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (request, _) = Request::new(Fields::new(), None, trailers, None);
    let malformed = |()| ErrorCode::HttpRequestUriInvalid;
    request.set_scheme(Some(&Scheme::Http)).map_err(malformed)?;
    request.set_authority(Some(authority)).map_err(malformed)?;
    request.set_path_with_query(path.as_deref()).map_err(malformed)?;
    let answer = client::send(request).await?;
    let status = answer.get_status_code();
    let (_, done) = wit_future::new(|| Ok(()));
    let (body, trailers) = Response::consume_body(answer, done);
    let bytes = body.collect().await;
    trailers.await?;
    Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
}
