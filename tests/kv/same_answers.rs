//! A long conversation that goes the same way on every store: statuses, headers, bodies and the texts of errors.
//!
//! The other claims say what each answer is; this one finds what they forgot to ask, by asking the stores against each other.

use crate::ground::{Kv, Store};
use dapr_wasm_tests::Response;

/// What a line of the conversation needs of a store, so that all stores that have it answer the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    Nothing,
    Etags,
    Transactions,
    Listing,
}
use Needs::{Etags, Listing, Nothing, Transactions};

/// Method, target, a header, a body, what it needs. `{etag}` stands for the etag that `/k` has at that moment.
type Line = (
    &'static str,
    &'static str,
    Option<(&'static str, &'static str)>,
    Option<&'static str>,
    Needs,
);

const CONVERSATION: &[Line] = &[
    ("GET", "/", None, None, Listing),
    ("GET", "/k", None, None, Nothing),
    ("HEAD", "/k", None, None, Nothing),
    ("DELETE", "/k", None, None, Nothing),
    ("DELETE", "/k", Some(("if-match", "\"x\"")), None, Etags),
    ("PUT", "/k", Some(("if-match", "\"x\"")), Some("v"), Etags),
    ("PUT", "/k", Some(("if-none-match", "*")), Some("v1"), Etags),
    ("PUT", "/k", Some(("if-none-match", "*")), Some("v2"), Etags),
    ("GET", "/k", None, None, Nothing),
    ("HEAD", "/k", None, None, Nothing),
    (
        "PUT",
        "/k",
        Some(("content-type", "application/json")),
        Some("{\"a\": 1}"),
        Nothing,
    ),
    ("GET", "/k", None, None, Nothing),
    ("PUT", "/k", Some(("if-match", "{etag}")), Some("v3"), Etags),
    ("GET", "/k", None, None, Nothing),
    ("PUT", "/k", Some(("if-match", "\"x\"")), Some("v"), Etags),
    ("PUT", "/", None, Some("v"), Nothing),
    ("PUT", "/a||b", None, Some("v"), Nothing),
    ("PUT", "/a%00b", None, Some("v"), Nothing),
    ("PUT", "/k?ttl=0", None, Some("v"), Nothing),
    ("PUT", "/k?ttl=2147483648", None, Some("v"), Nothing),
    ("GET", "/?limit=0", None, None, Listing),
    ("GET", "/?limit=1001", None, None, Listing),
    ("GET", "/?cursor=x", None, None, Listing),
    ("GET", "/?prefix=a||b", None, None, Listing),
    ("GET", "/k?store=nowhere", None, None, Nothing),
    ("GET", "/k?store=private", None, None, Nothing),
    ("POST", "/", None, Some("[]"), Transactions),
    ("POST", "/", None, Some("nonsense"), Transactions),
    (
        "POST",
        "/",
        None,
        Some(r#"[{"op": "set", "key": "a", "value": "1"}, {"op": "set", "key": "a", "value": "2"}]"#),
        Transactions,
    ),
    (
        "POST",
        "/",
        None,
        Some(r#"[{"op": "set", "key": "a", "value": "1"}, {"op": "delete", "key": "k", "etag": "x"}]"#),
        Transactions,
    ),
    ("GET", "/a", None, None, Nothing),
    (
        "POST",
        "/",
        None,
        Some(r#"[{"op": "set", "key": "a", "value": "1"}, {"op": "delete", "key": "k"}]"#),
        Transactions,
    ),
    ("GET", "/a", None, None, Nothing),
    ("GET", "/k", None, None, Nothing),
    ("GET", "/", None, None, Listing),
    ("PATCH", "/a", None, Some("v"), Nothing),
    ("DELETE", "/a", Some(("if-match", "\"x\"")), None, Etags),
    ("DELETE", "/a", None, None, Nothing),
    ("GET", "/?prefix=a", None, None, Listing),
];

/// What may differ between two runs on one store: when it was, which request it was, and what the store calls a version.
const OF_THE_MOMENT: [&str; 3] = ["date", "x-request-id", "etag"];

fn answer(kv: &Kv, (method, target, header, body, _): Line) -> Response {
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

/// The lines that need no more than these stores have, answered by each of them.
fn goes_the_same_way(stores: &[Store], has: &[Needs]) {
    let stores: Vec<_> = stores.iter().map(Store::kv).collect();
    let lines = CONVERSATION.iter().filter(|(.., needs)| has.contains(needs));
    for (number, line) in lines.enumerate() {
        let answers = stores.iter().map(|kv| {
            let mut response = answer(kv, *line);
            if !has.contains(&Etags) {
                // Others give one without being asked.
                response.headers.remove("etag");
            }
            timeless(&response)
        });
        let answers: Vec<_> = answers.collect();
        for other in &answers[1..] {
            assert_eq!(&answers[0], other, "line {number}: {line:?}");
        }
    }
}

#[test]
fn a_conversation_goes_the_same_way_on_every_store() {
    let all = [Store::in_memory(), Store::sqlite(), Store::store_memory()];
    goes_the_same_way(&all, &[Nothing, Etags, Transactions, Listing]);
}

#[test]
fn a_conversation_goes_the_same_way_on_plugins_as_far_as_they_have_features() {
    goes_the_same_way(&[Store::in_memory(), Store::plugin_reactor()], &[Nothing, Etags]);
    goes_the_same_way(&[Store::in_memory(), Store::plugin_command()], &[Nothing]);
}
