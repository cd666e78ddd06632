//! The SDKs: an app in each language does everything that its SDK has, and says what was not as it should be.

use crate::ground::Ground;

macro_rules! on_every_store {
    ($app:literal $language:ident: $($store:ident)+) => {
        mod $language {
            $(
                #[test]
                fn $store() {
                    crate::ground::Ground::with(stringify!($language), |ground| {
                        crate::sdks::an_sdk_does_what_it_says($app, &ground.$store());
                    });
                }
            )+
        }
    };
}

on_every_store! { "sdk" rust: in_memory sqlite store_memory }
#[cfg(feature = "servers")]
mod with_servers {
    on_every_store! { "sdk" rust: redis }
    on_every_store! { "sdk" go: sqlite redis }
    on_every_store! { "sdk" python: sqlite redis }
    on_every_store! { "sdk" typescript: sqlite redis }
}

/// What is awaited, in apps of WASI 0.3.
mod awaited {
    on_every_store! { "sdk-async" rust: in_memory sqlite store_memory }
    #[cfg(feature = "servers")]
    mod with_servers {
        on_every_store! { "sdk-async" rust: redis }
        on_every_store! { "sdk-async" python: sqlite redis }
    }
}

fn an_sdk_does_what_it_says(app: &str, ground: &Ground) {
    let host = ground.host(app);
    let answer = host.get("/");
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
}
