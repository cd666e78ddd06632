//! What an app sees of a listing, whatever a store answers and whatever cursor somebody hands in.
//!
//! The store answers what the fuzzer likes, so that this holds for the worst store. Cursors are sealed inside of
//! `dapr-blocks`; here they are had as an app has them, from a page.

use crate::text::Text;
use arbitrary::Arbitrary;
use async_trait::async_trait;
use dapr_blocks::state::{
    AppStores, Cursor, DeleteItem, Entry, Features, GetOptions, Key, KeyPage, KeyPrefix, Limits, Listing, Metadata,
    Operation, PageLimit, Prefix, SetItem, StateError, StateStore, StoreSettings, StoredPage,
};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// A listing that an app asks for, and what the store answers.
#[derive(Arbitrary, Debug)]
pub struct Pages {
    prefixes: [Text; 2],
    limit: u8,
    own: Vec<Text>,
    others: Vec<Text>,
    foreign: Vec<Text>,
    next: Option<Text>,
    cursor: Text,
    flipped: (u16, u8),
}

/// Holds a page and its cursor to what an app of `own` may see. `others` are the keys of another one, or of the same.
pub fn check(own: &Prefix, others: &Prefix, pages: &Pages, limits: &Limits) {
    let [prefix, other_prefix] = &pages.prefixes;
    let (Ok(listing), Ok(limit)) = (own.listing(prefix, limits), PageLimit::new(pages.limit.into())) else {
        return;
    };
    let keys = |prefix: &Prefix, keys: &[Text]| -> Vec<String> {
        let made = keys.iter().filter_map(|key| prefix.key(key, limits).ok());
        made.map(Key::into_string).collect()
    };
    let foreign = pages.foreign.iter().map(ToString::to_string).collect();
    let stored = [keys(own, &pages.own), keys(others, &pages.others), foreign].concat();
    let answer = StoredPage {
        keys: stored.clone(),
        next: pages.next.as_ref().map(ToString::to_string),
    };
    let page = match ask(own, answer, prefix, limit, limits) {
        Ok(page) => page,
        Err(error) => {
            let too_many = stored.len() > limit.get();
            let too_long = pages
                .next
                .as_ref()
                .is_some_and(|next| next.len() > Cursor::MAX_BYTES / 2 - 16);
            let of_others = pages.next.as_ref().is_some_and(|next| tells_of_others(own, next));
            assert!(too_many || too_long || of_others, "{error:?}");
            return;
        }
    };
    let told = pages.next.as_ref().is_some_and(|next| tells_of_others(own, next));
    assert!(!told, "the app can read another's key in the cursor");
    named(own, prefix, &stored, &page.keys, limits);
    assert_eq!(page.cursor.is_some(), pages.next.is_some());
    for text in [&*pages.cursor, prefix, other_prefix] {
        let cursor = Cursor::new(text);
        let Ok(page) = listing.clone().page(limit, Some(&cursor)) else {
            continue;
        };
        // A cursor is no signature, and can be made by hand: then it is spelled as the host would have, had it given out
        // this position at all.
        if page.position().is_some_and(|position| tells_of_others(own, position)) {
            continue;
        }
        let answer = StoredPage {
            keys: Vec::new(),
            next: page.position().map(str::to_owned),
        };
        let spelled = ask(own, answer, prefix, limit, limits).map(|page| page.cursor);
        assert_eq!(spelled.ok().flatten(), Some(cursor), "taken, and not given out");
    }
    if let (Some(cursor), Some(next)) = (page.cursor, &pages.next) {
        sealed(&listing, &cursor, next, limit);
        let elsewhere = [own.listing(other_prefix, limits), others.listing(prefix, limits)];
        for other in elsewhere
            .into_iter()
            .flatten()
            .filter(|other| other.prefix() != listing.prefix())
        {
            assert!(
                other.page(limit, Some(&cursor)).is_err(),
                "a cursor of another prefix is taken"
            );
        }
        flipped(listing, cursor, pages.flipped, limit);
    }
}

/// Whether a position is made of a key that is not the app's.
fn tells_of_others(own: &Prefix, position: &str) -> bool {
    position.contains("||") && own.strip(position, usize::MAX).is_none()
}

/// An app is told those of its own keys that have the prefix, and no others.
fn named(own: &Prefix, prefix: &str, stored: &[String], keys: &[String], limits: &Limits) {
    for key in keys {
        let spelled = own.key(key, limits).map(Key::into_string);
        let is_there = spelled.is_ok_and(|spelled| stored.contains(&spelled));
        assert!(key.starts_with(prefix) && is_there, "{key:?} is none of the app's keys");
    }
    let expected = stored.iter().filter_map(|stored| own.strip(stored, limits.key));
    let expected = expected.filter(|key| key.starts_with(prefix));
    assert_eq!(keys.len(), expected.count());
}

/// A cursor leads where the store said.
fn sealed(listing: &Listing, cursor: &Cursor, next: &str, limit: PageLimit) {
    let page = listing
        .clone()
        .page(limit, Some(cursor))
        .expect("it was given out for this prefix");
    assert_eq!((page.position(), page.limit()), (Some(next), limit.get()));
}

/// A cursor with one byte of another kind is none.
fn flipped(listing: Listing, cursor: Cursor, (place, bits): (u16, u8), limit: PageLimit) {
    let mut bytes = cursor.into_string().into_bytes();
    let place = usize::from(place) % bytes.len();
    bytes[place] ^= bits.max(1);
    let Ok(text) = String::from_utf8(bytes) else { return };
    let refused = listing.page(limit, Some(&Cursor::new(text.as_str()))).is_err();
    assert!(refused, "{text:?} was not given out");
}

/// Asks as an app does. The keys that a test makes have the prefix of an app id, so the app has that id.
fn ask(
    own: &Prefix,
    answer: StoredPage,
    prefix: &str,
    limit: PageLimit,
    limits: &Limits,
) -> Result<KeyPage, StateError> {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("it needs a clock alone")
    });
    let all = own.listing("", limits).expect("an empty prefix selects all keys");
    let app_id = all.prefix().strip_suffix("||").expect("it is the prefix of an app id");
    let settings = StoreSettings {
        key_prefix: KeyPrefix::AppId,
        deadline: Duration::from_secs(5),
        limits: *limits,
        guard: None,
    };
    let mut stores = AppStores::default();
    stores.insert("store", Arc::new(Answering(answer)), &settings, app_id, None);
    RUNTIME.block_on(stores.get("store")?.list_keys(prefix, limit, None))
}

/// A store that answers each listing with the same page, and does nothing else.
struct Answering(StoredPage);

impl Answering {
    fn nothing_else<T>() -> Result<T, StateError> {
        Err(StateError::internal("it only lists"))
    }
}

#[async_trait]
impl StateStore for Answering {
    fn features(&self) -> Features {
        Features::ALL
    }

    async fn get(&self, _: &Key, _: &GetOptions) -> Result<Option<Entry>, StateError> {
        Self::nothing_else()
    }

    async fn set(&self, _: SetItem) -> Result<(), StateError> {
        Self::nothing_else()
    }

    async fn delete(&self, _: DeleteItem) -> Result<(), StateError> {
        Self::nothing_else()
    }

    async fn transact(&self, _: Vec<Operation>, _: &Metadata) -> Result<(), StateError> {
        Self::nothing_else()
    }

    async fn list_keys(&self, _: &Listing) -> Result<StoredPage, StateError> {
        Ok(self.0.clone())
    }
}
