//! A state store that is opened later: when an app first asks it, or once its server is there.
//!
//! Until then nobody knows what it can do, so that every feature counts as there; the first call finds out, and is refused
//! then where the store lacks what it asks for.

use super::{
    BulkError, Condition, DeleteItem, Entry, Feature, Features, GetOptions, Health, Key, Limits, Listing, Metadata,
    Operation, SetItem, StateError, StateStore, StoredPage,
};
use crate::late::{BoxError, DOES_NOT_OPEN, Late, NotOpen};
use async_trait::async_trait;
use std::future::Future;
use std::sync::Arc;
use tokio::sync::OnceCell;
use tokio::time::Instant;

/// A store that is opened later.
pub struct LateStore {
    /// What the views of all apps share.
    late: Arc<Late<dyn StateStore>>,
    /// The app id of whoever asks.
    caller: Arc<str>,
    /// The open store, as this app asks it.
    view: OnceCell<Arc<dyn StateStore>>,
}

impl LateStore {
    /// A store that is opened at its first use. Logs and apps call it `name`; its tasks run on this runtime.
    pub fn at_first_use<F, E>(name: &str, open: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Arc<dyn StateStore>, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        Self::of_nobody(Late::at_first_use(name, open))
    }

    /// A store that did not open just now, and is tried again from now on.
    pub fn after_failure<F, E>(name: &str, open: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Arc<dyn StateStore>, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        Self::of_nobody(Late::after_failure(name, open))
    }

    fn of_nobody(late: Arc<Late<dyn StateStore>>) -> Self {
        Self {
            late,
            caller: "".into(),
            view: OnceCell::new(),
        }
    }

    /// The store, open by now.
    async fn opened(&self) -> Result<&Arc<dyn StateStore>, StateError> {
        let view = || async {
            let store = self.late.open().await?;
            Ok(store.of_app(&self.caller).unwrap_or(store))
        };
        self.view.get_or_try_init(view).await
    }

    /// The same, if it has these features.
    async fn with(&self, needs: impl IntoIterator<Item = Feature>) -> Result<&Arc<dyn StateStore>, StateError> {
        let store = self.opened().await?;
        let features = store.features();
        match needs.into_iter().find(|feature| !features.has(*feature)) {
            None => Ok(store),
            Some(feature) => Err(StateError::Unsupported {
                store: self.late.name.clone(),
                feature,
            }),
        }
    }
}

impl From<NotOpen> for StateError {
    fn from(NotOpen(source): NotOpen) -> Self {
        Self::Unavailable {
            reason: DOES_NOT_OPEN.to_owned(),
            source,
        }
    }
}

/// What a write asks for.
fn needs_of_set(item: &SetItem) -> [Option<Feature>; 2] {
    let etags = (item.condition != Condition::Any).then_some(Feature::Etags);
    [etags, item.ttl.map(|_| Feature::Ttl)]
}

fn needs_of_delete(item: &DeleteItem) -> Option<Feature> {
    item.etag.as_ref().map(|_| Feature::Etags)
}

#[async_trait]
impl StateStore for LateStore {
    fn features(&self) -> Features {
        self.late.get().map_or(Features::ALL, |store| store.features())
    }

    fn limits(&self) -> Limits {
        self.late.get().map_or_else(Limits::default, |store| store.limits())
    }

    fn of_app(&self, app: &str) -> Option<Arc<dyn StateStore>> {
        Some(Arc::new(Self {
            late: Arc::clone(&self.late),
            caller: app.into(),
            view: OnceCell::new(),
        }))
    }

    fn health(&self) -> Health {
        self.late.health(|store| store.health())
    }

    fn unanswered(&self, since: Instant) {
        // Opening has a time of its own.
        if let Some(view) = self.view.get() {
            view.unanswered(since);
        }
    }

    async fn get(&self, key: &Key, options: &GetOptions) -> Result<Option<Entry>, StateError> {
        self.opened().await?.get(key, options).await
    }

    async fn bulk_get(
        &self,
        keys: &[Key],
        options: &GetOptions,
        max_bytes: usize,
    ) -> Result<Vec<Option<Entry>>, StateError> {
        self.opened().await?.bulk_get(keys, options, max_bytes).await
    }

    async fn set(&self, item: SetItem) -> Result<(), StateError> {
        let needs = needs_of_set(&item).into_iter().flatten();
        self.with(needs).await?.set(item).await
    }

    async fn bulk_set(&self, items: Vec<SetItem>) -> Result<(), BulkError> {
        let needs: Vec<_> = items.iter().flat_map(needs_of_set).flatten().collect();
        self.with(needs).await?.bulk_set(items).await
    }

    async fn delete(&self, item: DeleteItem) -> Result<(), StateError> {
        self.with(needs_of_delete(&item)).await?.delete(item).await
    }

    async fn bulk_delete(&self, items: Vec<DeleteItem>) -> Result<(), BulkError> {
        let needs: Vec<_> = items.iter().filter_map(needs_of_delete).collect();
        self.with(needs).await?.bulk_delete(items).await
    }

    async fn transact(&self, operations: Vec<Operation>, metadata: &Metadata) -> Result<(), StateError> {
        let mut needs = vec![Feature::Transactions];
        for operation in &operations {
            match operation {
                Operation::Set(item) => needs.extend(needs_of_set(item).into_iter().flatten()),
                Operation::Delete(item) => needs.extend(needs_of_delete(item)),
            }
        }
        self.with(needs).await?.transact(operations, metadata).await
    }

    async fn list_keys(&self, listing: &Listing) -> Result<StoredPage, StateError> {
        self.with([Feature::Listing]).await?.list_keys(listing).await
    }

    async fn close(&self) {
        self.late.close().await;
        if let Some(store) = self.late.get() {
            store.close().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::late::{Opening, REST};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    /// A store that has no item.
    struct Empty;

    #[async_trait]
    impl StateStore for Empty {
        fn features(&self) -> Features {
            Features::default()
        }

        async fn get(&self, _: &Key, _: &GetOptions) -> Result<Option<Entry>, StateError> {
            Ok(None)
        }

        async fn set(&self, _: SetItem) -> Result<(), StateError> {
            Ok(())
        }

        async fn delete(&self, _: DeleteItem) -> Result<(), StateError> {
            Ok(())
        }

        async fn transact(&self, _: Vec<Operation>, _: &Metadata) -> Result<(), StateError> {
            Ok(())
        }

        async fn list_keys(&self, _: &Listing) -> Result<StoredPage, StateError> {
            Ok(StoredPage::default())
        }
    }

    /// What opens at the attempt of this number, and the attempts so far.
    fn opening_at(attempt: usize) -> (impl Fn() -> Opening<dyn StateStore> + Send + Sync, Arc<AtomicUsize>) {
        let attempts = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&attempts);
        let open = move || {
            let is_there = counted.fetch_add(1, Ordering::Relaxed) + 1 >= attempt;
            Box::pin(async move {
                match is_there {
                    true => Ok(Arc::new(Empty) as Arc<dyn StateStore>),
                    false => Err("connection refused".into()),
                }
            }) as Opening<dyn StateStore>
        };
        (open, attempts)
    }

    async fn get(store: &LateStore) -> Result<Option<Entry>, StateError> {
        let key = super::super::KeyPrefix::None.resolve("app", "store", None);
        let key = key.key("a", &Limits::default()).unwrap();
        store.get(&key, &GetOptions::default()).await
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_opened_when_it_is_first_asked() {
        let (open, attempts) = opening_at(1);
        let store = LateStore::at_first_use("late", open);
        assert_eq!((attempts.load(Ordering::Relaxed), store.health()), (0, Health::Well));
        assert_eq!(store.features(), Features::ALL, "nobody knows yet");
        get(&store).await.unwrap();
        get(&store).await.unwrap();
        assert_eq!(attempts.load(Ordering::Relaxed), 1);
        assert_eq!(store.features(), Features::default());
        let error = store.transact(Vec::new(), &Metadata::default()).await.unwrap_err();
        assert_eq!(error.to_string(), "state store `late` has no transactions");
        store.close().await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_open_is_unavailable_and_not_tried_at_each_call() {
        let (open, attempts) = opening_at(usize::MAX);
        let store = LateStore::at_first_use("late", open);
        for _ in 0..10 {
            assert_eq!(get(&store).await.unwrap_err().case(), "unavailable");
        }
        assert_eq!(attempts.load(Ordering::Relaxed), 1);
        assert!(matches!(store.health(), Health::Failing(_)));
        store.close().await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_failed_is_opened_although_nobody_asks() {
        let (open, attempts) = opening_at(3);
        let store = LateStore::after_failure("late", open);
        assert!(matches!(store.health(), Health::Failing(_)));
        tokio::time::timeout(Duration::from_secs(60), async {
            while store.health() != Health::Well {
                tokio::time::sleep(REST).await;
            }
        })
        .await
        .expect("it opens in a while");
        assert_eq!(attempts.load(Ordering::Relaxed), 3);
        get(&store).await.unwrap();
        store.close().await;
    }

    #[tokio::test(start_paused = true)]
    async fn closing_ends_the_attempts() {
        let (open, _) = opening_at(usize::MAX);
        let store = LateStore::after_failure("late", open);
        tokio::time::timeout(Duration::from_millis(1), store.close())
            .await
            .expect("nothing holds it");
    }
}
