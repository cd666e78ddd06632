//! A secret store that is called, and misbehaves on command. Its secrets are its metadata: `db.password` is the key `password`
//! of the secret `db`.
//!
//! | a secret of this name | does |
//! |---|---|
//! | `trap`, `loop` | ends the instance; computes for ever |
//! | `invalid`, `too-large`, `denied`, `throttled`, `unavailable`, `internal` | answers the error, with all that it knows in its text |
//! | `large` | answers a key of 2 MiB |
//! | `twice`, `bare` | answers a key twice; a value under another name than the secret's |
//! | any, if there is a secret `say` | logs and prints all that it knows, and goes on |
//!
//! | metadata | does |
//! |---|---|
//! | `start` | `refuse`: quotes all that it knows, in place of starting |
//! | `keys` | `one`: declares that a secret has one value under its own name |

mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit",
        inline: "
            package tests:secrets;
            world store {
                include dapr:host/secret-store@0.1.0;
                import wasi:logging/logging@0.1.0-draft;
            }
        ",
        world: "tests:secrets/store",
        generate_all,
    });
}

use bindings::exports::dapr::secrets::provider::{
    Configuration, Declaration, Error, Features, Guest, Instances, Secret, Value,
};
use bindings::wasi::logging::logging::{Level, log};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// What the store is told, that is no secret.
const SETTINGS: [&str; 2] = ["start", "keys"];

thread_local! {
    static METADATA: RefCell<BTreeMap<String, String>> = RefCell::default();
}

struct Store;

bindings::export!(Store with_types_in bindings);

impl Guest for Store {
    fn init(configuration: Configuration) -> Result<Declaration, Error> {
        METADATA.set(configuration.metadata.into_iter().collect());
        if setting("start") == "refuse" {
            return Err(Error::Invalid(all()));
        }
        Ok(Declaration {
            features: match setting("keys").as_str() {
                "one" => Features::empty(),
                _ => Features::MULTIPLE_KEYS,
            },
            instances: Instances::Several,
        })
    }

    fn get(name: String) -> Result<Vec<Value>, Error> {
        match name.as_str() {
            "trap" => core::arch::wasm32::unreachable(),
            "loop" => loop {
                std::hint::spin_loop();
            },
            "invalid" => return Err(Error::Invalid(all())),
            "too-large" => return Err(Error::TooLarge(all())),
            "denied" => return Err(Error::Denied(all())),
            "throttled" => return Err(Error::Throttled),
            "unavailable" => return Err(Error::Unavailable(all())),
            "internal" => return Err(Error::Internal(all())),
            "large" => return Ok(vec![value("key", "x".repeat(2 << 20))]),
            "twice" => return Ok(vec![value("key", all()), value("key", all())]),
            "bare" => return Ok(vec![value("other", all())]),
            _ => {}
        }
        let mut secrets = secrets();
        if secrets.contains_key("say") {
            log(Level::Error, "secret-store", &all());
            eprintln!("it prints {}", all());
        }
        secrets.remove(&name).ok_or(Error::NoSuchSecret)
    }

    fn bulk_get(max_bytes: u32) -> Result<Vec<Secret>, Error> {
        let secrets = secrets().into_iter();
        let secrets: Vec<_> = secrets.map(|(name, values)| Secret { name, values }).collect();
        let values = secrets.iter().flat_map(|secret| &secret.values);
        match values.map(|value| value.value.len()).sum::<usize>() > max_bytes as usize {
            true => Err(Error::TooLarge("they are".to_owned())),
            false => Ok(secrets),
        }
    }
}

fn value(key: &str, value: String) -> Value {
    Value {
        key: key.to_owned(),
        value,
    }
}

fn setting(name: &str) -> String {
    METADATA.with_borrow(|metadata| metadata.get(name).cloned().unwrap_or_default())
}

/// All that it was told, in a line.
fn all() -> String {
    METADATA.with_borrow(|metadata| {
        let pairs = metadata.iter().map(|(name, value)| format!("{name} is {value}"));
        pairs.collect::<Vec<_>>().join(", ")
    })
}

fn secrets() -> BTreeMap<String, Vec<Value>> {
    METADATA.with_borrow(|metadata| {
        let mut secrets = BTreeMap::<_, Vec<_>>::new();
        for (given, text) in metadata.iter().filter(|(name, _)| !SETTINGS.contains(&name.as_str())) {
            let (name, key) = given.split_once('.').unwrap_or((given, given));
            secrets
                .entry(name.to_owned())
                .or_default()
                .push(value(key, text.clone()));
        }
        secrets
    })
}
