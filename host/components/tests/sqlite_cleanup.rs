//! Items that have ended are removed, by one host of several.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use dapr_blocks::state::{ContentType, SetItem, StateStore, Ttl};
use dapr_components::state::sqlite::SqliteStore;
use rusqlite::Connection;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{File, app, put, read};

/// Rows of items, and of content types beside them.
fn rows(connection: &Connection) -> (i64, i64) {
    let query = "SELECT (SELECT count(*) FROM state), (SELECT count(*) FROM state_content_type)";
    connection
        .query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
}

fn last_cleanup(connection: &Connection) -> Option<String> {
    use rusqlite::OptionalExtension;
    let query = "SELECT value FROM metadata WHERE key = 'last-cleanup'";
    connection.query_row(query, [], |row| row.get(0)).optional().unwrap()
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(10), "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A file with items that have ended, more than one step removes, and some that have not.
async fn file_with_ended_items() -> File {
    let file = File::new();
    let mut settings = file.settings();
    settings.cleanup_interval = None;
    let store = Arc::new(SqliteStore::open(&settings).await.unwrap());
    let app = app(&store);
    let (ttl, png) = (
        Some(Ttl::new(1000).unwrap()),
        Some(ContentType::new("image/png").unwrap()),
    );
    let items = (0..600).map(|index| {
        let content_type = if index % 3 == 0 { png.clone() } else { None };
        SetItem {
            ttl,
            content_type,
            ..SetItem::new(format!("ended/{index}"), "v")
        }
    });
    app.bulk_set(items.collect()).await.unwrap();
    put(&app, "stays", "v").await.unwrap();
    app.set(SetItem {
        ttl,
        content_type: png,
        ..SetItem::new("lives".to_owned(), "v")
    })
    .await
    .unwrap();
    let end = "UPDATE state SET expiration_time = DATETIME(CURRENT_TIMESTAMP) WHERE key LIKE 'app||ended/%'";
    file.connect().execute(end, []).unwrap();
    store.close().await;
    file
}

#[tokio::test]
async fn items_that_ended_are_removed_with_their_content_types() {
    let file = file_with_ended_items().await;
    assert_eq!(rows(&file.connect()), (602, 201));
    let store = Arc::new(file.open().await);
    let connection = file.connect();
    until("items that ended are not removed", || rows(&connection) == (2, 1)).await;
    let app = app(&store);
    assert!(read(&app, "stays").await.is_some());
    let lives = read(&app, "lives").await.unwrap();
    assert_eq!(lives.content_type.unwrap().as_str(), "image/png");
}

#[tokio::test]
async fn cleaning_up_is_done_again_at_its_interval() {
    let file = File::new();
    let mut settings = file.settings();
    settings.cleanup_interval = Some(Duration::from_secs(1));
    let store = Arc::new(SqliteStore::open(&settings).await.unwrap());
    let connection = file.connect();
    until("the first turn is not taken", || last_cleanup(&connection).is_some()).await;
    app(&store)
        .set(SetItem {
            ttl: Some(Ttl::new(1).unwrap()),
            ..SetItem::new("k".to_owned(), "v")
        })
        .await
        .unwrap();
    until("an item that ended later is not removed", || rows(&connection).0 == 0).await;
}

#[tokio::test]
async fn a_host_leaves_it_to_another_that_did_it_lately() {
    let file = file_with_ended_items().await;
    let connection = file.connect();
    let recent =
        "INSERT INTO metadata (key, value) VALUES ('last-cleanup', DATETIME(CURRENT_TIMESTAMP, '-60 seconds'))";
    connection.execute(recent, []).unwrap();
    let before = last_cleanup(&connection);
    let store = Arc::new(file.open().await);
    put(&app(&store), "k", "v").await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(rows(&connection).0, 603);
    assert_eq!(last_cleanup(&connection), before);
    store.close().await;
    let long_ago =
        "UPDATE metadata SET value = DATETIME(CURRENT_TIMESTAMP, '-3700 seconds') WHERE key = 'last-cleanup'";
    connection.execute(long_ago, []).unwrap();
    let _store = file.open().await;
    until("the turn is not taken when it is due", || rows(&connection).0 == 3).await;
}

#[tokio::test]
async fn a_host_that_left_it_to_another_does_it_when_it_is_due() {
    let file = file_with_ended_items().await;
    let connection = file.connect();
    // Due in two seconds, and not an hour after this host's start.
    let recent =
        "INSERT INTO metadata (key, value) VALUES ('last-cleanup', DATETIME(CURRENT_TIMESTAMP, '-3598 seconds'))";
    connection.execute(recent, []).unwrap();
    let _store = file.open().await;
    until("the turn is not taken when it is due", || rows(&connection).0 == 2).await;
}

#[tokio::test]
async fn without_an_interval_nothing_is_removed() {
    let file = file_with_ended_items().await;
    let mut settings = file.settings();
    settings.cleanup_interval = None;
    let store = Arc::new(SqliteStore::open(&settings).await.unwrap());
    put(&app(&store), "k", "v").await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let connection = file.connect();
    assert_eq!((rows(&connection).0, last_cleanup(&connection)), (603, None));
}

#[tokio::test]
async fn content_types_of_items_that_daprd_deleted_are_removed() {
    let file = File::new();
    let store = Arc::new(file.open().await);
    let png = Some(ContentType::new("image/png").unwrap());
    for key in ["gone", "stays"] {
        let item = SetItem {
            content_type: png.clone(),
            ..SetItem::new(key.to_owned(), "v")
        };
        app(&store).set(item).await.unwrap();
    }
    store.close().await;
    let connection = file.connect();
    connection
        .execute_batch("DELETE FROM state WHERE key = 'app||gone'; DELETE FROM metadata WHERE key = 'last-cleanup'")
        .unwrap();
    let _store = file.open().await;
    until("the content type stays", || rows(&connection) == (1, 1)).await;
}
