//! What does not depend on the order of things: that in which the database sorts, and that in which transactions meet.

use crate::ground::{VERSIONS, Version, app, open, open_at, put, read, serve};
use dapr_blocks::state::{DeleteItem, Operation, PageLimit, SetItem};
use dapr_wasm_tests::servers::Server;

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_listed_in_pages_whatever_the_databases_order() {
    for version in VERSIONS {
        let server = serve();
        server.client(&[
            "CREATE DATABASE other LOCALE_PROVIDER icu ICU_LOCALE 'de-u-ks-level2' LOCALE 'C.UTF-8' TEMPLATE template0",
        ]);
        let store = open_at(version, &server, &server.address(), "database = 'other'").await;
        let app = app(&store);
        let mut expected: Vec<String> = ["a", "B", "b%", "b_", "ba", "bz", "Ä", "ß", "z", "k\u{10ffff}", "k"]
            .iter()
            .flat_map(|name| [format!("p/{name}"), format!("q/{name}")])
            .collect();
        for key in &expected {
            put(&app, key, "v").await.unwrap();
        }
        expected.retain(|key| key.starts_with("p/"));
        expected.sort();
        let mut found = Vec::new();
        let mut cursor = None;
        loop {
            let page = app
                .list_keys("p/", PageLimit::new(3).unwrap(), cursor.as_ref())
                .await
                .unwrap();
            found.extend(page.keys);
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, expected, "{version:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_deletes_what_another_makes_has_all_before_it_or_all_behind() {
    for version in VERSIONS {
        let server = serve();
        let (one, other) = (open(version, &server).await, open(version, &server).await);
        let set = |key: &str, value: &str| Operation::Set(SetItem::new(key.to_owned(), value));
        let delete = |key: &str| Operation::Delete(DeleteItem::new(key.to_owned()));
        for round in 0..100 {
            let (one, other) = (app(&one), app(&other));
            let metadata = dapr_blocks::state::Metadata::default();
            let make = one.transact(vec![set("a", "one"), set("b", "one"), set("c", "one")], &metadata);
            let remove = other.transact(vec![set("b", "other"), delete("a"), delete("c")], &metadata);
            let (made, removed) = tokio::join!(make, remove);
            made.unwrap();
            removed.unwrap();
            let (a, b, c) = tokio::join!(read(&one, "a"), read(&one, "b"), read(&one, "c"));
            let b = String::from_utf8(b.unwrap().value).unwrap();
            let expected = if b == "one" { (true, true) } else { (false, false) };
            assert_eq!(
                (a.is_some(), c.is_some()),
                expected,
                "{version:?}, round {round}: b is of {b}"
            );
            assert_eq!(server_rows_that_ended(&server, version), "0");
            for key in ["a", "b", "c"] {
                one.delete(DeleteItem::new(key.to_owned())).await.unwrap();
            }
        }
    }
}

fn server_rows_that_ended(server: &Server, version: Version) -> String {
    server.client(&[&format!("SELECT count(*) FROM state WHERE {} < now()", version.end())])
}
