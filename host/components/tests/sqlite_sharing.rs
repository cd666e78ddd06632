//! Several stores on one file: two in this process, and one in another.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use dapr_blocks::state::{AppStore, Condition, GetOptions, Metadata, Operation, SetItem, StateError, StateStore};
use dapr_components::state::sqlite::{Journal, SqliteSettings, SqliteStore};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{File, app, put, read, value};
use tokio::task::JoinSet;

/// Adds one to a number by an etag loop.
async fn increment(app: &AppStore, key: &str) -> Result<(), StateError> {
    loop {
        let (number, condition) = match read(app, key).await {
            None => (0, Condition::Absent),
            Some(entry) => {
                let number: u64 = String::from_utf8(entry.value).unwrap().parse().unwrap();
                (number, Condition::Matches(entry.etag.unwrap()))
            }
        };
        let item = SetItem {
            condition,
            ..SetItem::new(key.to_owned(), (number + 1).to_string())
        };
        match app.set(item).await {
            Err(StateError::EtagMismatch { .. }) => {}
            other => return other,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_store_writes_the_other_reads_at_once() {
    let file = File::new();
    let (one, two) = (Arc::new(file.open().await), Arc::new(file.open().await));
    let (one, two) = (app(&one), app(&two));
    for round in 0..50_u32 {
        put(&one, "k", round.to_string()).await.unwrap();
        assert_eq!(value(&two, "k").await.unwrap(), round.to_string().as_bytes());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn increments_of_two_stores_lose_none() {
    let file = File::new();
    let stores = [Arc::new(file.open().await), Arc::new(file.open().await)];
    let mut tasks = JoinSet::new();
    for task in 0..8 {
        let app = app(&stores[task % 2]);
        tasks.spawn(async move {
            for _ in 0..20 {
                increment(&app, "k").await.unwrap();
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    assert_eq!(value(&app(&stores[0]), "k").await.unwrap(), b"160");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_stores_that_write_without_pause_both_get_the_file() {
    let file = File::new();
    let stores = [Arc::new(file.open().await), Arc::new(file.open().await)];
    let until = Instant::now() + Duration::from_secs(2);
    let mut tasks = JoinSet::new();
    for task in 0..8_usize {
        let app = app(&stores[task % 2]);
        tasks.spawn(async move {
            let mut written = [0_u32; 2];
            while Instant::now() < until {
                put(&app, &format!("k{task}"), "v").await.unwrap();
                written[task % 2] += 1;
            }
            written
        });
    }
    let mut written = [0; 2];
    while let Some(task) = tasks.join_next().await {
        let of_task = task.unwrap();
        written = [written[0] + of_task[0], written[1] + of_task[1]];
    }
    assert!(
        written.iter().all(|written| *written >= 5),
        "one store was kept out: {written:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_another_store_never_sees_half_a_transaction() {
    let file = File::new();
    let (one, two) = (Arc::new(file.open().await), Arc::new(file.open().await));
    let (writer, reader) = (app(&one), app(&two));
    let both = |round: u32| ["a", "b"].map(|key| Operation::Set(SetItem::new(key.to_owned(), round.to_string())));
    writer.transact(both(0).into(), &Metadata::default()).await.unwrap();
    let writing = tokio::spawn(async move {
        for round in 1..100 {
            writer.transact(both(round).into(), &Metadata::default()).await.unwrap();
        }
    });
    let keys = ["a".to_owned(), "b".to_owned()];
    while !writing.is_finished() {
        let found = reader.bulk_get(&keys, &GetOptions::default()).await.unwrap();
        let values = found.into_iter().map(|entry| entry.unwrap().value).collect::<Vec<_>>();
        assert_eq!(values[0], values[1]);
    }
    writing.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_another_process_holds_is_unavailable_for_writes_and_readable() {
    let file = File::new();
    let mut settings = file.settings();
    settings.busy_timeout = Duration::from_millis(50);
    let store = Arc::new(SqliteStore::open(&settings).await.unwrap());
    let app = app(&store);
    put(&app, "k", "before").await.unwrap();
    let other = file.connect();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = put(&app, "k", "lost").await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the store is unavailable: another process holds its file"
    );
    assert_eq!(value(&app, "k").await.unwrap(), b"before");
    other.execute_batch("ROLLBACK").unwrap();
    put(&app, "k", "after").await.unwrap();
    assert_eq!(value(&app, "k").await.unwrap(), b"after");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_waits_for_a_file_that_another_process_lets_go() {
    let file = File::new();
    let store = Arc::new(file.open().await);
    let app = app(&store);
    let other = file.connect();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let writing = tokio::spawn(async move { put(&app, "k", "v").await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    other.execute_batch("COMMIT").unwrap();
    writing.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_host_without_a_log_stops_writing_when_another_gives_the_file_one() {
    let file = File::new();
    let mut settings = file.settings();
    settings.journal = Journal::Delete;
    let without = Arc::new(SqliteStore::open(&settings).await.unwrap());
    let app = app(&without);
    put(&app, "k", "before").await.unwrap();
    let with = file.open().await;
    let refused = put(&app, "k", "lost").await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the store is unavailable: another host has given its file a write-ahead log"
    );
    assert_eq!(value(&app, "k").await.unwrap(), b"before");
    // The mode stays with the file until a host without a log opens it again.
    with.close().await;
    assert_eq!(put(&app, "k", "lost").await.unwrap_err().case(), "unavailable");
    without.close().await;
    let again = Arc::new(SqliteStore::open(&settings).await.unwrap());
    put(&support::app(&again), "k", "after").await.unwrap();
}

// ---- another process ----

/// Set for the process that [`another_process_increments`] is.
const PATH: &str = "DAPR_COMPONENTS_TEST_PATH";

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn increments_of_two_processes_lose_none() {
    let file = File::new();
    let store = Arc::new(file.open().await);
    let other = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "another_process_increments"])
        .env(PATH, file.path())
        .stdout(Stdio::null())
        .spawn();
    let mut other = Ended(other.unwrap());
    let app = app(&store);
    for _ in 0..100 {
        increment(&app, "k").await.unwrap();
    }
    let status = tokio::task::spawn_blocking(move || other.0.wait())
        .await
        .unwrap()
        .unwrap();
    assert!(status.success());
    assert_eq!(value(&app, "k").await.unwrap(), b"200");
}

/// Not a test: the other process of the one above.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by increments_of_two_processes_lose_none"]
async fn another_process_increments() {
    let Some(path) = std::env::var_os(PATH) else { return };
    let settings = SqliteSettings::at(path);
    let store = Arc::new(SqliteStore::open(&settings).await.unwrap());
    let app = app(&store);
    for _ in 0..100 {
        increment(&app, "k").await.unwrap();
    }
    store.close().await;
}
