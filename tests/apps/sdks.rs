//! The SDKs: an app in each language does everything that its SDK has, and says what was not as it should be.

use crate::ground::Ground;
#[cfg(feature = "servers")]
use crate::ground::{head_is_get_without_its_body, no_instance_ends};

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

/// What the SDKs have beside the store: the answers of web frameworks. For `fetch` see there.
#[cfg(feature = "servers")]
mod answers {
    use super::{Ground, head_is_get_without_its_body, no_instance_ends};

    /// Without a body from the app, as frameworks answer HEAD, and with one.
    fn head_has_the_length_that_the_app_says(ground: &Ground) {
        let host = ground.reused("sdk");
        for (target, length) in [("/four", "4"), ("/written", "7")] {
            let head = host.call("HEAD", target).send();
            assert_eq!(head.header("content-length"), Some(length), "{target}");
        }
        head_is_get_without_its_body(host, &["/four", "/written"]);
    }

    #[test]
    fn head_has_the_length_that_the_app_says_in_go() {
        Ground::with("go", |ground| {
            head_has_the_length_that_the_app_says(&ground.in_memory());
        });
    }

    #[test]
    fn head_has_the_length_that_the_app_says_in_python() {
        Ground::with("python", |ground| {
            head_has_the_length_that_the_app_says(&ground.in_memory());
        });
    }

    #[test]
    fn an_answer_of_another_length_breaks_off_and_the_instance_goes_on() {
        Ground::with("python", |ground| {
            let mut host = ground.in_memory().reused("sdk");
            let answer = host.call("GET", "/short").try_send().map(|answer| answer.text());
            assert!(answer.is_err(), "{answer:?}");
            host.wait_for_log("another length");
            assert_eq!(host.get("/four").text(), "four");
            no_instance_ends(&mut host);
        });
    }
}
