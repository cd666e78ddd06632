//! The to-do list: a JSON API with TTL, listing by prefix and a transaction.

use crate::ground::{Ground, head_is_get_without_its_body};
use dapr_wasm_tests::{Host, PATIENCE, Response, until};
use serde_json::{Value, json};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

crate::in_every_language! {
    a_todo_goes_from_open_to_done_to_archived,
    a_todo_says_what_it_is_and_nothing_else,
    what_is_archived_ends_after_30_days,
    a_title_is_any_text_of_up_to_1024_bytes,
    a_body_is_json_whatever_its_content_type_says,
    a_todo_with_a_ttl_goes_away,
    changes_of_a_todo_do_not_move_its_end,
    a_todo_that_is_always_changed_ends_all_the_same,
    todos_are_listed_a_page_at_a_time,
    a_todo_that_makes_no_sense_is_refused,
    a_change_that_makes_no_sense_is_refused_and_changes_nothing,
    each_path_names_its_methods,
    head_says_what_get_does_without_its_body,
    what_is_no_id_names_nothing,
    changes_of_one_todo_at_once_are_all_done_or_refused,
}

/// What a POST of a todo answers.
fn created(host: &Host, todo: &Value) -> Value {
    let response = host.client().post("/todos", todo.to_string());
    assert_eq!(response.status, 201, "{}", response.text());
    assert_eq!(response.header("content-type"), Some("application/json"));
    let created = response.json();
    let location = target(&created);
    assert_eq!(response.header("location"), Some(location.as_str()));
    created
}

/// Makes a todo that lives long enough to be read.
fn create(host: &Host, todo: &Value) -> Value {
    let created = created(host, todo);
    assert_eq!(host.get(&target(&created)).json(), created);
    created
}

fn target(todo: &Value) -> String {
    format!("/todos/{}", todo["id"].as_str().expect("a todo has an id"))
}

fn change(host: &Host, todo: &Value, change: &Value) -> Response {
    host.call("PATCH", &target(todo)).body(change.to_string()).send()
}

fn list(host: &Host, target: &str) -> Vec<Value> {
    let response = host.get(target);
    assert_eq!(response.status, 200, "{}", response.text());
    response.json()["todos"].as_array().expect("a page is a list").clone()
}

fn a_todo_goes_from_open_to_done_to_archived(ground: &Ground) {
    let host = ground.host("todo");
    let bread = create(&host, &json!({ "title": "bread" }));
    let milk = create(&host, &json!({ "title": "mlk" }));
    assert_eq!((&bread["title"], &bread["done"]), (&json!("bread"), &json!(false)));
    let changed = change(&host, &milk, &json!({ "title": "milk" }));
    assert_eq!((changed.status, &changed.json()["title"]), (200, &json!("milk")));
    assert_eq!(
        change(&host, &bread, &json!({ "done": true })).json()["done"],
        json!(true)
    );
    assert_eq!(list(&host, "/todos").len(), 2);

    let archived = host.client().post("/todos/archive-done", "");
    assert_eq!((archived.status, archived.json()), (200, json!({ "archived": 1 })));
    let titles = |target: &str| {
        list(&host, target)
            .iter()
            .map(|todo| todo["title"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (titles("/todos"), titles("/archive")),
        (vec![json!("milk")], vec![json!("bread")])
    );
    assert_eq!(change(&host, &bread, &json!({ "done": false })).status, 404);
    assert_eq!(
        host.client().post("/todos/archive-done", "").json(),
        json!({ "archived": 0 })
    );

    let target = target(&milk);
    assert_eq!(
        (host.client().delete(&target).status, host.get(&target).status),
        (204, 404)
    );
}

fn a_todo_says_what_it_is_and_nothing_else(ground: &Ground) {
    let host = ground.host("todo");
    let lasting = create(&host, &json!({ "title": "lasting" }));
    let id = lasting["id"].as_str().expect("an id is text");
    assert!(id.len() == 32 && id.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')));
    assert_eq!(lasting, json!({ "id": id, "title": "lasting", "done": false }));

    let before = now();
    let ending = create(&host, &json!({ "title": "ending", "ttl": 1000 }));
    let end = ending["expires_at"].as_u64().expect("an end is a number of seconds");
    assert!((before + 1000..=now() + 1001).contains(&end), "{end}");
    assert_eq!(
        ending,
        json!({ "id": ending["id"], "title": "ending", "done": false, "expires_at": end })
    );
    assert_ne!(ending["id"], lasting["id"]);

    let page = host.get("/todos");
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, Some("application/json"))
    );
    let mut todos = page.json()["todos"].as_array().expect("a page is a list").clone();
    todos.sort_unstable_by_key(|todo| todo["title"].to_string());
    assert_eq!(todos, [ending, lasting]);
    assert_eq!(page.json(), json!({ "todos": page.json()["todos"], "cursor": null }));
}

/// Seconds since 1970 that have passed in full.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn what_is_archived_ends_after_30_days(ground: &Ground) {
    const DAYS: u64 = 30 * 24 * 60 * 60;
    let host = ground.host("todo");
    for ttl in [None, Some(1000)] {
        let todo = create(&host, &json!({ "title": "done", "ttl": ttl }));
        assert_eq!(change(&host, &todo, &json!({ "done": true })).status, 200);
    }
    let before = now();
    let archived = host.client().post("/todos/archive-done", "");
    assert_eq!(archived.json(), json!({ "archived": 2 }));
    let archive = list(&host, "/archive");
    assert_eq!(archive.len(), 2);
    for todo in &archive {
        let end = todo["expires_at"].as_u64().expect("what is archived ends");
        assert!((before + DAYS..=now() + DAYS + 1).contains(&end), "{end}");
        assert_eq!(todo["done"], json!(true));
    }
}

fn a_title_is_any_text_of_up_to_1024_bytes(ground: &Ground) {
    let host = ground.host("todo");
    for title in [
        "käse",
        "\u{1F9C0} \u{10FFFF}",
        "\"quoted\" \\ / \u{8}\u{c}\n\r\t\u{1f}\u{7f}\u{2028}",
        "a\0b",
        &"x".repeat(1024),
        &"ä".repeat(512),
    ] {
        let todo = create(&host, &json!({ "title": title }));
        assert_eq!(todo["title"], json!(title));
    }
    // The same character in the two spellings of JSON.
    let escaped = host.client().post("/todos", r#"{"title": "\u00e4\ud83e\uddc0"}"#);
    assert_eq!((escaped.status, &escaped.json()["title"]), (201, &json!("ä\u{1F9C0}")));
    let refused = host
        .client()
        .post("/todos", json!({ "title": "ä".repeat(513) }).to_string());
    assert_refused(&refused, "1026 bytes");
}

fn a_body_is_json_whatever_its_content_type_says(ground: &Ground) {
    let host = ground.host("todo");
    for content_type in ["application/x-www-form-urlencoded", "application/json", "text/plain"] {
        let post = host.call("POST", "/todos").header("content-type", content_type);
        assert_eq!(post.body(r#"{"title": "x"}"#).send().status, 201, "{content_type}");
    }
}

/// 400, and a text that says why.
fn assert_refused(response: &Response, what: &str) {
    assert_eq!(response.status, 400, "{what}: {}", response.text());
    assert_error(response, what);
}

/// An error as the app documents it.
fn assert_error(response: &Response, what: &str) {
    assert_eq!(response.header("content-type"), Some("application/json"), "{what}");
    let error = response.json();
    assert!(
        error["error"].as_str().is_some_and(|text| !text.is_empty()),
        "{what}: {error}"
    );
    assert_eq!(error, json!({ "error": error["error"] }), "{what}");
}

fn a_todo_with_a_ttl_goes_away(ground: &Ground) {
    let host = ground.host("todo");
    create(&host, &json!({ "title": "lasting", "ttl": 1000 }));
    let brief = created(&host, &json!({ "title": "brief", "ttl": 1 }));
    until("the todo to end", PATIENCE, || {
        (host.get(&target(&brief)).status == 404).then_some(())
    });
    assert_eq!(list(&host, "/todos").len(), 1);
}

fn changes_of_a_todo_do_not_move_its_end(ground: &Ground) {
    let host = ground.host("todo");
    let todo = create(&host, &json!({ "title": "lasting", "ttl": 1000 }));
    let end = todo["expires_at"]
        .as_u64()
        .expect("a todo with a TTL says when it ends");
    for number in 0..5 {
        let changed = change(&host, &todo, &json!({ "title": format!("change {number}") }));
        assert_eq!(changed.status, 200, "{}", changed.text());
        assert_eq!(changed.json()["expires_at"], end);
        assert_eq!(host.get(&target(&todo)).json()["expires_at"], end);
    }
    assert_eq!(list(&host, "/todos")[0]["expires_at"], end);
}

fn a_todo_that_is_always_changed_ends_all_the_same(ground: &Ground) {
    const TTL: u64 = 2;
    let host = ground.host("todo");
    let todo = created(&host, &json!({ "title": "restless", "ttl": TTL }));
    let end = todo["expires_at"]
        .as_u64()
        .expect("a todo with a TTL says when it ends");
    until("the todo to end", PATIENCE, || {
        let asked = SystemTime::now();
        let status = change(&host, &todo, &json!({ "done": true })).status;
        let late = asked >= UNIX_EPOCH + Duration::from_secs(end);
        assert!(status == 404 || !late, "{status}, after its end");
        (status == 404).then_some(())
    });
    assert_eq!(host.get(&target(&todo)).status, 404);
}

fn todos_are_listed_a_page_at_a_time(ground: &Ground) {
    const TODOS: usize = 120;
    let host = ground.host("todo");
    for number in 0..TODOS {
        create(&host, &json!({ "title": format!("todo {number}") }));
    }
    let first = host.get("/todos").json();
    let cursor = first["cursor"].as_str().expect("there are more than a page");
    let encoded: String = cursor.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let second = host.get(&format!("/todos?cursor={encoded}")).json();
    assert_eq!(second["cursor"], Value::Null);
    let both = [&first, &second]
        .map(|page| page["todos"].as_array().unwrap().clone())
        .concat();
    let mut ids: Vec<_> = both.iter().map(|todo| todo["id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((both.len(), ids.len()), (TODOS, TODOS));
}

fn a_todo_that_makes_no_sense_is_refused(ground: &Ground) {
    let host = ground.host("todo");
    let long = json!({ "title": "x".repeat(1025) }).to_string();
    for body in [
        "",
        "[]",
        "{}",
        r#"{"title": ""}"#,
        r#"{"title": "x", "ttl": 0}"#,
        r#"{"titel": "x"}"#,
        r#"{"title": "x", "done": true}"#,
        r#"{"title": 1}"#,
        r#"{"title": ["x"]}"#,
        r#"{"title": "x", "ttl": -1}"#,
        r#"{"title": "x", "ttl": 1.5}"#,
        r#"{"title": "x", "ttl": "1"}"#,
        r#"{"title": "x", "ttl": true}"#,
        r#"{"title": "x", "ttl": 2147483648}"#,
        r#"{"title": "x", "ttl": 18446744073709551616}"#,
        r#"{"title": "x"} x"#,
        r#"{"title": "x",}"#,
        r#"{"title": "x\y"}"#,
        "{\"title\": \"x\ny\"}",
        "null",
        "nonsense",
        &long,
    ] {
        assert_refused(&host.client().post("/todos", body), body);
    }
    let nothing = host.get("/");
    assert_eq!(nothing.status, 404);
    assert_error(&nothing, "/");
    for target in [
        "/todos?cursor=nonsense",
        "/todos?page=2",
        "/todos?cursor=a&cursor=b",
        "/todos?cursor=%",
    ] {
        assert_refused(&host.get(target), target);
    }
    assert!(list(&host, "/todos").is_empty());
}

fn a_change_that_makes_no_sense_is_refused_and_changes_nothing(ground: &Ground) {
    let host = ground.host("todo");
    let todo = create(&host, &json!({ "title": "start" }));
    let unchanged = change(&host, &todo, &json!({}));
    assert_eq!((unchanged.status, unchanged.json()), (200, todo.clone()));
    for body in [
        "",
        "[]",
        r#"{"title": ""}"#,
        r#"{"title": 1}"#,
        r#"{"done": "true"}"#,
        r#"{"done": 1}"#,
        r#"{"done": true, "ttl": 5}"#,
        r#"{"id": "x"}"#,
    ] {
        let response = host.call("PATCH", &target(&todo)).body(body).send();
        assert_refused(&response, body);
    }
    assert_eq!(host.get(&target(&todo)).json(), todo);
}

fn each_path_names_its_methods(ground: &Ground) {
    let host = ground.host("todo");
    let one = format!("/todos/{}", "0".repeat(32));
    for (target, methods) in [
        ("/todos", "GET, HEAD, POST"),
        ("/todos/archive-done", "POST"),
        ("/archive", "GET, HEAD"),
        (&one, "GET, HEAD, PATCH, DELETE"),
    ] {
        for method in ["PUT", "OPTIONS", "BREW"] {
            let response = host.call(method, target).body("").send();
            let allow = response.header("allow");
            assert_eq!((response.status, allow), (405, Some(methods)), "{method} {target}");
            assert_error(&response, target);
        }
    }
    assert_eq!(host.get("/todos/archive-done").header("allow"), Some("POST"));
}

fn head_says_what_get_does_without_its_body(ground: &Ground) {
    let host = ground.reused("todo");
    let todo = target(&create(&host, &json!({ "title": "bread" })));
    let nobodys = format!("/todos/{}", "0".repeat(32));
    let targets = [
        "/todos",
        "/archive",
        "/todos/archive-done",
        "/nothing",
        "/todos?page=2",
        &todo,
        &nobodys,
    ];
    head_is_get_without_its_body(host, &targets);
}

fn what_is_no_id_names_nothing(ground: &Ground) {
    let host = ground.host("todo");
    let todo = create(&host, &json!({ "title": "bread" }));
    let capitals = target(&todo).to_uppercase().replace("/TODOS/", "/todos/");
    let long = format!("/todos/{}", "x".repeat(1030));
    // The last is well-formed, and nobody's.
    let nobodys = format!("/todos/{}", "0".repeat(32));
    for target in [
        "/todos/",
        "/todos/nothing",
        "/todos/a||b",
        "/todos/%00",
        &long,
        &nobodys,
    ] {
        assert_eq!(host.get(target).status, 404, "{target}");
        let patch = host.call("PATCH", target).body(r#"{"done": true}"#).send();
        assert_eq!(patch.status, 404, "{target}");
        let deleted = if target == nobodys { 204 } else { 404 };
        assert_eq!(host.client().delete(target).status, deleted, "{target}");
    }
    if capitals != target(&todo) {
        assert_eq!(host.get(&capitals).status, 404, "{capitals}");
    }
    assert_eq!(host.get(&target(&todo)).json(), todo);
}

fn changes_of_one_todo_at_once_are_all_done_or_refused(ground: &Ground) {
    let host = &ground.host("todo");
    let todo = &create(host, &json!({ "title": "start" }));
    let answers: Vec<_> = thread::scope(|scope| {
        let change = |number: usize| change(host, todo, &json!({ "title": format!("{number}") }));
        let changes: Vec<_> = (0..16).map(|number| scope.spawn(move || change(number))).collect();
        changes.into_iter().map(|change| change.join().unwrap()).collect()
    });
    assert!(
        answers.iter().all(|answer| matches!(answer.status, 200 | 409)),
        "{answers:?}"
    );
    let done: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .map(|answer| answer.json())
        .collect();
    // What is there now is what one of them was told.
    assert!(done.contains(&list(host, "/todos")[0]), "{done:?}");
}
