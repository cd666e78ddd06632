//! Where a claim is tried: apps of its own on the store, and calls in one line.

use super::check::{Failure, Verdict};
use crate::state::{
    AppStore, AppStores, Condition, ContentType, DeleteItem, Entry, Etag, GetOptions, KeyPrefix, Limits, Metadata,
    Operation, Prefix, SetItem, StateError, StateStore, StoreSettings, Ttl,
};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

/// Long enough for a store far away, short enough that a hanging one ends the run.
const DEADLINE: Duration = Duration::from_secs(30);

/// The store under test, as seen by apps that no other claim uses.
pub(super) struct Ground {
    /// An app.
    pub(super) app: App,
    /// Another app on the same store.
    pub(super) other: App,
    /// What may be handed over at once.
    pub(super) limits: Limits,
    /// Part of the names of this claim's apps.
    pub(super) id: String,
    /// The store itself, for what an app cannot see.
    pub(super) store: Arc<dyn StateStore>,
}

impl Ground {
    /// `id` is this claim's and this run's alone.
    pub(super) fn new(store: Arc<dyn StateStore>, limits: Limits, id: String) -> Result<Self, StateError> {
        let limits = limits.within(store.limits());
        let app = App::on(&store, limits, &KeyPrefix::AppId, &format!("{id}-a"), "conformance")?;
        let other = App::on(&store, limits, &KeyPrefix::AppId, &format!("{id}-b"), "conformance")?;
        Ok(Self {
            app,
            other,
            limits,
            id,
            store,
        })
    }

    /// What the keys of [`Ground::app`] begin with in the store.
    pub(super) fn prefix(&self) -> Prefix {
        KeyPrefix::AppId.resolve(&format!("{}-a", self.id), "conformance", None)
    }

    /// An app of this id, on the store under another name or with another key prefix.
    pub(super) fn app(&self, prefix: &KeyPrefix, app_id: &str, store_name: &str) -> Result<App, StateError> {
        App::on(&self.store, self.limits, prefix, app_id, store_name)
    }
}

/// What an app sees, with the calls that claims are full of.
#[derive(Clone)]
pub(super) struct App(AppStore);

impl Deref for App {
    type Target = AppStore;

    fn deref(&self) -> &AppStore {
        &self.0
    }
}

impl App {
    fn on(
        store: &Arc<dyn StateStore>,
        limits: Limits,
        prefix: &KeyPrefix,
        app_id: &str,
        store_name: &str,
    ) -> Result<Self, StateError> {
        let settings = StoreSettings {
            key_prefix: prefix.clone(),
            deadline: DEADLINE,
            limits,
            guard: None,
        };
        let mut stores = AppStores::default();
        stores.insert(store_name, Arc::clone(store), &settings, app_id, None);
        stores.get(store_name).cloned().map(Self)
    }

    pub(super) async fn read(&self, key: &str) -> Result<Option<Entry>, StateError> {
        self.get(key, &GetOptions::default()).await
    }

    pub(super) async fn value(&self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.read(key).await?.map(|entry| entry.value))
    }

    pub(super) async fn read_all(&self, keys: &[&str]) -> Result<Vec<Option<Entry>>, StateError> {
        self.bulk_get(&names(keys), &GetOptions::default()).await
    }

    /// The entry of an item that must be there.
    pub(super) async fn entry(&self, key: &str) -> Result<Entry, Failure> {
        self.read(key)
            .await?
            .ok_or_else(|| Failure::new(format!("the item `{}` is absent", key.escape_debug())))
    }

    /// The etag of an item that must be there and have one.
    pub(super) async fn etag(&self, key: &str) -> Result<Etag, Failure> {
        let entry = self.entry(key).await?;
        entry
            .etag
            .ok_or_else(|| Failure::new(format!("the item `{}` has no etag", key.escape_debug())))
    }

    /// Writes items, as many in a call as may be.
    pub(super) async fn put_all(&self, keys: &[impl AsRef<str>]) -> Verdict {
        for keys in keys.chunks(self.limits().items) {
            self.bulk_set(keys.iter().map(|key| set(key.as_ref(), "v")).collect())
                .await?;
        }
        Ok(())
    }

    pub(super) async fn put(&self, key: &str, value: impl Into<Vec<u8>>) -> Result<(), StateError> {
        self.set(set(key, value)).await
    }

    pub(super) async fn put_if(
        &self,
        key: &str,
        value: impl Into<Vec<u8>>,
        condition: Condition,
    ) -> Result<(), StateError> {
        self.set(SetItem {
            condition,
            ..set(key, value)
        })
        .await
    }

    pub(super) async fn remove(&self, key: &str) -> Result<(), StateError> {
        self.delete(DeleteItem::new(key.to_owned())).await
    }

    pub(super) async fn remove_if(&self, key: &str, etag: &Etag) -> Result<(), StateError> {
        self.delete(delete_if(key, etag)).await
    }

    pub(super) async fn run(&self, operations: Vec<Operation<String>>) -> Result<(), StateError> {
        self.transact(operations, &Metadata::default()).await
    }

    /// The item has this value; none if it must be absent.
    #[track_caller]
    pub(super) fn expect<'a>(
        &'a self,
        key: &'a str,
        value: Option<&'a [u8]>,
    ) -> impl Future<Output = Verdict> + Send + 'a {
        let at = std::panic::Location::caller();
        async move {
            let found = self.value(key).await?;
            let same = super::check::same(&format!("`{}`", key.escape_debug()), found.as_deref(), value);
            same.map_err(|failure| failure.of(at))
        }
    }
}

/// Lets others in between a call and what follows from it, also on a store that answers at once.
pub(super) async fn meet() {
    tokio::task::yield_now().await;
}

pub(super) fn set(key: &str, value: impl Into<Vec<u8>>) -> SetItem<String> {
    SetItem::new(key.to_owned(), value)
}

pub(super) fn set_if(key: &str, value: impl Into<Vec<u8>>, condition: Condition) -> SetItem<String> {
    SetItem {
        condition,
        ..set(key, value)
    }
}

pub(super) fn set_for(key: &str, value: impl Into<Vec<u8>>, ttl: Ttl) -> SetItem<String> {
    SetItem {
        ttl: Some(ttl),
        ..set(key, value)
    }
}

pub(super) fn set_typed(key: &str, value: impl Into<Vec<u8>>, content_type: &ContentType) -> SetItem<String> {
    SetItem {
        content_type: Some(content_type.clone()),
        ..set(key, value)
    }
}

pub(super) fn delete(key: &str) -> DeleteItem<String> {
    DeleteItem::new(key.to_owned())
}

pub(super) fn delete_if(key: &str, etag: &Etag) -> DeleteItem<String> {
    DeleteItem {
        etag: Some(etag.clone()),
        ..delete(key)
    }
}

pub(super) fn names(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}
