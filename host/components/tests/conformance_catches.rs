//! The conformance suite catches stores that break a rule: each of these breaks one, and named claims must fail.

#![allow(clippy::unwrap_used, clippy::panic)]

use async_trait::async_trait;
use dapr_blocks::state::{
    BulkError, Condition, ContentType, DeleteItem, Entry, Etag, Feature, Features, GetOptions, Key, KeyPrefix, Limits,
    Listing, Metadata, Operation, SetItem, StateError, StateStore, StoredPage, Ttl, conformance,
};
use dapr_components::state::memory::{MemorySettings, MemoryStore};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// What a store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Nothing,
    LacksAll,
    TextOnly,
    TrimsKeys,
    ForgetsContentType,
    SameEtagForSameValue,
    IgnoresConditions,
    TakesAbsentForAny,
    CreatesWithEtag,
    EndsEarly,
    EndsLate,
    KeepsTtl,
    NeverSaysWhenItEnds,
    BulkGetInOrderOfKeys,
    BulkGetWithoutLimit,
    BulkSetStopsAtFirstError,
    TransactsOneByOne,
    ListsByPattern,
    ListsShortPages,
    ListsByCount,
    GoesOnAfterHiddenKeys,
    TearsValues,
}

/// A good store, behind something that does one thing wrong.
struct Faulty {
    inner: MemoryStore,
    wrong: Wrong,
    written: Mutex<BTreeSet<Key>>,
    last_type: Mutex<Option<ContentType>>,
}

impl Faulty {
    fn new(wrong: Wrong) -> Self {
        Self {
            inner: MemoryStore::new(&MemorySettings::default()),
            wrong,
            written: Mutex::default(),
            last_type: Mutex::default(),
        }
    }

    /// All stored keys that begin with a listing's prefix, also those that it does not have, in order.
    async fn raw_keys(&self, listing: &Listing) -> Vec<String> {
        let written = self.written.lock().unwrap().clone();
        let mut keys = Vec::new();
        for key in written.iter().filter(|key| key.as_str().starts_with(listing.prefix())) {
            let found = self.inner.get(key, &GetOptions::default()).await;
            keys.extend(found.unwrap().map(|_| key.as_str().to_owned()));
        }
        keys
    }

    fn is(&self, wrong: Wrong) -> bool {
        self.wrong == wrong
    }

    fn spoil(&self, entry: Entry) -> Entry {
        let mut entry = entry;
        match self.wrong {
            Wrong::TextOnly => entry.value = String::from_utf8_lossy(&entry.value).into_owned().into_bytes(),
            Wrong::ForgetsContentType => entry.content_type = None,
            Wrong::SameEtagForSameValue => entry.etag = Etag::from_store(format!("{:?}", entry.value.len())),
            Wrong::NeverSaysWhenItEnds => entry.expires_at = None,
            Wrong::TearsValues => entry.content_type = self.last_type.lock().unwrap().clone(),
            _ => {}
        }
        entry
    }

    fn spoiled(&self, mut item: SetItem) -> SetItem {
        match (self.wrong, &item.condition) {
            (Wrong::IgnoresConditions, _) | (Wrong::TakesAbsentForAny, Condition::Absent) => {
                item.condition = Condition::Any;
            }
            _ => {}
        }
        let seconds = item.ttl.map(Ttl::seconds);
        match (self.wrong, seconds) {
            (Wrong::EndsEarly, Some(3)) => item.ttl = Ttl::new(1).ok(),
            (Wrong::EndsLate, Some(seconds @ ..1000)) => item.ttl = Ttl::new(seconds + 2).ok(),
            (Wrong::KeepsTtl, None) if item.value == b"stays" => item.ttl = Ttl::new(1).ok(),
            _ => {}
        }
        item
    }
}

#[async_trait]
impl StateStore for Faulty {
    fn features(&self) -> Features {
        if self.is(Wrong::LacksAll) {
            Features::default()
        } else {
            Features::ALL
        }
    }

    async fn get(&self, key: &Key, options: &GetOptions) -> Result<Option<Entry>, StateError> {
        Ok(self.inner.get(key, options).await?.map(|entry| self.spoil(entry)))
    }

    async fn bulk_get(
        &self,
        keys: &[Key],
        options: &GetOptions,
        max_bytes: usize,
    ) -> Result<Vec<Option<Entry>>, StateError> {
        let max_bytes = if self.is(Wrong::BulkGetWithoutLimit) {
            usize::MAX
        } else {
            max_bytes
        };
        let mut keys = keys.to_vec();
        if self.is(Wrong::BulkGetInOrderOfKeys) {
            keys.sort();
        }
        let found = self.inner.bulk_get(&keys, options, max_bytes).await?;
        Ok(found
            .into_iter()
            .map(|entry| entry.map(|entry| self.spoil(entry)))
            .collect())
    }

    async fn set(&self, item: SetItem) -> Result<(), StateError> {
        let mut item = self.spoiled(item);
        self.written.lock().unwrap().insert(item.key.clone());
        if self.is(Wrong::TearsValues) {
            self.last_type.lock().unwrap().clone_from(&item.content_type);
            tokio::task::yield_now().await;
        }
        if self.is(Wrong::CreatesWithEtag) && matches!(item.condition, Condition::Matches(_)) {
            let found = self.inner.get(&item.key, &GetOptions::default()).await?;
            if found.is_none() {
                item.condition = Condition::Any;
            }
        }
        if self.is(Wrong::TrimsKeys) {
            let text = item.key.as_str().trim_end();
            let (prefix, key) = text.split_once("||").unwrap_or(("", text));
            let prefix = dapr_blocks::state::KeyPrefix::AppId.resolve(prefix, "", None);
            item.key = prefix.key(key, &Limits::default()).unwrap_or(item.key);
        }
        self.inner.set(item).await
    }

    async fn bulk_set(&self, items: Vec<SetItem>) -> Result<(), BulkError> {
        if !self.is(Wrong::BulkSetStopsAtFirstError) {
            let mut results = Vec::new();
            for item in items {
                results.push(self.set(item).await);
            }
            return BulkError::from_results(results);
        }
        for item in items {
            self.set(item).await?;
        }
        Ok(())
    }

    async fn delete(&self, mut item: DeleteItem) -> Result<(), StateError> {
        if self.is(Wrong::IgnoresConditions) {
            item.etag = None;
        }
        self.inner.delete(item).await
    }

    async fn transact(&self, operations: Vec<Operation>, metadata: &Metadata) -> Result<(), StateError> {
        let keys = operations.iter().map(|operation| operation.key().clone());
        self.written.lock().unwrap().extend(keys);
        if !self.is(Wrong::TransactsOneByOne) {
            let operations = operations.into_iter().map(|operation| match operation {
                Operation::Set(item) => Operation::Set(self.spoiled(item)),
                delete => delete,
            });
            return self.inner.transact(operations.collect(), metadata).await;
        }
        for operation in operations {
            match operation {
                Operation::Set(item) => self.set(item).await?,
                Operation::Delete(item) => self.delete(item).await?,
            }
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    async fn list_keys(&self, listing: &Listing) -> Result<StoredPage, StateError> {
        let mut page = self.inner.list_keys(listing).await?;
        match self.wrong {
            Wrong::ListsByPattern if listing.prefix().contains('[') => page.keys.clear(),
            Wrong::ListsShortPages if page.next.is_some() && page.keys.len() > 1 => {
                page.keys.pop();
            }
            Wrong::ListsByCount => {
                let before: usize = listing.position().map_or(0, |count| count.parse().unwrap());
                let mut keys = self.raw_keys(listing).await;
                keys.retain(|key| listing.has(key));
                page.next = (keys.len() > before + listing.limit()).then(|| (before + listing.limit()).to_string());
                page.keys = keys.into_iter().skip(before).take(listing.limit()).collect();
            }
            Wrong::GoesOnAfterHiddenKeys => {
                let mut keys = self.raw_keys(listing).await;
                keys.retain(|key| listing.position().is_none_or(|after| key.as_str() > after));
                let more = keys.len() > listing.limit();
                keys.truncate(listing.limit());
                page.next = keys.last().filter(|_| more).cloned();
                page.keys = keys;
            }
            _ => {}
        }
        Ok(page)
    }
}

impl Wrong {
    /// The runs of the suite of which one must find the fault: the first, unless tasks must meet at the wrong moment for it.
    fn runs(self) -> usize {
        match self {
            Self::IgnoresConditions | Self::TransactsOneByOne | Self::TearsValues => 4,
            _ => 1,
        }
    }
}

async fn report(wrong: Wrong) -> conformance::Report {
    conformance::run(Arc::new(Faulty::new(wrong)), Limits::default()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_broken_rule_fails_the_claims_about_it() {
    let mut running = tokio::task::JoinSet::new();
    for (wrong, claims) in [
        (Wrong::TextOnly, &["bytes_that_are_no_text_come_back_exactly"][..]),
        (Wrong::TrimsKeys, &["keys_that_differ_in_anything_name_different_items"]),
        (Wrong::ForgetsContentType, &["a_content_type_comes_back"]),
        (
            Wrong::SameEtagForSameValue,
            &[
                "every_write_changes_the_etag",
                "an_etag_does_not_come_back_after_a_delete",
            ],
        ),
        (
            Wrong::IgnoresConditions,
            &[
                "a_set_with_a_stale_etag_mismatches_and_changes_nothing",
                "a_delete_with_a_stale_etag_mismatches_and_changes_nothing",
                "of_several_writers_with_one_etag_one_wins",
                "increments_by_an_etag_loop_lose_none",
            ],
        ),
        (
            Wrong::TakesAbsentForAny,
            &["a_set_if_absent_on_an_existing_item_mismatches_and_changes_nothing"],
        ),
        (
            Wrong::CreatesWithEtag,
            &[
                "a_set_with_an_etag_on_an_absent_item_mismatches",
                "an_ended_items_etag_mismatches",
            ],
        ),
        (Wrong::EndsEarly, &["an_item_of_three_seconds_lives_as_exactly"]),
        (Wrong::EndsLate, &["an_item_lives_its_ttl_and_at_most_a_second_more"]),
        (Wrong::KeepsTtl, &["a_set_without_ttl_clears_an_earlier_one"]),
        (Wrong::NeverSaysWhenItEnds, &["an_item_says_when_it_ends"]),
        (
            Wrong::BulkGetInOrderOfKeys,
            &["bulk_get_answers_in_the_order_of_the_keys"],
        ),
        (
            Wrong::BulkGetWithoutLimit,
            &["bulk_get_of_more_than_may_be_answered_is_too_large"],
        ),
        (
            Wrong::BulkSetStopsAtFirstError,
            &["bulk_set_does_what_it_can_and_names_the_rest"],
        ),
        (
            Wrong::TransactsOneByOne,
            &[
                "a_failing_condition_at_the_end_undoes_all",
                "a_failing_delete_undoes_all",
                "a_reader_never_sees_half_a_transaction",
            ],
        ),
        (Wrong::ListsByPattern, &["wildcards_in_a_prefix_stand_for_themselves"]),
        (Wrong::ListsShortPages, &["pages_give_every_key"]),
        (
            Wrong::ListsByCount,
            &[
                "keys_that_stay_are_listed_while_others_come_and_go",
                "a_cursor_outlives_the_items_of_its_page",
            ],
        ),
        (
            Wrong::GoesOnAfterHiddenKeys,
            &["a_cursor_names_no_key_that_is_not_listed"],
        ),
        (Wrong::TearsValues, &["a_value_and_its_content_type_are_of_one_write"]),
    ] {
        running.spawn(async move {
            let runs = wrong.runs();
            for run in 1..=runs {
                let report = report(wrong).await;
                let failed = |claim: &&&str| report.failed.iter().any(|failed| failed.claim == **claim);
                let passed: Vec<_> = claims.iter().filter(|claim| !failed(claim)).collect();
                if passed.is_empty() {
                    return;
                }
                assert!(run < runs, "{wrong:?} passes {passed:?}\n{report}");
            }
        });
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_store_lacks_is_left_out() {
    let report = report(Wrong::LacksAll).await.into_result().unwrap();
    for feature in Feature::ALL {
        assert!(
            report.left_out.iter().any(|left_out| left_out.feature == feature),
            "{report}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_suite_wrote_is_gone_when_it_ends() {
    let store = Arc::new(Faulty::new(Wrong::Nothing));
    let _ = conformance::run(store.clone(), Limits::default())
        .await
        .into_result()
        .unwrap();
    let everything = KeyPrefix::None.resolve("", "", None);
    let everything = everything.listing("", &Limits::default()).unwrap();
    assert!(!store.written.lock().unwrap().is_empty());
    assert_eq!(store.raw_keys(&everything).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_reads_as_text() {
    let report = report(Wrong::TakesAbsentForAny).await;
    let text = report.into_result().unwrap_err().to_string();
    assert!(text.starts_with("the store does not conform: "), "{text}");
    assert!(
        text.contains("failed: a set if absent on an existing item mismatches and changes nothing\n    a set if absent: expected `etag-mismatch`, but it succeeded with ()"),
        "{text}"
    );
}
