//! What an app hears before a store is asked, and of what a store must not answer.
//!
//! `docs/state.md` names the tests that hold a rule there, beside the claims that every store is held to.

use super::super::{ContentType, Etag, Features, Listing, StoredPage, Ttl};
use super::*;
use async_trait::async_trait;
use std::sync::Mutex;

/// A store that notes what it is asked, and answers what it is told to.
#[derive(Default)]
struct Fake {
    features: Features,
    limits: Limits,
    entries: Vec<Option<Entry>>,
    mismatch: Option<String>,
    calls: Mutex<Vec<String>>,
}

impl Fake {
    fn note(&self, call: impl Into<String>) {
        self.calls.lock().unwrap().push(call.into());
    }

    fn written(&self, call: String) -> Result<(), StateError> {
        self.note(call);
        match &self.mismatch {
            Some(key) => Err(StateError::EtagMismatch { key: Some(key.clone()) }),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl StateStore for Fake {
    fn features(&self) -> Features {
        self.features
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    async fn get(&self, key: &Key, _: &GetOptions) -> Result<Option<Entry>, StateError> {
        self.note(format!("get {key}"));
        Ok(self.entries.first().cloned().flatten())
    }

    async fn bulk_get(&self, keys: &[Key], _: &GetOptions, _: usize) -> Result<Vec<Option<Entry>>, StateError> {
        self.note(format!("bulk-get of {}", keys.len()));
        Ok(self.entries.clone())
    }

    async fn set(&self, item: SetItem) -> Result<(), StateError> {
        let kind = item.content_type.map(|kind| format!(" as {}", kind.as_str()));
        self.written(format!("set {}{}", item.key, kind.unwrap_or_default()))
    }

    async fn delete(&self, item: DeleteItem) -> Result<(), StateError> {
        self.written(format!("delete {}", item.key))
    }

    async fn transact(&self, operations: Vec<Operation>, _: &Metadata) -> Result<(), StateError> {
        self.written(format!("transact of {}", operations.len()))
    }

    async fn list_keys(&self, listing: &Listing) -> Result<StoredPage, StateError> {
        self.note(format!("list-keys {}", listing.prefix()));
        Ok(StoredPage::default())
    }
}

struct Ground {
    store: Arc<Fake>,
    app: AppStore,
}

impl Ground {
    fn on(fake: Fake) -> Self {
        let store = Arc::new(fake);
        let mut stores = AppStores::default();
        let settings = StoreSettings {
            key_prefix: KeyPrefix::AppId,
            deadline: Duration::from_secs(5),
            limits: Limits::default(),
            guard: None,
        };
        stores.insert("statestore", store.clone(), &settings, "app", None);
        let app = stores.get("statestore").unwrap().clone();
        Self { store, app }
    }

    fn new() -> Self {
        Self::on(Fake {
            features: Features::ALL,
            ..Fake::default()
        })
    }

    fn finding(entries: Vec<Option<Entry>>) -> Self {
        Self::on(Fake {
            entries,
            ..Fake::default()
        })
    }

    fn calls(&self) -> Vec<String> {
        self.store.calls.lock().unwrap().clone()
    }

    #[track_caller]
    fn nothing_was_asked(&self) {
        assert_eq!(self.calls(), [""; 0]);
    }

    async fn read(&self, key: &str) -> Result<Option<Entry>, StateError> {
        self.app.get(key, &GetOptions::default()).await
    }

    async fn read_all(&self, keys: &[&str]) -> Result<Vec<Option<Entry>>, StateError> {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        self.app.bulk_get(&keys, &GetOptions::default()).await
    }

    async fn transact(&self, operations: Vec<Operation<String>>) -> Result<(), StateError> {
        self.app.transact(operations, &Metadata::default()).await
    }

    async fn list(&self, prefix: &str) -> Result<KeyPage, StateError> {
        self.app.list_keys(prefix, PageLimit::default(), None).await
    }
}

fn set(key: &str) -> SetItem<String> {
    SetItem::new(key.to_owned(), "v")
}

fn delete(key: &str) -> DeleteItem<String> {
    DeleteItem::new(key.to_owned())
}

fn numbered(count: usize) -> impl Iterator<Item = String> + Clone {
    (0..count).map(|index| index.to_string())
}

fn of(bytes: usize) -> Option<Entry> {
    Some(Entry {
        value: vec![0; bytes],
        ..Entry::default()
    })
}

#[track_caller]
fn is<T: std::fmt::Debug>(case: &str, result: Result<T, impl Into<BulkError>>) {
    match result.map_err(Into::into) {
        Err(BulkError::Call(error)) => assert_eq!(error.case(), case, "{error}"),
        other => panic!("expected `{case}`, found {other:?}"),
    }
}

// ---- keys ----

#[tokio::test]
async fn a_key_that_is_empty_or_has_the_separator_is_invalid() {
    let ground = Ground::new();
    for key in ["", "||", "a||b", "||a", "a||", "a\0b"] {
        is("invalid", ground.read(key).await);
        is("invalid", ground.read_all(&["k", key]).await);
        is("invalid", ground.app.set(set(key)).await);
        is("invalid", ground.app.bulk_set(vec![set("k"), set(key)]).await);
        is("invalid", ground.app.delete(delete(key)).await);
        is("invalid", ground.app.bulk_delete(vec![delete("k"), delete(key)]).await);
        is("invalid", ground.transact(vec![Operation::Set(set(key))]).await);
    }
    ground.nothing_was_asked();
}

#[tokio::test]
async fn a_key_or_prefix_that_is_too_long_is_too_large() {
    let ground = Ground::new();
    let longest = "k".repeat(Limits::default().key);
    ground.read(&longest).await.unwrap();
    let longer = format!("{longest}k");
    is("too-large", ground.read(&longer).await);
    is("too-large", ground.app.set(set(&longer)).await);
    is("too-large", ground.list(&longer).await);
    assert_eq!(ground.calls(), [format!("get app||{longest}")]);
}

#[tokio::test]
async fn a_key_named_twice_in_one_write_is_invalid() {
    let ground = Ground::new();
    is("invalid", ground.app.bulk_set(vec![set("k"), set("k")]).await);
    is("invalid", ground.app.bulk_delete(vec![delete("k"), delete("k")]).await);
    ground.nothing_was_asked();
}

#[tokio::test]
async fn a_key_named_twice_in_one_transaction_is_invalid() {
    let ground = Ground::new();
    let operations = vec![Operation::Set(set("k")), Operation::Delete(delete("k"))];
    is("invalid", ground.transact(operations).await);
    ground.nothing_was_asked();
}

#[tokio::test]
async fn a_prefix_with_the_separator_is_invalid() {
    let ground = Ground::new();
    for prefix in ["||", "a||", "a||b", "a\0"] {
        is("invalid", ground.list(prefix).await);
    }
    ground.nothing_was_asked();
}

#[tokio::test]
async fn a_cursor_that_was_not_given_out_is_not_shown_to_the_store() {
    let ground = Ground::new();
    let cursor = Cursor::new("6170707c7c61");
    is(
        "invalid",
        ground.app.list_keys("", PageLimit::default(), Some(&cursor)).await,
    );
    ground.nothing_was_asked();
}

// ---- nothing ----

#[tokio::test]
async fn a_bulk_call_with_nothing_does_nothing() {
    let ground = Ground::new();
    assert_eq!(ground.read_all(&[]).await.unwrap(), []);
    ground.app.bulk_set(Vec::new()).await.unwrap();
    ground.app.bulk_delete(Vec::new()).await.unwrap();
    ground.nothing_was_asked();
}

#[tokio::test]
async fn a_transaction_of_nothing_does_nothing() {
    let ground = Ground::new();
    ground.transact(Vec::new()).await.unwrap();
    ground.nothing_was_asked();
}

// ---- features ----

#[tokio::test]
async fn without_etags_a_condition_is_unsupported() {
    let ground = Ground::on(Fake::default());
    let etag = Etag::new("etag").unwrap();
    for condition in [Condition::Absent, Condition::Matches(etag.clone())] {
        let item = SetItem { condition, ..set("k") };
        is("unsupported", ground.app.set(item.clone()).await);
        is("unsupported", ground.app.bulk_set(vec![item]).await);
    }
    let item = DeleteItem {
        etag: Some(etag),
        ..delete("k")
    };
    is("unsupported", ground.app.delete(item.clone()).await);
    is("unsupported", ground.app.bulk_delete(vec![item]).await);
    ground.nothing_was_asked();
}

#[tokio::test]
async fn without_transactions_a_transaction_is_unsupported() {
    let ground = Ground::on(Fake::default());
    is("unsupported", ground.transact(vec![Operation::Set(set("k"))]).await);
    ground.nothing_was_asked();
}

#[tokio::test]
async fn without_ttl_a_ttl_is_unsupported() {
    let ground = Ground::on(Fake::default());
    let item = SetItem {
        ttl: Some(Ttl::new(60).unwrap()),
        ..set("k")
    };
    is("unsupported", ground.app.set(item).await);
    ground.nothing_was_asked();
}

#[tokio::test]
async fn without_listing_a_listing_is_unsupported() {
    let ground = Ground::on(Fake::default());
    is("unsupported", ground.list("").await);
    ground.nothing_was_asked();
}

// ---- sizes ----

#[tokio::test]
async fn more_than_a_call_may_have_is_too_large() {
    let ground = Ground::new();
    let Limits {
        items,
        operations,
        value,
        ..
    } = Limits::default();
    let keys: Vec<String> = numbered(items + 1).collect();
    is("too-large", ground.app.bulk_get(&keys, &GetOptions::default()).await);
    is(
        "too-large",
        ground.app.bulk_set(keys.iter().map(|key| set(key)).collect()).await,
    );
    is(
        "too-large",
        ground
            .app
            .bulk_delete(keys.iter().map(|key| delete(key)).collect())
            .await,
    );
    let too_many = numbered(operations + 1).map(|key| Operation::Set(set(&key)));
    is("too-large", ground.transact(too_many.collect()).await);
    let large = SetItem::new("k".to_owned(), vec![0; value + 1]);
    is("too-large", ground.app.set(large).await);
    ground.nothing_was_asked();
}

#[tokio::test]
async fn all_that_items_carry_counts_toward_a_batch() {
    let ground = Ground::new();
    let batch = Limits::default().batch;
    let values = |bytes: usize| {
        ["a", "b"]
            .map(|key| SetItem::new(key.to_owned(), vec![0; bytes / 2 - 1]))
            .to_vec()
    };
    ground.app.bulk_set(values(batch)).await.unwrap();
    let mut typed = values(batch);
    typed[0].content_type = Some(ContentType::new("a").unwrap());
    is("too-large", ground.app.bulk_set(typed).await);
    let mut tagged = values(batch);
    tagged[1].metadata = Metadata::new(vec![("a".to_owned(), String::new())]).unwrap();
    is("too-large", ground.app.bulk_set(tagged).await);
    let etag = Etag::new("e".repeat(Etag::MAX_BYTES)).unwrap();
    let deletes = numbered(1000).map(|key| DeleteItem {
        etag: Some(etag.clone()),
        ..delete(&key)
    });
    ground.app.bulk_delete(deletes.clone().collect()).await.unwrap();
    let mut heavy: Vec<_> = deletes.clone().collect();
    for item in heavy.iter_mut().take(4) {
        item.metadata = Metadata::new(vec![("a".to_owned(), "m".repeat(Metadata::MAX_BYTES - 1))]).unwrap();
    }
    is("too-large", ground.app.bulk_delete(heavy).await);
    let value = SetItem::new("value".to_owned(), vec![0; Limits::default().value]);
    let operations = deletes.skip(1).map(Operation::Delete).chain([Operation::Set(value)]);
    is("too-large", ground.transact(operations.collect()).await);
}

#[tokio::test]
async fn a_stores_own_limits_hold_where_they_are_lower() {
    let limits = Limits {
        operations: 100,
        value: 10,
        batch: usize::MAX,
        ..Limits::default()
    };
    let ground = Ground::on(Fake {
        features: Features::ALL,
        limits,
        ..Fake::default()
    });
    assert_eq!(ground.app.limits().batch, Limits::default().batch);
    let operations = |count| numbered(count).map(|key| Operation::Set(set(&key))).collect();
    ground.transact(operations(100)).await.unwrap();
    is("too-large", ground.transact(operations(101)).await);
    is("too-large", ground.app.set(SetItem::new("k".to_owned(), [0; 11])).await);
    assert_eq!(ground.calls(), ["transact of 100"]);
}

// ---- what a store answers ----

#[tokio::test]
async fn an_item_that_others_made_too_large_is_too_large() {
    let Limits { value, batch, .. } = Limits::default();
    assert_eq!(Ground::finding(vec![of(value)]).read("k").await.unwrap(), of(value));
    is("too-large", Ground::finding(vec![of(value + 1)]).read("k").await);
    let two = || vec![of(1), of(value + 1)];
    is("too-large", Ground::finding(two()).read_all(&["a", "b"]).await);
    let three = || vec![of(batch / 2), of(batch / 2), of(1)];
    is("too-large", Ground::finding(three()).read_all(&["a", "b", "c"]).await);
}

#[tokio::test]
async fn all_that_an_item_carries_counts_toward_a_result() {
    let half = Limits::default().batch / 2;
    let typed = of(half).map(|entry| Entry {
        content_type: Some(ContentType::new("a").unwrap()),
        ..entry
    });
    is(
        "too-large",
        Ground::finding(vec![of(half), typed]).read_all(&["a", "b"]).await,
    );
}

#[tokio::test]
async fn an_answer_to_other_keys_than_were_asked_for_is_the_stores_fault() {
    is("internal", Ground::finding(vec![of(1)]).read_all(&["a", "b"]).await);
}

#[tokio::test]
async fn a_mismatch_names_a_key_only_as_the_app_does() {
    for (stored, shown) in [("app||k", Some("k")), ("other||k", None), ("app||Type||id||k", None)] {
        let ground = Ground::on(Fake {
            mismatch: Some(stored.to_owned()),
            ..Fake::default()
        });
        match ground.app.set(set("k")).await {
            Err(StateError::EtagMismatch { key }) => assert_eq!(key.as_deref(), shown),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn without_content_types_they_are_dropped() {
    let features = Features {
        content_types: false,
        ..Features::ALL
    };
    let typed = || SetItem {
        content_type: Some(ContentType::new("text/plain").unwrap()),
        ..set("k")
    };
    let ground = Ground::on(Fake {
        features,
        ..Fake::default()
    });
    ground.app.set(typed()).await.unwrap();
    assert_eq!(ground.calls(), ["set app||k"]);
    let ground = Ground::on(Fake {
        features: Features::ALL,
        ..Fake::default()
    });
    ground.app.set(typed()).await.unwrap();
    assert_eq!(ground.calls(), ["set app||k as text/plain"]);
}
