//! Every store of this crate is held to the claims that all stores share.

#![allow(clippy::unwrap_used, clippy::panic)]

use dapr_blocks::state::{Limits, StateStore, conformance};
use dapr_components::state::memory::{MemorySettings, MemoryStore};
use dapr_components::state::sqlite::{Journal, SqliteSettings, SqliteStore};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

async fn conforms(store: impl StateStore + 'static) {
    let store: Arc<dyn StateStore> = Arc::new(store);
    let report = conformance::run(Arc::clone(&store), Limits::default()).await;
    store.close().await;
    let report = report.into_result().unwrap();
    assert!(report.left_out.is_empty(), "{report}");
}

/// In memory where the system has such a folder: the suite makes thousands of commits, and none of its claims is about what
/// a disk does.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        TempDir::new_in(memory).unwrap()
    } else {
        TempDir::new().unwrap()
    }
}

fn file(folder: &TempDir) -> SqliteSettings {
    SqliteSettings::at(folder.path().join("state.db"))
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_conforms() {
    conforms(MemoryStore::new(&MemorySettings::default())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_conforms() {
    let folder = folder();
    conforms(SqliteStore::open(&file(&folder)).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_without_a_log_conforms() {
    let folder = folder();
    let mut settings = file(&folder);
    settings.journal = Journal::Delete;
    conforms(SqliteStore::open(&settings).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_conforms_across_reopening() {
    let folder = folder();
    let settings = file(&folder);
    let open = || async {
        let store = SqliteStore::open(&settings).await?;
        Ok::<_, dapr_components::state::sqlite::OpenError>(Arc::new(store) as Arc<dyn StateStore>)
    };
    let report = conformance::run_reopening(open, Limits::default())
        .await
        .into_result()
        .unwrap();
    assert!(report.left_out.is_empty(), "{report}");
}
