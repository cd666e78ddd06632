//! Listings in stores that others use, too: any number of their keys may stand among an app's.

#![cfg(all(feature = "state-memory", feature = "state-sqlite"))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use dapr_blocks::state::{AppStore, AppStores, Key, KeyPrefix, Limits, PageLimit, SetItem, StateStore, StoreSettings};
use dapr_components::state::memory::{MemorySettings, MemoryStore};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;
use support::File;

/// A key as the store has it.
fn stored(name: &str, key_prefix: &KeyPrefix, owner: &str) -> Key {
    let owner = key_prefix.resolve(owner, "s", None);
    owner.key(name, &Limits::default()).unwrap()
}

/// What an app sees of a store in which it has no prefix.
fn bare(store: Arc<dyn StateStore>) -> AppStore {
    let settings = StoreSettings {
        key_prefix: KeyPrefix::None,
        deadline: Duration::from_secs(60),
        limits: Limits::default(),
        guard: None,
    };
    let mut stores = AppStores::default();
    stores.insert("s", store, &settings, "app", None);
    stores.get("s").unwrap().clone()
}

/// All keys of the app, in pages of two.
async fn all(app: &AppStore) -> Vec<String> {
    let mut keys = Vec::new();
    let mut cursor = None;
    loop {
        let page = app
            .list_keys("", PageLimit::new(2).unwrap(), cursor.as_ref())
            .await
            .unwrap();
        keys.extend(page.keys);
        cursor = page.cursor;
        if cursor.is_none() {
            return keys;
        }
    }
}

const OWN: [&str; 5] = ["a", "m0", "m5", "m9", "z"];

#[tokio::test]
async fn a_listing_in_memory_lets_writes_between_while_it_passes_keys_of_others() {
    let store = Arc::new(MemoryStore::new(&MemorySettings::default()));
    for index in 0..50_000 {
        let theirs = stored("k", &KeyPrefix::AppId, &format!("m{index}"));
        store.set(SetItem::new(theirs, "v")).await.unwrap();
    }
    for name in OWN {
        store
            .set(SetItem::new(stored(name, &KeyPrefix::None, ""), "v"))
            .await
            .unwrap();
    }
    let app = bare(store.clone());
    assert_eq!(all(&app).await, OWN);
    let mut listed = pin!(app.list_keys("", PageLimit::default(), None));
    let first = listed.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(first.is_pending(), "all was looked at in one go");
    store
        .set(SetItem::new(stored("zz", &KeyPrefix::None, ""), "v"))
        .await
        .unwrap();
    assert_eq!(listed.await.unwrap().keys.last().map(String::as_str), Some("zz"));
}

/// daprd writes such keys: of actors, longer than this host takes, and from Go's strings, which may be no text.
#[tokio::test]
async fn a_listing_in_sqlite_passes_any_number_of_keys_that_the_app_cannot_name() {
    let file = File::new();
    let store = Arc::new(file.open().await);
    for name in OWN {
        store
            .set(SetItem::new(stored(name, &KeyPrefix::None, ""), "v"))
            .await
            .unwrap();
    }
    let insert = |key: &str| {
        let sql = format!(
            "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 29999)
            INSERT INTO state (key, value, is_binary, etag) SELECT {key}, '', 1, i FROM n"
        );
        file.connect().execute_batch(&sql).unwrap();
    };
    insert("'m' || i || '||id||k'");
    insert("'m4||type||' || i");
    insert("CAST('m6' || x'00' || i AS TEXT)");
    insert("CAST(x'6d37ff' || i AS TEXT)");
    insert("'m8' || printf('%.*c', 1024, 'k') || i");
    let app = bare(store.clone());
    assert_eq!(all(&app).await, OWN);
    let page = app.list_keys("m", PageLimit::default(), None).await.unwrap();
    assert_eq!(page.keys, &OWN[1..4]);
}
