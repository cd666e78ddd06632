//! A file that daprd has written is read by this store, and the reverse.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use dapr_blocks::state::{AppStore, Condition, ContentType, DeleteItem, Etag, PageLimit, SetItem, StateStore, Ttl};
use rusqlite::Connection;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use support::daprd::{Daprd, Value};
use support::{File, app, etag, put, read, value};

fn typed(key: &str, value: &str, content_type: &str) -> SetItem<String> {
    let content_type = Some(ContentType::new(content_type).unwrap());
    SetItem {
        content_type,
        ..SetItem::new(key.to_owned(), value)
    }
}

async fn content_type(app: &AppStore, key: &str) -> Option<String> {
    read(app, key).await.unwrap().content_type.map(ContentType::into_string)
}

// ---- the layout ----

/// Name, type, whether it must be there, default, and place in the primary key of each column.
type Column = (String, String, bool, Option<String>, i64);

fn columns(connection: &Connection, table: &str) -> Vec<Column> {
    let mut statement = connection.prepare(&format!("PRAGMA table_info({table})")).unwrap();
    let columns = statement
        .query_map([], |row| {
            Ok((row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
        })
        .unwrap();
    columns.collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn the_tables_are_daprds_column_by_column() {
    let (ours, theirs) = (File::new(), File::new());
    ours.open().await.close().await;
    let daprd = Daprd::open(&theirs.path());
    for table in ["state", "metadata"] {
        let columns_of_ours = columns(&ours.connect(), table);
        assert_eq!(columns_of_ours, columns(daprd.connection(), table), "{table}");
        assert!(!columns_of_ours.is_empty());
    }
    let column = |name: &str, kind: &str, must: bool, default: Option<&str>, key: i64| -> Column {
        (name.to_owned(), kind.to_owned(), must, default.map(str::to_owned), key)
    };
    assert_eq!(
        columns(&ours.connect(), "state"),
        [
            column("key", "TEXT", true, None, 1),
            column("value", "TEXT", true, None, 0),
            column("is_binary", "BOOLEAN", true, None, 0),
            column("etag", "TEXT", true, None, 0),
            column("expiration_time", "TIMESTAMP", false, Some("NULL"), 0),
            column("update_time", "TIMESTAMP", true, Some("CURRENT_TIMESTAMP"), 0),
        ]
    );
}

#[tokio::test]
async fn the_layouts_version_is_recorded_as_daprd_does() {
    let file = File::new();
    file.open().await.close().await;
    let query = "SELECT value, typeof(value) FROM metadata WHERE key = 'migrations'";
    let found: (String, String) = file
        .connect()
        .query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!(found, ("1".to_owned(), "text".to_owned()));
}

#[tokio::test]
async fn a_row_has_the_types_and_forms_of_daprds() {
    let (ours, theirs) = (File::new(), File::new());
    let store = Arc::new(ours.open().await);
    let app = app(&store);
    let ttl = Some(Ttl::new(1000).unwrap());
    app.set(SetItem {
        ttl,
        ..SetItem::new("k".to_owned(), vec![0, 255])
    })
    .await
    .unwrap();
    app.set(SetItem {
        ttl,
        ..typed("j", "{\"a\":1}", "application/json")
    })
    .await
    .unwrap();
    store.close().await;
    let daprd = Daprd::open(&theirs.path());
    daprd.set("app||k", &Value::Bytes(&[0, 255]), Some(1000));
    daprd.set("app||j", &Value::Json("{\"a\":1}"), Some(1000));
    let forms = |connection: &Connection| -> Vec<(String, String, String)> {
        let query = "SELECT
                key || ' ' || value || ' ' || is_binary,
                typeof(key) || typeof(value) || typeof(is_binary) || typeof(etag) || typeof(expiration_time)
                    || typeof(update_time),
                length(etag) || ' ' || length(expiration_time) || ' ' || length(update_time)
                    || ' ' || (expiration_time GLOB '????-??-?? ??:??:??') || (update_time GLOB '????-??-?? ??:??:??')
            FROM state ORDER BY key";
        let mut statement = connection.prepare(query).unwrap();
        let rows = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    assert_eq!(forms(&ours.connect()), forms(daprd.connection()));
}

// ---- written by daprd ----

#[tokio::test]
async fn what_daprd_wrote_is_read() {
    let file = File::new();
    let daprd = Daprd::open(&file.path());
    let json_etag = daprd.set("app||json", &Value::Json("{\"a\": [1, null]}"), None);
    daprd.set("app||text", &Value::Json("\"hello\""), None);
    daprd.set("app||bytes", &Value::Bytes(&[0, 255, 10]), None);
    daprd.set("app||empty", &Value::Bytes(&[]), None);
    assert!(daprd.first_write("app||first", &Value::Bytes(b"first")));
    daprd.set("other||k", &Value::Bytes(b"not this app's"), None);

    let store = Arc::new(file.open().await);
    let app = app(&store);
    let json = read(&app, "json").await.unwrap();
    assert_eq!(json.value, b"{\"a\": [1, null]}");
    assert_eq!(json.etag, Some(Etag::new(json_etag).unwrap()));
    assert_eq!(json.expires_at, None);
    assert_eq!(
        content_type(&app, "json").await.as_deref(),
        Some("application/json"),
        "daprd writes JSON alone so"
    );
    assert_eq!(value(&app, "text").await.unwrap(), b"\"hello\"");
    assert_eq!(value(&app, "bytes").await.unwrap(), [0, 255, 10]);
    assert_eq!(content_type(&app, "bytes").await, None);
    assert_eq!(value(&app, "empty").await.unwrap(), b"");
    assert_eq!(value(&app, "first").await.unwrap(), b"first");
    let page = app.list_keys("", PageLimit::default(), None).await.unwrap();
    assert_eq!(page.keys, ["bytes", "empty", "first", "json", "text"]);
}

#[tokio::test]
async fn a_ttl_of_daprds_is_kept() {
    let file = File::new();
    let daprd = Daprd::open(&file.path());
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    daprd.set("app||long", &Value::Bytes(b"v"), Some(1000));
    daprd.set("app||ended", &Value::Bytes(b"v"), Some(1));
    let ended = "UPDATE state SET expiration_time = DATETIME(CURRENT_TIMESTAMP) WHERE key = 'app||ended'";
    daprd.connection().execute(ended, []).unwrap();
    daprd.set("app||ends", &Value::Bytes(b"v"), Some(1));
    let store = Arc::new(file.open().await);
    let app = app(&store);
    let expires_at = read(&app, "long").await.unwrap().expires_at.unwrap();
    assert!((now + 1000..=now + 1002).contains(&expires_at), "{expires_at}");
    assert_eq!(read(&app, "ended").await, None);
    assert_eq!(
        app.list_keys("ended", PageLimit::default(), None).await.unwrap().keys,
        [""; 0]
    );
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(read(&app, "ends").await, None);
}

#[tokio::test]
async fn an_etag_of_daprds_is_a_condition() {
    let file = File::new();
    let daprd = Daprd::open(&file.path());
    let stale = daprd.set("app||k", &Value::Bytes(b"old"), None);
    let current = daprd.set("app||k", &Value::Bytes(b"current"), None);
    let store = Arc::new(file.open().await);
    let app = app(&store);
    let set_if = |etag: String| {
        let condition = Condition::Matches(Etag::new(etag).unwrap());
        app.set(SetItem {
            condition,
            ..SetItem::new("k".to_owned(), "new")
        })
    };
    assert_eq!(set_if(stale).await.unwrap_err().case(), "etag-mismatch");
    set_if(current).await.unwrap();
    assert_eq!(daprd.get("app||k").unwrap().data, b"new");
}

#[tokio::test]
async fn a_file_of_daprds_from_before_its_migrations_is_taken() {
    // Before it had a metadata table, daprd made the table of items alone.
    let file = File::new();
    let daprd = Daprd::open(&file.path());
    daprd.set("app||k", &Value::Bytes(b"v"), None);
    daprd.connection().execute_batch("DROP TABLE metadata").unwrap();
    drop(daprd);
    let store = Arc::new(file.open().await);
    assert_eq!(value(&app(&store), "k").await.unwrap(), b"v");
}

// ---- written by this store ----

#[tokio::test]
async fn what_this_store_wrote_is_read_by_daprd() {
    let file = File::new();
    let store = Arc::new(file.open().await);
    let app = app(&store);
    put(&app, "bytes", vec![0, 255, 10]).await.unwrap();
    put(&app, "empty", "").await.unwrap();
    app.set(typed("json", "{\"a\": 1}", "application/json")).await.unwrap();
    app.set(typed("png", "not JSON", "image/png")).await.unwrap();
    app.set(SetItem {
        ttl: Some(Ttl::new(1000).unwrap()),
        ..SetItem::new("ends".to_owned(), "v")
    })
    .await
    .unwrap();
    put(&app, "deleted", "v").await.unwrap();
    app.delete(DeleteItem::new("deleted".to_owned())).await.unwrap();

    // While the store has the file open, as a daprd beside this host would.
    let daprd = Daprd::open(&file.path());
    assert_eq!(daprd.get("app||bytes").unwrap().data, [0, 255, 10]);
    assert_eq!(daprd.get("app||empty").unwrap().data, b"");
    assert_eq!(daprd.get("app||json").unwrap().data, b"{\"a\": 1}");
    assert_eq!(daprd.get("app||png").unwrap().data, b"not JSON");
    assert_eq!(
        daprd.get("app||bytes").unwrap().etag,
        etag(&app, "bytes").await.as_str()
    );
    assert!(daprd.get("app||ends").unwrap().expires.is_some());
    assert_eq!(daprd.get("app||deleted"), None);
    assert_eq!(daprd.keys_like("app||%").len(), 5);
}

#[tokio::test]
async fn an_etag_of_this_store_is_a_condition_for_daprd() {
    let file = File::new();
    let store = Arc::new(file.open().await);
    let app = app(&store);
    put(&app, "k", "v").await.unwrap();
    let etag = etag(&app, "k").await;
    let daprd = Daprd::open(&file.path());
    assert!(!daprd.first_write("app||k", &Value::Bytes(b"lost")));
    assert!(daprd.set_with_etag("app||k", &Value::Bytes(b"by daprd"), etag.as_str()));
    assert!(!daprd.set_with_etag("app||k", &Value::Bytes(b"lost"), etag.as_str()));
    assert_eq!(value(&app, "k").await.unwrap(), b"by daprd");
}

#[tokio::test]
async fn daprds_cleanup_spares_what_this_store_still_shows() {
    let file = File::new();
    let store = Arc::new(file.open().await);
    let app = app(&store);
    let daprd = Daprd::open(&file.path());
    let began = std::time::Instant::now();
    app.set(SetItem {
        ttl: Some(Ttl::new(1).unwrap()),
        ..SetItem::new("ends".to_owned(), "v")
    })
    .await
    .unwrap();
    while began.elapsed() < Duration::from_secs(10) {
        let before = read(&app, "ends").await.is_some();
        daprd.clean_up();
        let Some(both) = daprd.get("app||ends") else {
            assert!(
                began.elapsed() >= Duration::from_secs(1),
                "the item was gone after {:?}",
                began.elapsed()
            );
            return;
        };
        assert!(before, "daprd shows {both:?}, and this store does not");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the item does not end");
}

// ---- content types, of which daprd knows nothing ----

#[tokio::test]
async fn a_content_type_is_forgotten_when_daprd_writes_the_item() {
    let file = File::new();
    let store = Arc::new(file.open().await);
    let app = app(&store);
    let daprd = Daprd::open(&file.path());
    for key in ["replaced", "updated", "recreated"] {
        app.set(typed(key, "v", "image/png")).await.unwrap();
    }
    let etag = etag(&app, "updated").await;
    daprd.set("app||replaced", &Value::Bytes(b"by daprd"), None);
    daprd.set_with_etag("app||updated", &Value::Bytes(b"by daprd"), etag.as_str());
    daprd.delete("app||recreated");
    assert!(daprd.first_write("app||recreated", &Value::Json("{}")));
    assert_eq!(content_type(&app, "replaced").await, None);
    assert_eq!(content_type(&app, "updated").await, None);
    assert_eq!(
        content_type(&app, "recreated").await.as_deref(),
        Some("application/json")
    );
}

#[tokio::test]
async fn an_item_without_content_type_leaves_no_row_beside_it() {
    let file = File::new();
    let store = Arc::new(file.open().await);
    let app = app(&store);
    let rows = || -> i64 {
        file.connect()
            .query_row("SELECT count(*) FROM state_content_type", [], |row| row.get(0))
            .unwrap()
    };
    put(&app, "plain", "v").await.unwrap();
    app.set(typed("json", "{}", "application/json")).await.unwrap();
    assert_eq!(rows(), 0, "neither none nor JSON needs one");
    app.set(typed("png", "v", "image/png")).await.unwrap();
    assert_eq!(rows(), 1);
    app.delete(DeleteItem::new("png".to_owned())).await.unwrap();
    assert_eq!(rows(), 0);
}
