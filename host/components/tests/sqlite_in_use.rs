//! What goes wrong while a store is in use: full queues, a full disk, rows that cannot be written, a file that is gone.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use dapr_blocks::config::ByteSize;
use dapr_blocks::state::{BulkError, ContentType, Metadata, Operation, SetItem, StateError, StateStore};
use dapr_components::state::sqlite::SqliteStore;
use rusqlite::Connection;
use std::sync::Arc;
use std::time::Duration;
use support::{File, app, put, read, value};
use tokio::task::JoinSet;

fn set(key: &str) -> SetItem<String> {
    SetItem::new(key.to_owned(), "v")
}

/// Lets all other tasks run until they wait for the store: a call is queued the first time that it runs, and a test's runtime
/// has one thread.
async fn others_wait() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

// ---- queues ----

#[tokio::test(flavor = "multi_thread")]
async fn writes_beyond_the_queue_are_throttled_and_the_others_done() {
    let file = File::new();
    let store = Arc::new(file.open().await);
    let app = app(&store);
    // Nothing is written while this holds the file, so the queue fills.
    let other = file.connect();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut writes = JoinSet::new();
    for index in 0..6000 {
        let app = app.clone();
        writes.spawn(async move { (index, put(&app, &index.to_string(), "v").await) });
    }
    let (_, first) = writes.join_next().await.unwrap().unwrap();
    assert_eq!(
        first.unwrap_err().case(),
        "throttled",
        "the writes that are queued have no answer yet"
    );
    other.execute_batch("ROLLBACK").unwrap();
    let (mut done, mut throttled) = (0, 1);
    while let Some(write) = writes.join_next().await {
        match write.unwrap() {
            (index, Ok(())) => {
                assert!(read(&app, &index.to_string()).await.is_some());
                done += 1;
            }
            (_, Err(StateError::Throttled)) => throttled += 1,
            (_, Err(error)) => panic!("{error}"),
        }
    }
    assert!(done >= 4096 && throttled >= 1, "{done} done, {throttled} throttled");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_is_bounded_in_bytes() {
    let file = File::new();
    let store = Arc::new(file.open().await);
    let app = app(&store);
    let other = file.connect();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut writes = JoinSet::new();
    for index in 0..40 {
        let app = app.clone();
        writes.spawn(async move { put(&app, &index.to_string(), vec![0; 4 << 20]).await });
    }
    let first = writes.join_next().await.unwrap().unwrap();
    assert_eq!(first.unwrap_err().case(), "throttled");
    other.execute_batch("ROLLBACK").unwrap();
}

#[tokio::test]
async fn a_closed_store_is_unavailable_and_may_be_closed_again() {
    let file = File::new();
    let store = Arc::new(file.open().await);
    let app = app(&store);
    put(&app, "k", "v").await.unwrap();
    store.close().await;
    assert_eq!(
        put(&app, "k", "lost").await.unwrap_err().to_string(),
        "the store is unavailable: it is closed"
    );
    store.close().await;
    drop((app, store));
    assert_eq!(
        value(&support::app(&Arc::new(file.open().await)), "k").await.unwrap(),
        b"v"
    );
}

#[tokio::test]
async fn closing_does_what_is_queued() {
    let file = File::new();
    let store = Arc::new(file.open().await);
    let app = app(&store);
    let other = file.connect();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut writes = JoinSet::new();
    for index in 0..100 {
        let app = app.clone();
        writes.spawn(async move { put(&app, &index.to_string(), "v").await });
    }
    others_wait().await;
    let closing = tokio::spawn(async move { store.close().await });
    others_wait().await;
    assert!(!closing.is_finished());
    other.execute_batch("ROLLBACK").unwrap();
    closing.await.unwrap();
    while let Some(write) = writes.join_next().await {
        write.unwrap().unwrap();
    }
    let count = file
        .connect()
        .query_row("SELECT count(*) FROM state", [], |row| row.get::<_, i64>(0));
    assert_eq!(count.unwrap(), 100);
}

#[tokio::test]
async fn a_write_that_nobody_waits_for_any_more_is_spared() {
    let file = File::new();
    let store = Arc::new(file.open().await);
    let app = app(&store);
    let other = file.connect();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // Both are queued when the caller of the second goes.
    let (waiting, gone) = (app.clone(), app.clone());
    let waiting = tokio::spawn(async move { put(&waiting, "waiting", "v").await });
    let gone = tokio::spawn(async move { put(&gone, "gone", "v").await });
    others_wait().await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    other.execute_batch("ROLLBACK").unwrap();
    waiting.await.unwrap().unwrap();
    put(&app, "after", "v").await.unwrap();
    assert_eq!(read(&app, "gone").await, None);
}

#[tokio::test]
async fn a_store_that_was_only_dropped_has_lost_nothing() {
    let file = File::new();
    let store = Arc::new(file.open().await);
    put(&app(&store), "k", "v").await.unwrap();
    drop(store);
    assert_eq!(value(&app(&Arc::new(file.open().await)), "k").await.unwrap(), b"v");
}

// ---- neighbours ----

/// Makes SQLite refuse the rows of one key, as a constraint or trigger of somebody's own may.
fn poison(connection: &Connection) {
    let trigger = "CREATE TRIGGER poison BEFORE INSERT ON state WHEN NEW.key = 'app||poison'
        BEGIN SELECT RAISE(ABORT, 'poisoned'); END";
    connection.execute_batch(trigger).unwrap();
}

#[tokio::test]
async fn a_write_that_sqlite_refuses_does_not_disturb_those_of_its_group() {
    let file = File::new();
    let store = Arc::new(file.open().await);
    let app = app(&store);
    let other = file.connect();
    poison(&other);
    // Held back until all are queued, so that they become one group.
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut writes = JoinSet::new();
    for index in 0..20 {
        let (app, key) = (
            app.clone(),
            if index == 10 {
                "poison".to_owned()
            } else {
                index.to_string()
            },
        );
        writes.spawn(async move { (index, put(&app, &key, "v").await) });
    }
    others_wait().await;
    other.execute_batch("ROLLBACK").unwrap();
    while let Some(write) = writes.join_next().await {
        match write.unwrap() {
            (10, refused) => assert_eq!(refused.unwrap_err().case(), "internal"),
            (index, done) => {
                done.unwrap();
                assert!(read(&app, &index.to_string()).await.is_some());
            }
        }
    }
}

#[tokio::test]
async fn a_bulk_write_names_the_item_that_sqlite_refuses() {
    let file = File::new();
    let store = Arc::new(file.open().await);
    let app = app(&store);
    poison(&file.connect());
    let refused = app.bulk_set(vec![set("a"), set("poison"), set("b")]).await.unwrap_err();
    let BulkError::Items(items) = refused else {
        panic!("{refused}")
    };
    assert_eq!(
        items
            .iter()
            .map(|item| (item.index, item.error.case()))
            .collect::<Vec<_>>(),
        [(1, "internal")]
    );
    assert!(read(&app, "a").await.is_some() && read(&app, "b").await.is_some());
}

#[tokio::test]
async fn a_transaction_with_a_row_that_sqlite_refuses_changes_nothing() {
    let file = File::new();
    let store = Arc::new(file.open().await);
    let app = app(&store);
    poison(&file.connect());
    let operations = ["a", "poison", "b"].map(|key| Operation::Set(set(key)));
    let refused = app.transact(operations.into(), &Metadata::default()).await.unwrap_err();
    assert_eq!(refused.case(), "internal");
    assert!(read(&app, "a").await.is_none() && read(&app, "b").await.is_none());
}

/// Lets the tasks run until they wait for the store. For runtimes of one thread.
async fn let_them_queue() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// A store of 1 MiB without cleaning up, so that all commits are those of calls.
async fn small_store(file: &File) -> Arc<SqliteStore> {
    let mut settings = file.settings();
    settings.max_size = Some(ByteSize::mib(1));
    settings.cleanup_interval = None;
    Arc::new(SqliteStore::open(&settings).await.unwrap())
}

#[tokio::test]
async fn items_that_do_not_fit_cost_their_group_no_commits() {
    let file = File::new();
    let store = small_store(&file).await;
    let app = app(&store);
    let before = file.commits();
    let other = file.connect();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let bulk = {
        let app = app.clone();
        let item = |index: usize| {
            let size = if index % 100 == 17 { 2 << 20 } else { 10 };
            SetItem {
                content_type: index.is_multiple_of(2).then(|| ContentType::new("image/png").unwrap()),
                ..SetItem::new(format!("bulk/{index}"), vec![7; size])
            }
        };
        tokio::spawn(async move { app.bulk_set((0..300).map(item).collect()).await })
    };
    let transaction = {
        let app = app.clone();
        let operations = vec![
            Operation::Set(set("transaction/small")),
            Operation::Set(SetItem::new("transaction/large".to_owned(), vec![7; 2 << 20])),
        ];
        tokio::spawn(async move { app.transact(operations, &Metadata::default()).await })
    };
    let mut neighbours = JoinSet::new();
    for index in 0..50 {
        let app = app.clone();
        neighbours.spawn(async move { put(&app, &format!("neighbour/{index}"), "v").await });
    }
    let_them_queue().await;
    other.execute_batch("ROLLBACK").unwrap();

    let BulkError::Items(failed) = bulk.await.unwrap().unwrap_err() else {
        panic!("the whole call failed")
    };
    let failed = failed.iter().map(|item| (item.index, item.error.case()));
    assert_eq!(
        failed.collect::<Vec<_>>(),
        [(17, "unavailable"), (117, "unavailable"), (217, "unavailable")]
    );
    assert_eq!(transaction.await.unwrap().unwrap_err().case(), "unavailable");
    while let Some(neighbour) = neighbours.join_next().await {
        neighbour.unwrap().unwrap();
    }
    // What was queued when the writer began to wait for the file, and all the rest.
    let commits = file.commits() - before;
    assert!(commits <= 2, "{commits} commits");
    for index in 0..300 {
        let entry = read(&app, &format!("bulk/{index}")).await;
        assert_eq!(entry.is_some(), index % 100 != 17, "{index}");
    }
    assert_eq!(read(&app, "transaction/small").await, None);
    assert!(read(&app, "neighbour/49").await.is_some());
}

/// Makes the commit of a write of one key fail, and not the write itself.
fn poison_commits(connection: &Connection) {
    let trigger = "CREATE TABLE parents (name TEXT PRIMARY KEY);
        CREATE TABLE children (name TEXT REFERENCES parents DEFERRABLE INITIALLY DEFERRED);
        CREATE TRIGGER poison AFTER INSERT ON state WHEN NEW.key = 'app||poison'
        BEGIN INSERT INTO children VALUES ('nobody''s'); END";
    connection.execute_batch(trigger).unwrap();
}

#[tokio::test]
async fn a_change_that_the_commit_fails_for_does_not_disturb_its_neighbours() {
    let file = File::new();
    let store = small_store(&file).await;
    let app = app(&store);
    poison_commits(&file.connect());
    let refused = app.bulk_set(vec![set("a"), set("poison"), set("b")]).await.unwrap_err();
    let BulkError::Items(failed) = refused else {
        panic!("{refused}")
    };
    let failed = failed.iter().map(|item| (item.index, item.error.case()));
    assert_eq!(failed.collect::<Vec<_>>(), [(1, "internal")]);
    assert!(read(&app, "a").await.is_some() && read(&app, "b").await.is_some());
    let operations = ["c", "poison", "d"].map(|key| Operation::Set(set(key)));
    let refused = app.transact(operations.into(), &Metadata::default()).await.unwrap_err();
    assert_eq!(refused.case(), "internal");
    assert!(read(&app, "c").await.is_none() && read(&app, "poison").await.is_none());
}

// ---- space ----

#[tokio::test]
async fn a_full_store_refuses_what_does_not_fit_and_takes_it_after_a_delete() {
    let file = File::new();
    let mut settings = file.settings();
    settings.max_size = Some(ByteSize::mib(1));
    let store = Arc::new(SqliteStore::open(&settings).await.unwrap());
    let app = app(&store);
    let mut written = Vec::new();
    let refused = loop {
        let key = written.len().to_string();
        match put(&app, &key, vec![7; 100_000]).await {
            Ok(()) => written.push(key),
            Err(error) => break error,
        }
        assert!(written.len() < 100, "the store does not get full");
    };
    assert_eq!(
        refused.to_string(),
        "the store is unavailable: its disk, or what it may take of it, is full"
    );
    for key in &written {
        assert_eq!(value(&app, key).await.unwrap(), vec![7; 100_000]);
    }
    let operations = vec![
        Operation::Set(set("small")),
        Operation::Set(SetItem::new("k".to_owned(), vec![7; 500_000])),
    ];
    assert_eq!(
        app.transact(operations, &Metadata::default()).await.unwrap_err().case(),
        "unavailable"
    );
    assert_eq!(read(&app, "small").await, None);
    for key in &written {
        app.delete(dapr_blocks::state::DeleteItem::new(key.clone()))
            .await
            .unwrap();
    }
    put(&app, "k", vec![7; 500_000]).await.unwrap();
}

#[tokio::test]
async fn the_log_stays_bounded_under_reads_that_always_overlap() {
    let file = File::new();
    let store = Arc::new(file.open().await);
    let app = app(&store);
    put(&app, "k", "v").await.unwrap();
    let readers = [file.connect(), file.connect()];
    let begin = |reader: usize| {
        let begin = "BEGIN; SELECT count(*) FROM metadata";
        readers[reader].execute_batch(begin).unwrap();
    };
    begin(0);
    let mut turns = [(0, 1), (1, 0)].into_iter().cycle();
    let mut next_reads = || {
        let (one, other) = turns.next().unwrap();
        begin(other);
        readers[one].execute_batch("COMMIT").unwrap();
    };
    let mut largest = 0;
    for round in 0..40 {
        // Whoever reads began before this write, so that it stays in the log. They take turns also while it waits.
        // SQLite writes pages that have changed: all of them.
        let writing = put(&app, "k", vec![round; 4 << 20]);
        tokio::pin!(writing);
        loop {
            let written = tokio::time::timeout(Duration::from_millis(100), &mut writing).await;
            next_reads();
            if let Ok(written) = written {
                break written.unwrap();
            }
        }
        largest = largest.max(std::fs::metadata(file.log()).unwrap().len());
    }
    // 64 MiB, and the writes that come before the writer looks again; all together have 213 MiB.
    assert!(largest < 80 << 20, "the log has grown to {largest} bytes");
}

// ---- the file ----

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_was_deleted_is_not_written_any_more() {
    let file = File::new();
    let store = Arc::new(file.open().await);
    let app = app(&store);
    put(&app, "k", "v").await.unwrap();
    std::fs::remove_file(file.path()).unwrap();
    let refused = put(&app, "k", "lost").await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the store is unavailable: its file was moved or deleted"
    );
}

#[tokio::test]
async fn a_row_that_is_damaged_is_the_stores_fault() {
    let file = File::new();
    let store = Arc::new(file.open().await);
    let app = app(&store);
    put(&app, "k", "v").await.unwrap();
    file.connect()
        .execute("UPDATE state SET value = 'no base64'", [])
        .unwrap();
    let error = app
        .get("k", &dapr_blocks::state::GetOptions::default())
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "the store failed; the host's log has the cause");
}

#[tokio::test]
async fn a_key_that_is_no_text_is_not_listed() {
    let file = File::new();
    let store = Arc::new(file.open().await);
    let app = app(&store);
    for key in ["a", "c"] {
        put(&app, key, "v").await.unwrap();
    }
    // Go's strings are bytes: daprd may have written this.
    let insert = "INSERT INTO state (key, value, is_binary, etag) VALUES (CAST(x'6170707C7C62FF' AS TEXT), '', 1, 'e')";
    file.connect().execute(insert, []).unwrap();
    let page = app
        .list_keys("", dapr_blocks::state::PageLimit::new(1).unwrap(), None)
        .await
        .unwrap();
    assert_eq!(page.keys, ["a"]);
    let page = app
        .list_keys("", dapr_blocks::state::PageLimit::new(1).unwrap(), page.cursor.as_ref())
        .await
        .unwrap();
    assert_eq!((page.keys, page.cursor), (vec!["c".to_owned()], None));
}
