//! Bytes and content types that come back as they were.

use crate::ground::{VERSIONS, Version, app, open, put, read, serve};
use dapr_blocks::state::{BulkError, Condition, ContentType, Etag, GetOptions, Operation, SetItem};
use dapr_blocks::state::{DeleteItem, Limits, Metadata, StateStore};

/// JSON that `jsonb` hands back in another form, or does not take at all.
const JSON: [&str; 12] = [
    r#"{"a":1}"#,
    r#"{"a": 1}"#,
    " [1,\t2 ]\n",
    r#"{"b":1,"a":2,"a":3}"#,
    "1.50",
    "1e2",
    "1e999999",
    r#""\u0000""#,
    r#""\ud800""#,
    r#""ä\u00e4\n""#,
    "null",
    "\"\"",
];

fn typed(key: String, value: &str) -> SetItem<String> {
    SetItem {
        content_type: Some(ContentType::new("application/json").unwrap()),
        ..SetItem::new(key, value)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_comes_back_byte_for_byte_however_it_is_written() {
    for version in VERSIONS {
        let server = serve();
        let store = open(version, &server).await;
        let app = app(&store);
        for (index, value) in JSON.iter().enumerate() {
            app.set(typed(format!("set-{index}"), value)).await.unwrap();
        }
        let items = || JSON.iter().enumerate();
        app.bulk_set(
            items()
                .map(|(index, value)| typed(format!("bulk-{index}"), value))
                .collect(),
        )
        .await
        .unwrap();
        let mut operations: Vec<_> = items()
            .map(|(index, value)| Operation::Set(typed(format!("transact-{index}"), value)))
            .collect();
        operations.push(Operation::Delete(DeleteItem::new("nothing".to_owned())));
        app.transact(operations, &Metadata::default()).await.unwrap();
        for (index, value) in items() {
            for how in ["set", "bulk", "transact"] {
                let entry = read(&app, &format!("{how}-{index}")).await.unwrap();
                assert_eq!(String::from_utf8(entry.value).unwrap(), *value, "{version:?} {how}");
                assert_eq!(
                    entry.content_type.unwrap().as_str(),
                    "application/json",
                    "{version:?} {how} {value}"
                );
            }
        }
        let rows = server.client(&["SELECT count(*) FROM state"]);
        assert_eq!(rows, (3 * JSON.len()).to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_bytes_are_neither_read_nor_sent() {
    for version in VERSIONS {
        let server = serve();
        let store = open(version, &server).await;
        let app = app(&store);
        let value = vec![b'x'; 3 << 20];
        for key in ["a", "b", "c"] {
            put(&app, key, value.clone()).await.unwrap();
        }
        let keys = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let found = app.bulk_get(&keys(&["a", "b"]), &GetOptions::default()).await.unwrap();
        assert!(found.iter().all(|entry| entry.as_ref().unwrap().value == value));
        let error = app
            .bulk_get(&keys(&["a", "b", "c"]), &GetOptions::default())
            .await
            .unwrap_err();
        assert_eq!(error.case(), "too-large", "{version:?}");
        // A key that is named twice counts twice.
        let error = app
            .bulk_get(&keys(&["a", "a", "b"]), &GetOptions::default())
            .await
            .unwrap_err();
        assert_eq!(error.case(), "too-large", "{version:?}");
        // daprd writes what no app here may.
        let large = match version {
            Version::V1 => "to_jsonb(repeat('QUJD', 4000000)), true",
            Version::V2 => "convert_to(repeat('x', 12000000), 'UTF8')",
        };
        let columns = if version == Version::V1 {
            "value, isbinary"
        } else {
            "value"
        };
        server.client(&[&format!(
            "INSERT INTO state (key, {columns}) VALUES ('app||large', {large})"
        )]);
        let error = app.get("large", &GetOptions::default()).await.unwrap_err();
        assert_eq!(error.case(), "too-large", "{version:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_item_of_a_bulk_write_stands_by_itself_and_the_answer_names_those_that_do_not() {
    for version in VERSIONS {
        let server = serve();
        let store = open(version, &server).await;
        let app = app(&store);
        put(&app, "there", "old").await.unwrap();
        put(&app, "matching", "old").await.unwrap();
        let etag = read(&app, "matching").await.unwrap().etag.unwrap();
        let with = |key: &str, condition: Condition| SetItem {
            condition,
            ..SetItem::new(key.to_owned(), "new")
        };
        let error = app
            .bulk_set(vec![
                with("z", Condition::Any),
                with("there", Condition::Absent),
                with("matching", Condition::Matches(etag.clone())),
                with("new", Condition::Absent),
                with("missing", Condition::Matches(etag.clone())),
                with(
                    "there-too",
                    Condition::Matches(Etag::new("no etag\0of any kind").unwrap()),
                ),
            ])
            .await
            .unwrap_err();
        let BulkError::Items(failed) = error else {
            panic!("{version:?}: {error}")
        };
        let failed: Vec<_> = failed.iter().map(|item| (item.index, item.error.case())).collect();
        assert_eq!(
            failed,
            [(1, "etag-mismatch"), (4, "etag-mismatch"), (5, "etag-mismatch")],
            "{version:?}"
        );
        for (key, expected) in [("z", "new"), ("there", "old"), ("matching", "new"), ("new", "new")] {
            assert_eq!(
                read(&app, key).await.unwrap().value,
                expected.as_bytes(),
                "{version:?} {key}"
            );
        }
        assert_eq!(read(&app, "missing").await, None);
        let delete = |key: &str, etag: Option<Etag>| DeleteItem {
            etag,
            ..DeleteItem::new(key.to_owned())
        };
        let none = || Etag::new("none\0").unwrap();
        let set = app.set(with("there", Condition::Matches(none()))).await;
        assert_eq!(set.unwrap_err().case(), "etag-mismatch", "{version:?}");
        let deleted = app.delete(delete("there", Some(none()))).await;
        assert_eq!(deleted.unwrap_err().case(), "etag-mismatch", "{version:?}");
        let known = read(&app, "z").await.unwrap().etag;
        let error = app
            .bulk_delete(vec![
                delete("there", Some(etag)),
                delete("absent", None),
                delete("z", known),
            ])
            .await
            .unwrap_err();
        let BulkError::Items(failed) = error else {
            panic!("{version:?}: {error}")
        };
        assert_eq!(
            failed.iter().map(|item| item.index).collect::<Vec<_>>(),
            [0],
            "{version:?}"
        );
        assert!(read(&app, "there").await.is_some() && read(&app, "z").await.is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_hosts_that_write_the_same_keys_in_any_order_are_all_done() {
    for version in VERSIONS {
        let server = serve();
        let stores = [open(version, &server).await, open(version, &server).await];
        let mut writers = tokio::task::JoinSet::new();
        for (index, store) in stores.iter().cycle().take(8).enumerate() {
            let app = app(store);
            writers.spawn(async move {
                for round in 0..20_usize {
                    let mut keys: Vec<_> = (0..30).map(|key| format!("k{key:02}")).collect();
                    keys.rotate_left((index * 7 + round * 11) % 30);
                    let sets = |of: &[String]| of.iter().map(|key| SetItem::new(key.clone(), "v")).collect::<Vec<_>>();
                    app.bulk_set(sets(&keys[..20])).await.unwrap();
                    let (set, delete) = keys.split_at(15);
                    let operations = sets(set).into_iter().map(Operation::Set);
                    let operations =
                        operations.chain(delete.iter().cloned().map(DeleteItem::new).map(Operation::Delete));
                    app.transact(operations.collect(), &Metadata::default()).await.unwrap();
                    app.bulk_delete(keys[10..].iter().cloned().map(DeleteItem::new).collect())
                        .await
                        .unwrap();
                }
            });
        }
        writers.join_all().await;
        assert_eq!(stores[0].limits(), Limits::default());
    }
}
