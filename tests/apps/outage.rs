//! What is answered while the store's server is away: a status that a client can act on, and no detail of the store.

use crate::ground::Ground;
use dapr_wasm_tests::{PATIENCE, until};
use serde_json::json;

macro_rules! in_every_language {
    ($($language:ident)+) => {
        $(
            #[test]
            fn $language() {
                Ground::with(stringify!($language), |ground| {
                    a_server_that_is_away_is_503_until_it_is_back(ground.redis());
                });
            }
        )+
    };
}

in_every_language! { c go python rust typescript }

fn a_server_that_is_away_is_503_until_it_is_back(mut ground: Ground) {
    let (counter, todo) = (ground.host("counter"), ground.host("todo"));
    let made = todo.client().post("/todos", r#"{"title": "kept"}"#).json();
    assert_eq!(counter.client().post("/kept", "").text(), "1");
    let server = ground.server();
    server.kill();
    let refused = counter.get("/kept");
    assert_eq!(refused.status, 503, "{}", refused.text());
    let refused = todo.get("/todos");
    assert_eq!(
        (refused.status, refused.json()),
        (503, json!({ "error": "the todos are out of reach" }))
    );
    server.restart();
    until("the store to be back", PATIENCE, || {
        (counter.get("/kept").status == 200).then_some(())
    });
    assert_eq!(counter.get("/kept").text(), "1");
    until("the todos to be back", PATIENCE, || {
        (todo.get("/todos").status == 200).then_some(())
    });
    assert_eq!(todo.get("/todos").json()["todos"], json!([made]));
}
