//! The apps that users start from, `counter` and `todo`, in every language that there is an example in: the same requests get
//! the same answers, whatever the app is written in and whichever store it has.
//!
//! | module | claims about |
//! |---|---|
//! | `counter` | an addition that others come between, names, methods |
//! | `todo` | a JSON API: TTL, pages, a transaction, what makes no sense |
//! | `fan_in` | the app `fan-in`, whose calls wait at once, in the languages that have that |
//! | `shared` | what an app in one language has written and one in another reads |
//! | `fetch` | what stands between JavaScript's `fetch` types and `wasi:http` |
//! | `sdks` | what the SDKs have, which an app in each language tries |
//! | `outage` | what is answered while the store's server is away |
//!
//! Without the feature `servers` there is Rust alone, and no Redis. A language whose tools are not on this machine is named
//! by `cargo xtask test`, and its tests do nothing; where the variable `CI` is set they fail.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod counter;
mod fan_in;
#[cfg(feature = "servers")]
mod fetch;
mod ground;
#[cfg(feature = "servers")]
mod outage;
mod sdks;
#[cfg(feature = "servers")]
mod shared;
mod todo;

/// Runs claims in every language on every store. A new language is one name more.
///
/// A claim that is missing in its list is code that nobody calls, which does not compile without a warning.
macro_rules! in_every_language {
    ($($claim:ident),+ $(,)?) => {
        $crate::in_every_language! { @languages [rust] [in_memory sqlite store_memory] [$($claim)+] }
        #[cfg(feature = "servers")]
        mod with_servers {
            use super::{$($claim),+};
            $crate::in_every_language! { @languages [rust] [redis] [$($claim)+] }
            $crate::in_every_language! { @languages [c go javascript python typescript] [sqlite redis] [$($claim)+] }
        }
    };
    (@languages [$($language:ident)+] $stores:tt $claims:tt) => {
        $(
            mod $language {
                $crate::in_every_language! { @stores $language $stores $claims }
            }
        )+
    };
    (@stores $language:ident [$($store:ident)+] $claims:tt) => {
        $($crate::in_every_language! { @store $language $store $claims })+
    };
    (@store $language:ident $store:ident [$($claim:ident)+]) => {
        mod $store {
            $(
                #[test]
                fn $claim() {
                    $crate::ground::Ground::with(stringify!($language), |ground| {
                        super::super::$claim(&ground.$store());
                    });
                }
            )+
        }
    };
}
use in_every_language;
