//! The tables and rows, beside those of Dapr's own code, and what each does with the other's.

use crate::ground::{VERSIONS, Version, app, etag, open, open_at, put, read, serve, url};
use dapr_blocks::state::{Condition, ContentType, DeleteItem, Etag, SetItem, Ttl};
use dapr_wasm_tests::native::If;
use dapr_wasm_tests::servers::Server;
use dapr_wasm_tests::{Native, PATIENCE};
use std::time::{Duration, SystemTime};

/// Dapr's own code on the same tables, or on those in the schema `native`.
fn native(version: Version, server: &Server, more: &[(&str, &str)]) -> Native {
    let more = more.iter().map(|(name, value)| (*name, (*value).to_owned()));
    let metadata: Vec<_> = [("connectionString", url(server, &server.address()))]
        .into_iter()
        .chain(more)
        .collect();
    Native::open(version.native(), &metadata)
}

/// Columns, indices and metadata rows of daprd's tables in a schema.
fn tables(server: &Server, schema: &str) -> String {
    server.client(&[
        &format!(
            "SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity, identity_generation \
             FROM information_schema.columns WHERE table_schema = '{schema}' AND table_name IN ('state', 'dapr_metadata') \
             ORDER BY table_name, ordinal_position"
        ),
        &format!(
            "SELECT replace(indexdef, '{schema}.', '') FROM pg_indexes WHERE schemaname = '{schema}' \
             AND indexname NOT IN ('state_key_bytes', 'state_expiration') AND tablename IN ('state', 'dapr_metadata') ORDER BY 1"
        ),
        &format!(
            "SELECT conrelid::regclass::text = '{schema}.state' OR conrelid::regclass::text = 'state', contype, \
             pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = '{schema}'::regnamespace \
             AND conrelid::regclass::text !~ 'content_type' ORDER BY 1, 2, 3"
        ),
        &format!(
            "SELECT replace(key, 'native.', ''), CASE WHEN key LIKE 'last%' THEN 'a time' ELSE value END \
             FROM {schema}.dapr_metadata WHERE key NOT LIKE 'last%' ORDER BY key"
        ),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tables_are_those_of_daprs_own_code() {
    for version in VERSIONS {
        let server = serve();
        open(version, &server).await;
        server.client(&["CREATE SCHEMA native"]);
        let own = match version {
            Version::V1 => ("tableName", "native.state"),
            Version::V2 => ("tablePrefix", "native."),
        };
        drop(native(
            version,
            &server,
            &[own, ("metadataTableName", "native.dapr_metadata")],
        ));
        let ours = tables(&server, "public");
        assert!(ours.contains("state|row_id|bigint|NO||YES|BY DEFAULT"), "{ours}");
        assert!(ours.contains("lock|lock") && ours.contains("migrations"), "{ours}");
        assert_eq!(ours, tables(&server, "native"), "{version:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_dapr_made_are_used_and_the_reverse() {
    for version in VERSIONS {
        let server = serve();
        let mut theirs = native(version, &server, &[]);
        theirs.set("app||k", b"theirs", If::Anything, None).unwrap();
        let before = tables(&server, "public");
        let store = open(version, &server).await;
        assert_eq!(read(&app(&store), "k").await.unwrap().value, b"theirs", "{version:?}");
        put(&app(&store), "k", "ours").await.unwrap();
        assert_eq!(theirs.get("app||k").value, b"ours");
        assert_eq!(tables(&server, "public"), before);
        // Both start once more, and find nothing to do.
        assert_eq!(native(version, &server, &[]).get("app||k").value, b"ours");
        assert_eq!(
            read(&app(&open(version, &server).await), "k").await.unwrap().value,
            b"ours"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_an_older_dapr_are_brought_to_the_present_and_keep_their_items() {
    let server = serve();
    server.client(&[
        "CREATE TABLE dapr_metadata (key text NOT NULL PRIMARY KEY, value text NOT NULL)",
        "INSERT INTO dapr_metadata VALUES ('migrations', '1')",
        "CREATE TABLE state (key text NOT NULL PRIMARY KEY, value jsonb NOT NULL, isbinary boolean NOT NULL, \
         insertdate TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW(), updatedate TIMESTAMP WITH TIME ZONE NULL)",
        "INSERT INTO state (key, value, isbinary) VALUES ('app||b', '1', false), ('app||a', '\"AAH/\"', true)",
    ]);
    let store = open(Version::V1, &server).await;
    assert_eq!(read(&app(&store), "a").await.unwrap().value, b"\x00\x01\xff");
    assert_eq!(read(&app(&store), "b").await.unwrap().value, b"1");
    put(&app(&store), "c", "new").await.unwrap();
    assert_eq!(
        server.client(&["SELECT key, row_id FROM state ORDER BY row_id"]),
        "app||a|1\napp||b|2\napp||c|3"
    );
    assert_eq!(
        server.client(&["SELECT value FROM dapr_metadata WHERE key = 'migrations'"]),
        "3"
    );
    assert_eq!(native(Version::V1, &server, &[]).get("app||c").value, b"new");
}

/// What lies in the server of an item, but for what is new each time.
fn row(version: Version, server: &Server, key: &str) -> String {
    let columns = match version {
        Version::V1 => "value, isbinary, insertdate <= now(), updatedate IS NULL, row_id > 0",
        Version::V2 => "encode(value, 'hex'), created_at <= now(), updated_at IS NULL, row_id > 0, length(etag::text)",
    };
    server.client(&[&format!(
        "SELECT {columns}, {} IS NULL FROM state WHERE key = '{key}'",
        version.end()
    )])
}

fn typed(key: &str, value: &str, content_type: &str) -> SetItem<String> {
    SetItem {
        content_type: Some(ContentType::new(content_type).unwrap()),
        ..SetItem::new(key.to_owned(), value)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_those_that_daprs_own_code_writes() {
    const BYTES: [&[u8]; 4] = [b"text", b"", b"\x00\xff\x80", br#"{"json": "as bytes"}"#];
    for version in VERSIONS {
        let server = serve();
        let (store, mut theirs) = (open(version, &server).await, native(version, &server, &[]));
        let app = app(&store);
        let long: Vec<u8> = (0..200).collect();
        for (index, value) in BYTES.into_iter().chain([long.as_slice()]).enumerate() {
            put(&app, &format!("ours-{index}"), value).await.unwrap();
            theirs
                .set(&format!("app||theirs-{index}"), value, If::Anything, None)
                .unwrap();
            let ours = row(version, &server, &format!("app||ours-{index}"));
            assert_eq!(
                ours,
                row(version, &server, &format!("app||theirs-{index}")),
                "{version:?}"
            );
            assert!(!ours.is_empty());
        }
        // Once more, which is an update.
        for writes in ["ours", "theirs"] {
            let key = format!("{writes}-0");
            match writes {
                "ours" => put(&app, &key, "two").await.unwrap(),
                _ => theirs
                    .set(&format!("app||{key}"), b"two", If::Anything, Some(1000))
                    .unwrap(),
            }
        }
        let ends = SetItem {
            ttl: Some(Ttl::new(1000).unwrap()),
            ..SetItem::new("ours-0".to_owned(), "two")
        };
        app.set(ends).await.unwrap();
        let ours = row(version, &server, "app||ours-0");
        assert_eq!(ours, row(version, &server, "app||theirs-0"), "{version:?}");
        // Written as JSON, which both say in their own way.
        app.set(typed("ours-json", r#"{"b":[1,2.50],"a":null}"#, "application/json"))
            .await
            .unwrap();
        theirs
            .set_json("app||theirs-json", &serde_json::json!({ "b": [1, 2.5], "a": null }))
            .unwrap();
        let ours = row(version, &server, "app||ours-json");
        match version {
            // The same in jsonb, whose numbers keep their zeros.
            Version::V1 => assert_eq!(ours, r#"{"a": null, "b": [1, 2.50]}|f|t|t|t|t"#),
            // As bytes.
            Version::V2 => assert!(
                ours.starts_with("7b2262223a5b312c322e35305d2c2261223a6e756c6c7d|"),
                "{ours}"
            ),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_reads_updates_deletes_and_expires_what_the_other_wrote() {
    for version in VERSIONS {
        let server = serve();
        let (store, mut theirs) = (open(version, &server).await, native(version, &server, &[]));
        let app = app(&store);
        // Theirs, by us.
        theirs.set("app||k", b"theirs", If::Absent, None).unwrap();
        assert_eq!(read(&app, "k").await.unwrap().value, b"theirs");
        let known = etag(&app, "k").await;
        assert_eq!(
            theirs.get("app||k").etag.as_deref(),
            Some(known.as_str()),
            "{version:?}"
        );
        let update = |etag: &str, value: &str| SetItem {
            condition: Condition::Matches(Etag::new(etag).unwrap()),
            ..SetItem::new("k".to_owned(), value)
        };
        app.set(update(&known, "ours")).await.unwrap();
        assert_eq!(theirs.get("app||k").value, b"ours");
        assert!(theirs.set("app||k", b"late", If::Matches(&known), None).is_err());
        // Ours, by them.
        let known = theirs.get("app||k").etag.unwrap();
        theirs
            .set("app||k", b"theirs again", If::Matches(&known), None)
            .unwrap();
        assert_eq!(
            app.set(update(&known, "late")).await.unwrap_err().case(),
            "etag-mismatch"
        );
        assert_eq!(read(&app, "k").await.unwrap().value, b"theirs again");
        let known = etag(&app, "k").await;
        theirs.delete("app||k", Some(&known)).unwrap();
        assert_eq!(read(&app, "k").await, None);
        put(&app, "k", "ours").await.unwrap();
        assert!(theirs.delete("app||k", Some(&known)).is_err());
        app.delete(DeleteItem::new("k".to_owned())).await.unwrap();
        assert_eq!(theirs.get("app||k").etag, None);
        // Ends.
        let written = SystemTime::now();
        theirs.set("app||ends", b"soon", If::Anything, Some(3)).unwrap();
        app.set(SetItem {
            ttl: Some(Ttl::new(3).unwrap()),
            ..SetItem::new("also".to_owned(), "soon")
        })
        .await
        .unwrap();
        assert!(read(&app, "also").await.unwrap().expires_at.is_some());
        assert_eq!(theirs.get("app||also").value, b"soon");
        while theirs.get("app||also").etag.is_some() || read(&app, "ends").await.is_some() {
            assert!(written.elapsed().unwrap() < PATIENCE);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(written.elapsed().unwrap() >= Duration::from_millis(2950));
        // What has ended is absent to a create of either.
        theirs.set("app||also", b"theirs", If::Absent, None).unwrap();
        app.set(SetItem {
            condition: Condition::Absent,
            ..SetItem::new("ends".to_owned(), "ours")
        })
        .await
        .unwrap();
        assert_eq!(theirs.get("app||ends").value, b"ours");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_content_type_is_gone_once_dapr_has_written_since() {
    for version in VERSIONS {
        let server = serve();
        let (store, mut theirs) = (open(version, &server).await, native(version, &server, &[]));
        let app = app(&store);
        app.set(typed("k", "<a/>", "text/xml")).await.unwrap();
        let said = |entry: dapr_blocks::state::Entry| entry.content_type.map(ContentType::into_string);
        assert_eq!(said(read(&app, "k").await.unwrap()).as_deref(), Some("text/xml"));
        theirs.set("app||k", b"theirs", If::Anything, None).unwrap();
        assert_eq!(said(read(&app, "k").await.unwrap()), None, "{version:?}");
        // What both write as JSON says so in v1 alone.
        theirs.set_json("app||k", &serde_json::json!({ "a": 1 })).unwrap();
        let json = (version == Version::V1).then_some("application/json");
        assert_eq!(said(read(&app, "k").await.unwrap()).as_deref(), json, "{version:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cleanup_removes_what_has_ended_whoever_wrote_it_and_takes_turns() {
    for version in VERSIONS {
        let server = serve();
        let store = open_at(version, &server, &server.address(), "cleanupInterval = '300ms'").await;
        let (app, end) = (app(&store), version.end());
        app.set(typed("ours", "<a/>", "text/xml")).await.unwrap();
        native(version, &server, &[])
            .set("app||theirs", b"v", If::Anything, None)
            .unwrap();
        put(&app, "stays", "v").await.unwrap();
        server.client(&[&format!(
            "UPDATE state SET {end} = now() - interval '1 second' WHERE key <> 'app||stays'"
        )]);
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        while server.client(&["SELECT string_agg(key, ' ') FROM state"]) != "app||stays"
            || server.client(&["SELECT count(*) FROM state_content_type"]) != "0"
        {
            assert!(tokio::time::Instant::now() < deadline);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let row = match version {
            Version::V1 => "last-cleanup",
            Version::V2 => "last-cleanup-state-v2-",
        };
        let ago =
            format!("SELECT now() - value::timestamptz < interval '20 seconds' FROM dapr_metadata WHERE key = '{row}'");
        assert_eq!(server.client(&[&ago]), "t");
    }
}
