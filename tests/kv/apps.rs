//! The apps that users start from: `counter`, `todo` and `fan-in`.

use crate::ground::Store;
use dapr_wasm_tests::{Host, PATIENCE, Response, until};
use serde_json::{Value, json};
use std::thread;

crate::on_every_store! {
    a_counter_counts_from_nothing,
    counters_have_names_and_the_root_is_default,
    a_counters_name_is_its_decoded_path,
    a_counter_knows_two_methods,
    of_64_additions_at_once_none_is_lost,
    a_todo_goes_from_open_to_done_to_archived,
    a_todo_with_a_ttl_goes_away_and_keeps_its_ttl_when_it_changes,
    todos_are_listed_a_page_at_a_time,
    a_todo_that_makes_no_sense_is_refused,
    changes_of_one_todo_at_once_are_all_done_or_refused,
    several_keys_are_read_at_once,
    a_read_of_many_that_cannot_be_done_says_why,
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
    let (counted, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert!(refused.iter().all(|answer| answer.status == 409), "{refused:?}");
    let mut numbers: Vec<usize> = counted.iter().map(|answer| answer.text().parse().unwrap()).collect();
    numbers.sort_unstable();
    // Each number was answered once, and there is none besides.
    assert_eq!(numbers, (1..=counted.len()).collect::<Vec<_>>());
    assert_eq!(text(&host.get("/busy")), counted.len().to_string());
    assert!(!counted.is_empty());
}

// ---- todo ----

fn create(host: &Host, todo: &Value) -> Value {
    let response = host.client().post("/todos", todo.to_string());
    assert_eq!(response.status, 201, "{}", response.text());
    let created = response.json();
    let location = format!("/todos/{}", created["id"].as_str().unwrap());
    assert_eq!(response.header("location"), Some(location.as_str()));
    assert_eq!(host.get(&location).json(), created);
    created
}

fn change(host: &Host, todo: &Value, change: &Value) -> Response {
    let target = format!("/todos/{}", todo["id"].as_str().unwrap());
    host.call("PATCH", &target).body(change.to_string()).send()
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

    let target = format!("/todos/{}", milk["id"].as_str().unwrap());
    assert_eq!(
        (host.client().delete(&target).status, host.get(&target).status),
        (204, 404)
    );
}

fn a_todo_with_a_ttl_goes_away_and_keeps_its_ttl_when_it_changes(store: &Store) {
    let host = store.host("todo");
    let lasting = create(&host, &json!({ "title": "lasting", "ttl": 1000 }));
    let brief = create(&host, &json!({ "title": "brief", "ttl": 1 }));
    assert!(change(&host, &lasting, &json!({ "done": true })).json()["expires_at"].is_u64());
    let target = format!("/todos/{}", brief["id"].as_str().unwrap());
    until("the todo to end", PATIENCE, || {
        (host.get(&target).status == 404).then_some(())
    });
    assert_eq!(list(&host, "/todos").len(), 1);
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
    assert_eq!((host.get("/").status, host.get("/todos/nothing").status), (404, 404));
    assert_eq!(host.get("/todos?cursor=nonsense").status, 400);
    assert!(list(&host, "/todos").is_empty());
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

fn several_keys_are_read_at_once(store: &Store) {
    let host = store.host("fan-in");
    for (key, value) in [("/a", "1"), ("/b", "2"), ("/c%2Cd", "käse")] {
        assert_eq!(host.client().put(key, value).status, 204);
    }
    let response = host.get("/?keys=a,b,c%2Cd,absent");
    assert_eq!(
        (response.status, response.header("content-type")),
        (200, Some("application/json"))
    );
    assert_eq!(response.json(), json!({ "a": "1", "b": "2", "c,d": "käse" }));
    // As many as an app may want at once.
    let keys = vec!["a"; 200].join(",");
    assert_eq!(host.get(&format!("/?keys={keys}")).json(), json!({ "a": "1" }));
}

fn a_read_of_many_that_cannot_be_done_says_why(store: &Store) {
    let host = store.host("fan-in");
    for target in ["/", "/?keys=", "/?keys=a,,b", "/?keys=%zz", "/?keys=a||b"] {
        let response = host.get(target);
        assert_eq!(response.status, 400, "{target}: {}", response.text());
        assert!(!response.text().is_empty(), "{target}");
    }
    assert_eq!(host.get(&format!("/?keys={}", "x".repeat(1025))).status, 413);
    assert_eq!(host.call("DELETE", "/a").send().status, 405);
}
