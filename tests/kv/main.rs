//! The example apps `kv` and `fan-in` over HTTP, on every store. `counter` and `todo` are in `tests/apps`.
//!
//! | module | claims about |
//! |---|---|
//! | `items` | putting, getting and deleting, keys and their spelling, methods, sizes |
//! | `conditions` | `ETag`, `If-Match`, `If-None-Match` |
//! | `ttl` | `?ttl`, `Expires`, and what has expired |
//! | `listing` | prefixes, pages, cursors |
//! | `transactions` | all or nothing |
//! | `stores` | `?store=NAME`, scopes, no store at all |
//! | `fan_in` | the app `fan-in` |
//! | `lacking` | what stores answer that lack etags, transactions, TTL or listing |
//! | `same_answers` | a long conversation that goes the same way on every store |

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod conditions;
mod fan_in;
mod ground;
mod items;
mod lacking;
mod listing;
mod same_answers;
mod stores;
mod transactions;
mod ttl;

/// Runs claims on every store. A new store is one name more, and its line in [`ground::Store`].
///
/// A claim that is missing in its list is code that nobody calls, which does not compile without a warning.
macro_rules! on_every_store {
    ($($claim:ident),+ $(,)?) => {
        $crate::on_every_store! { @stores [in_memory sqlite store_memory] [$($claim)+] }
    };
    // On these alone, which lack something that other claims need.
    (on $stores:tt: $($claim:ident),+ $(,)?) => {
        $crate::on_every_store! { @stores $stores [$($claim)+] }
    };
    (@stores [$($store:ident)+] $claims:tt) => {
        $($crate::on_every_store! { @store $store $claims })+
    };
    (@store $store:ident [$($claim:ident)+]) => {
        mod $store {
            $(
                #[test]
                fn $claim() {
                    super::$claim(&crate::ground::Store::$store());
                }
            )+
        }
    };
}
use on_every_store;
