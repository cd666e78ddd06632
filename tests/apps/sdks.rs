//! The SDKs: an app in each language does everything that its SDK has, and says what was not as it should be.

use crate::ground::Ground;

macro_rules! on_every_store {
    ($language:ident: $($store:ident)+) => {
        mod $language {
            $(
                #[test]
                fn $store() {
                    crate::ground::Ground::with(stringify!($language), |ground| {
                        super::an_sdk_does_what_it_says(&ground.$store());
                    });
                }
            )+
        }
    };
}

on_every_store! { rust: in_memory sqlite store_memory }
#[cfg(feature = "servers")]
mod with_servers {
    use super::an_sdk_does_what_it_says;

    on_every_store! { rust: redis }
    on_every_store! { go: sqlite redis }
    on_every_store! { python: sqlite redis }
    on_every_store! { typescript: sqlite redis }
}

fn an_sdk_does_what_it_says(ground: &Ground) {
    let host = ground.host("sdk");
    let answer = host.get("/");
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
}
