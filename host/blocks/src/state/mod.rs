//! State: keys and values with etags, TTL, transactions and listing.
//!
//! | file | holds |
//! |---|---|
//! | `store` | [`StateStore`], what a vendor implements |
//! | `app` | [`AppStores`] and [`AppStore`], what one app sees: the shared rules |
//! | `bucket` | [`Bucket`], what `wasi:keyvalue` means here |
//! | `key` | names of keys, and the prefixes that keep apps apart |
//! | `item` | what is written and read |
//! | `page` | listing |
//! | `error` | why something was not done |
//! | `late` | [`LateStore`], which is opened later |
//! | `limits` | how much at once |
//! | `conformance` | the claims that every store is held to |

mod app;
mod bucket;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod item;
mod key;
mod late;
mod limits;
mod page;
mod store;

pub use app::{AppStore, AppStores, StoreSettings};
pub use bucket::{Bucket, Snapshot};
pub use error::{BulkError, Feature, ItemError, StateError};
pub use item::{
    Condition, Consistency, ContentType, DeleteItem, Entry, Etag, GetOptions, Metadata, Operation, SetItem, Ttl,
};
pub use key::{Key, KeyPrefix, Prefix};
pub use late::LateStore;
pub use limits::Limits;
pub use page::{Cursor, KeyPage, Listing, PageLimit, StoredPage};
pub use store::{Features, Health, ResultBudget, StateStore};
