//! A long conversation that goes the same way on every store: statuses, headers, bodies and the texts of errors.
//!
//! The other claims say what each answer is; this one finds what they forgot to ask, by asking the stores against each other.

use crate::ground::{Kv, Store};
use dapr_wasm_tests::Response;

/// Method, target, a header, a body. `{etag}` stands for the etag that `/k` has at that moment.
type Line = (
    &'static str,
    &'static str,
    Option<(&'static str, &'static str)>,
    Option<&'static str>,
);

const CONVERSATION: &[Line] = &[
    ("GET", "/", None, None),
    ("GET", "/k", None, None),
    ("HEAD", "/k", None, None),
    ("DELETE", "/k", None, None),
    ("DELETE", "/k", Some(("if-match", "\"x\"")), None),
    ("PUT", "/k", Some(("if-match", "\"x\"")), Some("v")),
    ("PUT", "/k", Some(("if-none-match", "*")), Some("v1")),
    ("PUT", "/k", Some(("if-none-match", "*")), Some("v2")),
    ("GET", "/k", None, None),
    ("HEAD", "/k", None, None),
    (
        "PUT",
        "/k",
        Some(("content-type", "application/json")),
        Some("{\"a\": 1}"),
    ),
    ("GET", "/k", None, None),
    ("PUT", "/k", Some(("if-match", "{etag}")), Some("v3")),
    ("GET", "/k", None, None),
    ("PUT", "/k", Some(("if-match", "\"x\"")), Some("v")),
    ("PUT", "/", None, Some("v")),
    ("PUT", "/a||b", None, Some("v")),
    ("PUT", "/a%00b", None, Some("v")),
    ("PUT", "/k?ttl=0", None, Some("v")),
    ("PUT", "/k?ttl=2147483648", None, Some("v")),
    ("GET", "/?limit=0", None, None),
    ("GET", "/?limit=1001", None, None),
    ("GET", "/?cursor=x", None, None),
    ("GET", "/?prefix=a||b", None, None),
    ("GET", "/k?store=nowhere", None, None),
    ("GET", "/k?store=private", None, None),
    ("POST", "/", None, Some("[]")),
    ("POST", "/", None, Some("nonsense")),
    (
        "POST",
        "/",
        None,
        Some(r#"[{"op": "set", "key": "a", "value": "1"}, {"op": "set", "key": "a", "value": "2"}]"#),
    ),
    (
        "POST",
        "/",
        None,
        Some(r#"[{"op": "set", "key": "a", "value": "1"}, {"op": "delete", "key": "k", "etag": "x"}]"#),
    ),
    ("GET", "/a", None, None),
    (
        "POST",
        "/",
        None,
        Some(r#"[{"op": "set", "key": "a", "value": "1"}, {"op": "delete", "key": "k"}]"#),
    ),
    ("GET", "/a", None, None),
    ("GET", "/k", None, None),
    ("GET", "/", None, None),
    ("PATCH", "/a", None, Some("v")),
    ("DELETE", "/a", Some(("if-match", "\"x\"")), None),
    ("DELETE", "/a", None, None),
    ("GET", "/?prefix=a", None, None),
];

/// What may differ between two runs on one store: when it was, which request it was, and what the store calls a version.
const OF_THE_MOMENT: [&str; 3] = ["date", "x-request-id", "etag"];

fn answer(kv: &Kv, (method, target, header, body): Line) -> Response {
    let mut call = kv.call(method, target);
    if let Some((name, value)) = header {
        let value = if value == "{etag}" {
            kv.etag("/k")
        } else {
            value.to_owned()
        };
        call = call.header(name, &value);
    }
    if let Some(body) = body {
        call = call.body(body);
    }
    call.send()
}

/// Whether the connection closes hangs on how much of a refused body had come by then.
const OF_THE_CONNECTION: &str = "connection";

/// An answer without what belongs to the moment, but with the fact that it was there.
fn timeless(response: &Response) -> (u16, Vec<(String, String)>, String) {
    let headers = response.headers.iter().map(|(name, value)| {
        let of_the_moment = OF_THE_MOMENT.contains(&name.as_str());
        let value = if of_the_moment {
            "(any)"
        } else {
            value.to_str().unwrap()
        };
        (name.to_string(), value.to_owned())
    });
    let mut headers: Vec<_> = headers.filter(|(name, _)| name != OF_THE_CONNECTION).collect();
    headers.sort_unstable();
    (response.status, headers, response.text())
}

#[test]
fn a_conversation_goes_the_same_way_on_every_store() {
    let stores = [Store::in_memory(), Store::sqlite(), Store::store_memory()].map(|store| store.kv());
    for (number, line) in CONVERSATION.iter().enumerate() {
        let answers = stores.each_ref().map(|kv| timeless(&answer(kv, *line)));
        let [first, others @ ..] = &answers;
        for other in others {
            assert_eq!(first, other, "line {number}: {line:?}");
        }
    }
}
