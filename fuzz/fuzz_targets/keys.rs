//! Names of keys, prefixes, listings and cursors, and the texts of items: no app reaches another's keys, whatever anybody
//! writes, and what was accepted reads back as it was.

#![no_main]

use arbitrary::Arbitrary;
use dapr_blocks::config::{AppId, ComponentName, Namespace};
use dapr_blocks::state::{ContentType, Etag, KeyPrefix, Limits, Metadata, PageLimit, Prefix, StateError, Ttl};
use dapr_wasm_fuzz::listed::{self, Pages};
use dapr_wasm_fuzz::printed::assert_harmless;
use dapr_wasm_fuzz::text::Text;
use libfuzzer_sys::{Corpus, fuzz_target};

#[derive(Arbitrary, Debug)]
struct Input {
    apps: [Text; 2],
    store: Text,
    namespace: Option<Text>,
    key_prefix: Text,
    keys: [Text; 2],
    longest_key: u16,
    pages: Pages,
    metadata: Vec<(Text, Text)>,
    number: u32,
}

fuzz_target!(|input: Input| -> Corpus {
    items(&input);
    key_prefix(&input.key_prefix);
    let Some(ground) = Ground::of(&input) else {
        return Corpus::Reject;
    };
    for prefix in ground.prefixes() {
        one_app(&prefix, &input, &ground.limits);
    }
    two_apps(&input, &ground);
    listed::check(&ground.own, &ground.others, &input.pages, &ground.limits);
    Corpus::Keep
});

/// What the keys are in: names that a configuration accepts, since nothing else becomes a prefix.
struct Ground {
    apps: [AppId; 2],
    store: ComponentName,
    namespace: Option<Namespace>,
    limits: Limits,
    own: Prefix,
    others: Prefix,
}

impl Ground {
    fn of(input: &Input) -> Option<Self> {
        let [one, other] = [&input.apps[0], &input.apps[1]].map(|app| app.parse::<AppId>().ok());
        let apps = [one?, other?];
        let [own, others] = [0, 1].map(|app: usize| KeyPrefix::AppId.resolve(apps[app].as_str(), "", None));
        Some(Self {
            store: input.store.parse().ok()?,
            namespace: input.namespace.as_ref().and_then(|namespace| namespace.parse().ok()),
            limits: Limits {
                key: usize::from(input.longest_key).min(Limits::default().key),
                ..Limits::default()
            },
            apps,
            own,
            others,
        })
    }

    fn prefix(&self, key_prefix: &KeyPrefix, app: &AppId) -> Prefix {
        key_prefix.resolve(app.as_str(), self.store.as_str(), self.namespace.as_ref())
    }

    fn prefixes(&self) -> [Prefix; 4] {
        [KeyPrefix::AppId, KeyPrefix::Name, KeyPrefix::Namespace, KeyPrefix::None]
            .map(|key_prefix| self.prefix(&key_prefix, &self.apps[0]))
    }
}

/// A key is taken or refused by the rules alone; one that is taken reads back, is stored in one spelling and is listed.
fn one_app(prefix: &Prefix, input: &Input, limits: &Limits) {
    let stored = [&input.keys[0], &input.keys[1]].map(|key| {
        let made = prefix.key(key, limits);
        let case = made.as_ref().map_or_else(StateError::case, |_| "taken");
        assert_eq!(case, expected(key, limits), "{key:?}");
        if let Err(error) = &made {
            assert_harmless(&error.to_string());
        }
        let made = made.ok()?.into_string();
        assert_eq!(prefix.strip(&made, limits.key), Some(&**key));
        let whole = prefix.listing("", limits).expect("an empty prefix selects all keys");
        assert!(whole.has(&made), "{made:?} is not among all keys");
        let exact = prefix.listing(key, limits).expect("a key is a prefix of itself");
        assert!(exact.has(&made) && exact.prefix() == made);
        Some(made)
    });
    if let [Some(one), Some(other)] = &stored {
        assert_eq!(one == other, input.keys[0] == input.keys[1], "two keys in one place");
    }
}

fn expected(key: &str, limits: &Limits) -> &'static str {
    match key {
        "" => "invalid",
        _ if key.len() > limits.key => "too-large",
        _ if key.contains("||") || key.contains('\0') => "invalid",
        _ => "taken",
    }
}

/// Apps that are told apart by their ids share no key, and none can name the other's.
fn two_apps(input: &Input, ground: &Ground) {
    let [one, other] = &ground.apps;
    if one == other {
        return;
    }
    for key_prefix in [KeyPrefix::AppId, KeyPrefix::Namespace] {
        let [own, others] = [one, other].map(|app| ground.prefix(&key_prefix, app));
        let listings = input.keys.iter().map(|prefix| others.listing(prefix, &ground.limits));
        let listings: Vec<_> = listings.filter_map(Result::ok).collect();
        for key in input.keys.iter().filter_map(|key| own.key(key, &ground.limits).ok()) {
            assert_eq!(
                others.strip(key.as_str(), usize::MAX),
                None,
                "{key:?} has a name in {others:?}"
            );
            for theirs in input.keys.iter().filter_map(|key| others.key(key, &ground.limits).ok()) {
                assert_ne!(key, theirs, "one item of two apps");
            }
            assert!(
                !listings.iter().any(|listing| listing.has(key.as_str())),
                "{key:?} is listed"
            );
        }
    }
}

/// What a configuration says reads back from what is shown of it, and means the same.
fn key_prefix(text: &str) {
    match text.parse::<KeyPrefix>() {
        Ok(key_prefix) => assert_eq!(key_prefix.to_string().parse(), Ok(key_prefix), "{text:?}"),
        Err(error) => assert_harmless(&error.to_string()),
    }
}

fn items(input: &Input) {
    let text: &str = &input.keys[0];
    let etag = Etag::new(text);
    assert_eq!(etag.is_ok(), !text.is_empty());
    assert!(etag.is_ok_and(|etag| text.starts_with(etag.as_str())) || text.is_empty());
    let stored = Etag::from_store(text).map(Etag::into_string);
    let fits = (1..=Etag::MAX_BYTES).contains(&text.len());
    assert_eq!(stored.as_deref(), fits.then_some(text));

    match ContentType::new(text) {
        Ok(kind) => {
            assert_eq!(kind.as_str(), text);
            assert_harmless(text);
            let _ = kind.is_json();
        }
        Err(error) => assert_harmless(&error.to_string()),
    }

    let number = input.number;
    assert_eq!(
        Ttl::new(number).ok().map(Ttl::seconds),
        (1..=Ttl::MAX_SECONDS).contains(&number).then_some(number)
    );
    let limit = PageLimit::new(number).ok().map(PageLimit::get);
    assert_eq!(limit, (1..=PageLimit::MAX).contains(&number).then_some(number as usize));

    let pairs: Vec<_> = input
        .metadata
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    match Metadata::new(pairs.clone()) {
        Ok(metadata) => assert_eq!(metadata.into_pairs(), pairs),
        Err(error) => assert_harmless(&error.to_string()),
    }
}
