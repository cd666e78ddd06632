//! The apps that users start from: `counter`, `todo` and `fan-in`.

use crate::ground::Store;
use dapr_wasm_tests::{Host, PATIENCE, Response, until};
use serde_json::{Value, json};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

crate::on_every_store! {
    a_counter_counts_from_nothing,
    counters_have_names_and_the_root_is_default,
    a_counters_name_is_its_decoded_path,
    a_counter_knows_two_methods,
    of_64_additions_at_once_none_is_lost,
    a_todo_goes_from_open_to_done_to_archived,
    a_todo_with_a_ttl_goes_away,
    changes_of_a_todo_do_not_move_its_end,
    a_todo_that_is_always_changed_ends_all_the_same,
    todos_are_listed_a_page_at_a_time,
    a_todo_that_makes_no_sense_is_refused,
    what_is_no_id_names_nothing,
    changes_of_one_todo_at_once_are_all_done_or_refused,
    several_keys_are_read_in_one_request,
    a_read_of_many_that_cannot_be_done_says_why,
    more_than_an_instance_can_hold_is_refused_and_its_neighbours_live,
}

// ---- counter ----

fn a_counter_counts_from_nothing(store: &Store) {
    let host = store.host("counter");
    assert_eq!(text(&host.get("/new")), "0");
    for number in 1..=3 {
        assert_eq!(text(&host.client().post("/new", "")), number.to_string());
        assert_eq!(text(&host.get("/new")), number.to_string());
    }
    // Reading makes nothing.
    assert_eq!(text(&host.get("/other")), "0");
}

/// The text of a 200.
fn text(response: &Response) -> String {
    assert_eq!(response.status, 200, "{}", response.text());
    assert_eq!(response.header("content-type"), Some("text/plain; charset=utf-8"));
    response.text()
}

fn counters_have_names_and_the_root_is_default(store: &Store) {
    let host = store.host("counter");
    assert_eq!(text(&host.client().post("/", "")), "1");
    assert_eq!(text(&host.client().post("/default", "")), "2");
    assert_eq!(text(&host.client().post("/a", "")), "1");
    assert_eq!(text(&host.get("/")), "2");
    // What follows the path is none of it.
    assert_eq!(text(&host.get("/a?b=c")), "1");
}

fn a_counters_name_is_its_decoded_path(store: &Store) {
    let host = store.host("counter");
    for (one, other) in [
        ("/a%2Fb", "/a/b"),
        ("/k%C3%A4se", "/k%c3%a4se"),
        ("/%25", "/%2525"),
        ("/a+b", "/a%2Bb"),
    ] {
        assert_eq!(text(&host.client().post(one, "")), "1", "{one}");
        let same = if one == "/%25" { "0" } else { "1" };
        assert_eq!(text(&host.get(other)), same, "{other}");
    }
    for malformed in ["/%", "/%zz", "/%FF"] {
        assert_eq!(host.get(malformed).status, 400, "{malformed}");
    }
    // Names that the store has no room for.
    assert_eq!(host.get("/a||b").status, 400);
    assert_eq!(host.client().post(&format!("/{}", "x".repeat(1025)), "").status, 413);
}

fn a_counter_knows_two_methods(store: &Store) {
    let host = store.host("counter");
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
        let response = host.call(method, "/").body("").send();
        assert_eq!(
            (response.status, response.header("allow")),
            (405, Some("GET, POST")),
            "{method}"
        );
    }
    assert_eq!(text(&host.get("/")), "0");
}

fn of_64_additions_at_once_none_is_lost(store: &Store) {
    const AT_ONCE: usize = 64;
    let host = store.host("counter");
    let client = host.client();
    let answers: Vec<_> = thread::scope(|scope| {
        let adders: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(|| client.post("/busy", ""))).collect();
        adders.into_iter().map(|adder| adder.join().unwrap()).collect()
    });
    // Who collides does so with one that is done then. There are 63 others, each done once: nobody needs a 65th try.
    let mut numbers: Vec<usize> = answers.iter().map(|answer| text(answer).parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=AT_ONCE).collect::<Vec<_>>());
    assert_eq!(text(&host.get("/busy")), AT_ONCE.to_string());
}

// ---- todo ----

/// What a POST of a todo answers.
fn created(host: &Host, todo: &Value) -> Value {
    let response = host.client().post("/todos", todo.to_string());
    assert_eq!(response.status, 201, "{}", response.text());
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

fn a_todo_goes_from_open_to_done_to_archived(store: &Store) {
    let host = store.host("todo");
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

fn a_todo_with_a_ttl_goes_away(store: &Store) {
    let host = store.host("todo");
    create(&host, &json!({ "title": "lasting", "ttl": 1000 }));
    let brief = created(&host, &json!({ "title": "brief", "ttl": 1 }));
    until("the todo to end", PATIENCE, || {
        (host.get(&target(&brief)).status == 404).then_some(())
    });
    assert_eq!(list(&host, "/todos").len(), 1);
}

fn changes_of_a_todo_do_not_move_its_end(store: &Store) {
    let host = store.host("todo");
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

fn a_todo_that_is_always_changed_ends_all_the_same(store: &Store) {
    const TTL: u64 = 2;
    let host = store.host("todo");
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

fn todos_are_listed_a_page_at_a_time(store: &Store) {
    const TODOS: usize = 120;
    let host = store.host("todo");
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

fn a_todo_that_makes_no_sense_is_refused(store: &Store) {
    let host = store.host("todo");
    let long = json!({ "title": "x".repeat(1025) }).to_string();
    for body in [
        "",
        "[]",
        "{}",
        r#"{"title": ""}"#,
        r#"{"title": "x", "ttl": 0}"#,
        r#"{"titel": "x"}"#,
        &long,
    ] {
        let response = host.client().post("/todos", body);
        assert_eq!(response.status, 400, "{body}");
        assert!(response.json()["error"].is_string());
    }
    let put = host.call("PUT", "/todos").body("").send();
    assert_eq!((put.status, put.header("allow")), (405, Some("GET, POST")));
    assert_eq!(host.get("/").status, 404);
    for target in [
        "/todos?cursor=nonsense",
        "/todos?page=2",
        "/todos?cursor=a&cursor=b",
        "/todos?cursor=%",
    ] {
        assert_eq!(host.get(target).status, 400, "{target}");
    }
    assert!(list(&host, "/todos").is_empty());
}

fn what_is_no_id_names_nothing(store: &Store) {
    let host = store.host("todo");
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

fn changes_of_one_todo_at_once_are_all_done_or_refused(store: &Store) {
    let host = &store.host("todo");
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

// ---- fan-in ----

fn several_keys_are_read_in_one_request(store: &Store) {
    let host = store.host("fan-in");
    for (key, value) in [("/a", "1"), ("/b", "2"), ("/c%2Cd", "käse"), ("/one%20two", "3")] {
        assert_eq!(host.client().put(key, value).status, 204);
    }
    let response = host.get("/?keys=a,b,c%2Cd,absent");
    assert_eq!(
        (response.status, response.header("content-type")),
        (200, Some("application/json"))
    );
    assert_eq!(response.json(), json!({ "a": "1", "b": "2", "c,d": "käse" }));
    // In a query a plus is a space.
    assert_eq!(host.get("/?keys=one+two").json(), json!({ "one two": "3" }));
    // As many as a request may name.
    let keys = vec!["a"; 100].join(",");
    assert_eq!(host.get(&format!("/?keys={keys}")).json(), json!({ "a": "1" }));
}

fn a_read_of_many_that_cannot_be_done_says_why(store: &Store) {
    let host = store.host("fan-in");
    for target in [
        "/",
        "/?keys=",
        "/?keys=a,,b",
        "/?keys=%zz",
        "/?keys=a||b",
        "/?keys=a&keys=b",
        "/?keys=a&kyes=b",
        "/?key=a",
    ] {
        let response = host.get(target);
        assert_eq!(response.status, 400, "{target}: {}", response.text());
        assert!(!response.text().is_empty(), "{target}");
    }
    assert_eq!(host.client().put("/a?ttl=5", "x").status, 400);
    assert_eq!(host.get("/?keys=a").json(), json!({}));
    assert_eq!(host.get(&format!("/?keys={}", "x".repeat(1025))).status, 413);
    assert_eq!(host.call("DELETE", "/a").send().status, 405);
}

/// An instance of this app serves several at once: one that ended it would end the others too.
fn more_than_an_instance_can_hold_is_refused_and_its_neighbours_live(store: &Store) {
    let host = store.host("fan-in");
    assert_eq!(host.client().put("/a", "1").status, 204);
    let value = "v".repeat(4 << 20);
    let names: Vec<_> = (0..40).map(|number| format!("large{number}")).collect();
    for name in &names[..3] {
        assert_eq!(host.client().put(&format!("/{name}"), value.as_str()).status, 204);
    }
    assert_eq!(host.client().put("/large", format!("{value}v")).status, 413);

    let many: Vec<_> = (0..12_000).map(|number| number.to_string()).collect();
    let too_many = format!("/?keys={}", many.join(","));
    let too_large = format!("/?keys={}", names.join(","));
    thread::scope(|scope| {
        let neighbour = scope.spawn(|| {
            for _ in 0..50 {
                let response = host.get("/?keys=a");
                assert_eq!(response.status, 200, "{}", response.text());
            }
        });
        for (target, status) in [(&too_many, 400), (&too_large, 413)] {
            let response = host.get(target);
            assert_eq!(response.status, status, "{}", response.text());
        }
        neighbour.join().unwrap();
    });
    assert_eq!(host.get("/?keys=large0").json()["large0"], value);
}
