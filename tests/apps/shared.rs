//! What an app in one language has written, one in another reads and changes: the data is the app's, not the language's.

use crate::ground::Ground;
use serde_json::{Value, json};
use tempfile::TempDir;

const LANGUAGES: [&str; 6] = ["c", "go", "javascript", "python", "rust", "typescript"];

#[test]
fn each_language_goes_on_where_the_one_before_left_off() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("state.db").display().to_string();
    let settings = format!("type = \"sqlite\"\nconnectionString = {file:?}\n");
    let mut count = 0;
    let mut todo: Option<Value> = None;
    for language in LANGUAGES {
        Ground::with(language, |ground| {
            let ground = ground.on(settings.clone());
            let host = ground.host("counter");
            count += 1;
            assert_eq!(
                host.client().post("/shared", "").text(),
                count.to_string(),
                "{language}"
            );
            host.stop();

            let host = ground.host("todo");
            let new = json!({ "title": "käse \u{1F9C0}", "ttl": 100_000 }).to_string();
            let known = todo.get_or_insert_with(|| host.client().post("/todos", new).json());
            let target = format!("/todos/{}", known["id"].as_str().unwrap());
            assert_eq!(host.get(&target).json(), *known, "{language}");
            known["title"] = json!(format!("käse \u{1F9C0}, by {language}"));
            let change = json!({ "title": known["title"] }).to_string();
            let changed = host.call("PATCH", &target).body(change).send();
            assert_eq!((changed.status, &changed.json()), (200, &*known), "{language}");
            host.stop();
        });
    }
    assert!(count > 0);
}
