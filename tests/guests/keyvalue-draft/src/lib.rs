//! An app on `wasi:keyvalue@0.2.0-draft`, which counts and cursors differently. It knows nothing of this host.
//!
//! | request | does |
//! |---|---|
//! | `GET /add/BUCKET/KEY/NUMBER` | the sum |
//! | `GET /fill/BUCKET/NUMBER` | sets so many keys |
//! | `GET /keys/BUCKET` | how many keys there are, on how many pages |
//! | `GET /cursor/BUCKET/NUMBER` | a page of a cursor that nobody gave out |

#[path = "../../shared/p2.rs"]
mod p2;

mod bindings {
    wit_bindgen::generate!({
        path: ["../../../wit", "../../../host/runtime/wit/wasi-keyvalue-0.2.0-draft"],
        inline: "
            package tests:keyvalue;
            world app {
                import wasi:keyvalue/store@0.2.0-draft;
                import wasi:keyvalue/atomics@0.2.0-draft;
                export wasi:http/incoming-handler@0.2.10;
            }
        ",
        world: "tests:keyvalue/app",
        generate_all,
    });
}

use bindings::exports::wasi::http0_2_10::incoming_handler::Guest;
use bindings::wasi::http0_2_10::types::{self, IncomingRequest, ResponseOutparam};
use bindings::wasi::keyvalue::atomics;
use bindings::wasi::keyvalue::store::{Error, open};

struct App;

bindings::export!(App with_types_in bindings);

impl Guest for App {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let words: Vec<_> = target.split('/').skip(1).collect();
        let (status, text) = match answer(&words) {
            Ok(text) => (200, text),
            Err(error) => (500, format!("{error:?}")),
        };
        p2::respond(out, status, &text);
    }
}

fn answer(words: &[&str]) -> Result<String, Error> {
    match *words {
        ["add", bucket, key, number] => {
            let sum = atomics::increment(&open(bucket)?, key, number.parse().unwrap_or(0))?;
            Ok(sum.to_string())
        }
        ["fill", bucket, number] => {
            let bucket = open(bucket)?;
            let mut keys = 0..number.parse::<u32>().unwrap_or(0);
            keys.try_for_each(|key| bucket.set(&format!("key-{key}"), b"v"))?;
            Ok(String::new())
        }
        ["keys", bucket] => {
            let bucket = open(bucket)?;
            let (mut keys, mut pages, mut cursor) = (0, 0, None);
            loop {
                let page = bucket.list_keys(cursor)?;
                keys += page.keys.len();
                pages += 1;
                cursor = page.cursor;
                if cursor.is_none() {
                    return Ok(format!("{keys} on {pages}"));
                }
            }
        }
        ["cursor", bucket, number] => {
            let page = open(bucket)?.list_keys(number.parse().ok())?;
            Ok(page.keys.len().to_string())
        }
        _ => Ok(String::new()),
    }
}
