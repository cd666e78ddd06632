//! What the tests of SQLite stores share: a file in a folder of its own, and a store on it as an app sees it.

#![allow(dead_code)]

pub(crate) mod daprd;

use dapr_blocks::state::{
    AppStore, AppStores, Entry, Etag, GetOptions, KeyPrefix, Limits, SetItem, StateError, StateStore, StoreSettings,
};
use dapr_components::state::sqlite::{SqliteSettings, SqliteStore};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// A folder with a file that a store and others may open.
pub(crate) struct File {
    folder: TempDir,
}

impl File {
    pub(crate) fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("state.db")
    }

    /// The write-ahead log.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.path().join("state.db-wal")
    }

    /// The commits that stand in the log. It must not have begun anew since the count that this one is compared with.
    pub(crate) fn commits(&self) -> usize {
        const HEADER: usize = 32;
        const FRAME_HEADER: usize = 24;
        let log = std::fs::read(self.log()).unwrap();
        if log.is_empty() {
            return 0;
        }
        let number = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().unwrap()) as usize;
        let frame = FRAME_HEADER + number(&log[8..12]);
        // A frame of this log has its salt. The last frame of a commit says how many pages the file has then.
        log[HEADER..]
            .chunks_exact(frame)
            .filter(|frame| frame[8..16] == log[16..24] && number(&frame[4..8]) > 0)
            .count()
    }

    /// The defaults, but for a patience that a busy machine cannot exhaust.
    pub(crate) fn settings(&self) -> SqliteSettings {
        let mut settings = SqliteSettings::at(self.path());
        settings.busy_timeout = Duration::from_secs(60);
        settings.timeout = Duration::from_secs(60);
        settings
    }

    pub(crate) async fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.settings()).await.unwrap()
    }

    /// A connection that has nothing to do with the store.
    pub(crate) fn connect(&self) -> Connection {
        let connection = Connection::open(self.path()).unwrap();
        connection.busy_timeout(Duration::from_secs(10)).unwrap();
        connection
    }
}

/// The store as the app `app` sees it.
pub(crate) fn app(store: &Arc<SqliteStore>) -> AppStore {
    let store: Arc<dyn StateStore> = store.clone();
    let mut stores = AppStores::default();
    let settings = StoreSettings {
        key_prefix: KeyPrefix::AppId,
        deadline: Duration::from_secs(60),
        limits: Limits::default(),
        guard: None,
    };
    stores.insert("statestore", store, &settings, "app", None);
    stores.get("statestore").unwrap().clone()
}

pub(crate) async fn put(app: &AppStore, key: &str, value: impl Into<Vec<u8>>) -> Result<(), StateError> {
    app.set(SetItem::new(key.to_owned(), value)).await
}

pub(crate) async fn read(app: &AppStore, key: &str) -> Option<Entry> {
    app.get(key, &GetOptions::default()).await.unwrap()
}

pub(crate) async fn value(app: &AppStore, key: &str) -> Option<Vec<u8>> {
    read(app, key).await.map(|entry| entry.value)
}

pub(crate) async fn etag(app: &AppStore, key: &str) -> Etag {
    read(app, key).await.unwrap().etag.unwrap()
}
