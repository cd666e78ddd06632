//! What a policy makes of a store that fails now and then.

use super::super::{AppStores, Limits, StoreSettings};
use super::*;
use crate::resiliency::{BreakerSettings, Policy, Retry, Times};
use crate::state::{Entry, Etag, Features, GetOptions, Key, KeyPrefix, Listing, Metadata, StateStore, StoredPage};
use async_trait::async_trait;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// What becomes of a call.
#[derive(Clone, Copy)]
enum Fate {
    Done,
    Unavailable,
    Throttled,
    /// A write that had begun.
    Cut,
    Mismatch,
    Fault,
    /// It has no answer, ever.
    Never,
}
use Fate::*;

impl Fate {
    fn error(self) -> Option<StateError> {
        let (reason, source) = ("cut".to_owned(), None);
        Some(match self {
            Done | Never => return None,
            Unavailable => StateError::Unavailable { reason, source },
            Throttled => StateError::Throttled,
            Cut => StateError::OutcomeUnknown { reason, source },
            Mismatch => StateError::EtagMismatch { key: None },
            Fault => StateError::internal("it is broken"),
        })
    }
}

/// A store whose calls, or the items of a bulk write, come to what is written down, and then are done.
struct Scripted {
    fates: Mutex<VecDeque<Fate>>,
    /// The keys of each call.
    calls: Mutex<Vec<Vec<String>>>,
    /// Since when it was told that a call had no answer.
    unanswered: Mutex<Vec<Instant>>,
}

impl Scripted {
    async fn asked(&self, keys: Vec<String>) -> Result<(), StateError> {
        self.calls.lock().unwrap().push(keys);
        let fate = self.fates.lock().unwrap().pop_front().unwrap_or(Done);
        if matches!(fate, Never) {
            std::future::pending::<()>().await;
        }
        fate.error().map_or(Ok(()), Err)
    }
}

fn bare(key: &Key) -> String {
    key.as_str().trim_start_matches("app||").to_owned()
}

#[async_trait]
impl StateStore for Scripted {
    fn features(&self) -> Features {
        Features::ALL
    }

    fn unanswered(&self, since: Instant) {
        self.unanswered.lock().unwrap().push(since);
    }

    async fn get(&self, key: &Key, _: &GetOptions) -> Result<Option<Entry>, StateError> {
        self.asked(vec![bare(key)]).await.map(|()| None)
    }

    async fn set(&self, item: SetItem) -> Result<(), StateError> {
        self.asked(vec![bare(&item.key)]).await
    }

    async fn delete(&self, item: DeleteItem) -> Result<(), StateError> {
        self.asked(vec![bare(&item.key)]).await
    }

    async fn bulk_set(&self, items: Vec<SetItem>) -> Result<(), BulkError> {
        self.calls
            .lock()
            .unwrap()
            .push(items.iter().map(|item| bare(&item.key)).collect());
        let fates: Vec<_> = {
            let mut fates = self.fates.lock().unwrap();
            items.iter().map(|_| fates.pop_front().unwrap_or(Done)).collect()
        };
        if fates.iter().any(|fate| matches!(fate, Never)) {
            std::future::pending::<()>().await;
        }
        BulkError::from_results(fates.into_iter().map(|fate| fate.error().map_or(Ok(()), Err)))
    }

    /// In one: the call has a fate, and not its items.
    async fn bulk_delete(&self, items: Vec<DeleteItem>) -> Result<(), BulkError> {
        Ok(self.asked(items.iter().map(|item| bare(&item.key)).collect()).await?)
    }

    async fn transact(&self, operations: Vec<Operation>, _: &Metadata) -> Result<(), StateError> {
        self.asked(operations.iter().map(|operation| bare(operation.key())).collect())
            .await
    }

    async fn list_keys(&self, _: &Listing) -> Result<StoredPage, StateError> {
        self.asked(Vec::new()).await.map(|()| StoredPage::default())
    }
}

struct Ground {
    store: Arc<Scripted>,
    app: AppStore,
}

impl Ground {
    fn new(policy: Policy, fates: impl IntoIterator<Item = Fate>) -> Self {
        Self::under(Some(policy), fates)
    }

    fn under(policy: Option<Policy>, fates: impl IntoIterator<Item = Fate>) -> Self {
        let store = Arc::new(Scripted {
            fates: Mutex::new(fates.into_iter().collect()),
            calls: Mutex::default(),
            unanswered: Mutex::default(),
        });
        let mut stores = AppStores::default();
        let settings = StoreSettings {
            key_prefix: KeyPrefix::AppId,
            deadline: 5 * SECOND,
            limits: Limits::default(),
            guard: policy.map(|policy| Arc::new(Guard::new(policy))),
        };
        stores.insert("statestore", store.clone(), &settings, "app", None);
        let app = stores.get("statestore").unwrap().clone();
        Self { store, app }
    }

    fn calls(&self) -> usize {
        self.store.calls.lock().unwrap().len()
    }

    fn unanswered(&self) -> Vec<Instant> {
        self.store.unanswered.lock().unwrap().clone()
    }

    async fn get(&self) -> Result<Option<Entry>, StateError> {
        self.app.get("a", &GetOptions::default()).await
    }

    async fn set(&self) -> Result<(), StateError> {
        self.app.set(item("a")).await
    }

    async fn set_if_absent(&self) -> Result<(), StateError> {
        let condition = Condition::Absent;
        self.app.set(SetItem { condition, ..item("a") }).await
    }
}

fn item(key: &str) -> SetItem<String> {
    SetItem::new(key.to_owned(), b"value".to_vec())
}

fn twice() -> Policy {
    Policy {
        retry: Some(Retry {
            times: Times::Constant(SECOND),
            max: Some(2),
            on: Retry::on_all(),
        }),
        ..Policy::default()
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_not_done_is_tried_again() {
    let ground = Ground::new(twice(), [Unavailable, Throttled]);
    ground.set_if_absent().await.unwrap();
    assert_eq!(ground.calls(), 3);
    let ground = Ground::new(twice(), [Unavailable, Throttled, Unavailable, Done]);
    assert_eq!(ground.get().await.unwrap_err().case(), "unavailable");
    assert_eq!(ground.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_may_have_been_done_is_tried_again_only_without_a_condition() {
    let ground = Ground::new(twice(), [Cut]);
    ground.set().await.unwrap();
    assert_eq!(ground.calls(), 2);

    let ground = Ground::new(twice(), [Cut]);
    assert_eq!(ground.set_if_absent().await.unwrap_err().case(), "outcome-unknown");
    let etag = Some(Etag::new("1".to_owned()).unwrap());
    let ground = Ground::new(twice(), [Cut]);
    let delete = DeleteItem {
        etag,
        ..DeleteItem::new("a".to_owned())
    };
    let operations = vec![Operation::Set(item("b")), Operation::Delete(delete)];
    let error = ground.app.transact(operations, &Metadata::default()).await.unwrap_err();
    assert_eq!((error.case(), ground.calls()), ("outcome-unknown", 1));
}

#[tokio::test(start_paused = true)]
async fn a_mismatch_and_a_fault_are_final() {
    for fate in [Mismatch, Fault] {
        let ground = Ground::new(twice(), [fate]);
        ground.set().await.unwrap_err();
        assert_eq!(ground.calls(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn after_an_attempt_that_may_have_been_done_no_error_says_that_nothing_was() {
    let ground = Ground::new(twice(), [Cut, Unavailable, Unavailable]);
    let error = ground.set().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the outcome of the write is unknown: an attempt had no answer, and after it the store is unavailable: cut"
    );
}

#[tokio::test(start_paused = true)]
async fn all_attempts_together_end_at_the_deadline() {
    let policy = Policy {
        timeout: Some(2 * SECOND),
        ..twice()
    };
    let begun = Instant::now();
    let ground = Ground::new(policy, [Never, Never, Never]);
    // 2 s, and 1 s, and 2 s: then the call ends.
    let error = ground.get().await.unwrap_err();
    assert_eq!((error.case(), begun.elapsed()), ("unavailable", 5 * SECOND));
    assert_eq!(ground.calls(), 2);
}

fn opens_at_once() -> Policy {
    let settings = BreakerSettings {
        trip: "totalFailures >= 1".parse().unwrap(),
        ..BreakerSettings::default()
    };
    Policy {
        breaker: Some(("simple".to_owned(), settings)),
        ..Policy::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_hears_of_each_attempt_that_had_no_answer_in_its_time() {
    let begun = Instant::now();
    let timeout = Policy {
        timeout: Some(2 * SECOND),
        ..twice()
    };
    for (policy, since) in [
        (None, vec![0]),
        (Some(Policy::default()), vec![0]),
        (Some(timeout), vec![0, 3]),
    ] {
        for is_bulk in [false, true] {
            let begun = begun + begun.elapsed();
            let ground = Ground::under(policy.clone(), [Never, Never, Never]);
            let error = match is_bulk {
                false => ground.set().await.unwrap_err(),
                true => match ground.app.bulk_delete(vec![DeleteItem::new("a".to_owned())]).await {
                    Err(BulkError::Call(error)) => error,
                    other => panic!("{other:?}"),
                },
            };
            assert_eq!(
                error.to_string(),
                "the outcome of the write is unknown: no answer within 5s"
            );
            assert_eq!(begun.elapsed(), 5 * SECOND);
            let heard: Vec<_> = ground.unanswered().iter().map(|at| (*at - begun).as_secs()).collect();
            assert_eq!(heard, since, "{policy:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_caller_that_leaves_a_store_hears_nothing_and_a_breaker_counts_nothing() {
    for policy in [None, Some(opens_at_once())] {
        let ground = Ground::under(policy, [Never]);
        tokio::time::timeout(SECOND, ground.get()).await.unwrap_err();
        assert_eq!(ground.unanswered(), []);
        ground.get().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_opens_a_circuit_breaker() {
    let ground = Ground::new(opens_at_once(), [Never]);
    ground.get().await.unwrap_err();
    let error = ground.get().await.unwrap_err().to_string();
    assert!(error.contains("its circuit breaker `simple` is open"), "{error}");
    let ground = Ground::new(opens_at_once(), [Never]);
    ground
        .app
        .bulk_delete(vec![DeleteItem::new("a".to_owned())])
        .await
        .unwrap_err();
    ground.get().await.unwrap_err();
    assert_eq!(ground.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_breaker_is_unavailable_and_asks_nobody() {
    let ground = Ground::new(opens_at_once(), [Mismatch, Cut]);
    ground.set().await.unwrap_err();
    assert_eq!(
        ground.set().await.unwrap_err().case(),
        "outcome-unknown",
        "a mismatch opens nothing"
    );
    let error = ground.set().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the store is unavailable: its circuit breaker `simple` is open for 61s more"
    );
    let error = ground.app.bulk_set(vec![item("a")]).await.unwrap_err();
    assert!(
        matches!(error, BulkError::Call(StateError::Unavailable { .. })),
        "{error}"
    );
    assert_eq!(ground.calls(), 2);
    tokio::time::advance(60 * SECOND).await;
    ground.set().await.unwrap();
}

// ---- bulk ----

fn items(error: BulkError) -> Vec<(usize, &'static str)> {
    match error {
        BulkError::Items(items) => items.iter().map(|item| (item.index, item.error.case())).collect(),
        BulkError::Call(error) => panic!("it is of the call: {error}"),
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_bulk_write_only_what_failed_is_tried_again() {
    let conditional = SetItem {
        condition: Condition::Absent,
        ..item("e")
    };
    let ground = Ground::new(twice(), [Done, Unavailable, Mismatch, Cut, Cut]);
    let written = vec![item("a"), item("b"), item("c"), item("d"), conditional];
    let error = ground.app.bulk_set(written).await.unwrap_err();
    assert_eq!(items(error), [(2, "etag-mismatch"), (4, "outcome-unknown")]);
    let calls = ground.store.calls.lock().unwrap().clone();
    assert_eq!(calls, [vec!["a", "b", "c", "d", "e"], vec!["b", "d"]]);
}

#[tokio::test(start_paused = true)]
async fn of_a_bulk_write_what_never_succeeds_has_its_last_error() {
    let ground = Ground::new(twice(), [Cut, Unavailable, Unavailable, Throttled, Unavailable]);
    let error = ground.app.bulk_set(vec![item("a"), item("b")]).await.unwrap_err();
    // The second of them is done at the third attempt.
    assert_eq!(items(error), [(0, "outcome-unknown")]);
    assert_eq!(ground.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_was_done_of_a_bulk_write_before_the_deadline_is_not_in_doubt() {
    let ground = Ground::new(twice(), [Done, Unavailable, Never]);
    let error = ground.app.bulk_set(vec![item("a"), item("b")]).await.unwrap_err();
    assert_eq!(items(error), [(1, "outcome-unknown")]);
    assert_eq!(ground.unanswered().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_error_of_a_whole_bulk_write_stays_one() {
    let keys = || vec![DeleteItem::new("a".to_owned()), DeleteItem::new("b".to_owned())];
    let ground = Ground::new(twice(), [Unavailable, Cut, Unavailable]);
    let error = ground.app.bulk_delete(keys()).await.unwrap_err();
    assert!(
        matches!(error, BulkError::Call(StateError::OutcomeUnknown { .. })),
        "{error}"
    );
    assert_eq!(ground.calls(), 3);
    let ground = Ground::new(twice(), [Unavailable, Cut]);
    ground.app.bulk_delete(keys()).await.unwrap();
}
