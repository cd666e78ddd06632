//! The text of `components.toml`: it is read, or refused in words that a terminal can show and that hold no secret, whether
//! from a variable or from a secret store.

#![no_main]

use dapr_blocks::config::{
    ConfigErrors, Configuration, Elsewhere, Environment, Fetched, FetchedSecrets, SecretStores, Source,
};
use dapr_blocks::secrets::Secret;
use dapr_components::BuiltIn;
use dapr_wasm_fuzz::printed::assert_harmless;
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeSet;

/// What variables hold. The second is there to be compared with: of the same form, and of other letters.
const SECRETS: [&str; 2] = ["hunter2kqx", "tailor5vjz"];

/// Variables whose values fit somewhere, or are wrong in a way that an error could repeat.
fn environment(secret: &str) -> Environment {
    let variables = [
        ("A", secret.to_owned()),
        (
            "B",
            format!("file://{secret}/{secret}.db?{secret}=1&_pragma={secret}(1)#{secret}"),
        ),
        ("C", format!("{secret}||{secret}")),
        ("D", format!("5{secret}")),
        ("E", format!("\u{1b}{secret}\u{202e}")),
        ("F", "sqlite".to_owned()),
        ("G", String::new()),
        ("SECRET", secret.to_owned()),
    ];
    variables.into_iter().collect()
}

/// What secrets hold, under their own names and one key more; `none` is not there.
fn fetch(wanted: &BTreeSet<(String, String)>, secret: &str, secrets: &mut FetchedSecrets) {
    for (store, name) in wanted {
        let values = [(name.clone(), secret), ("sqlite".to_owned(), "sqlite")];
        let values = values.map(|(key, value)| (key, Secret::new(value.to_owned())));
        let fetched = match name.as_str() {
            "none" => Fetched::NoSuchSecret,
            _ => Fetched::Found(values.into()),
        };
        secrets.insert(store, name, fetched);
    }
}

fuzz_target!(|text: &str| {
    let [one, other] = SECRETS.map(|secret| read(text, secret));
    assert_eq!(one, other, "what is said depends on what a variable holds");
    // Whoever writes the secret into the file may read it there.
    let lower = text.to_lowercase();
    if let Some(said) = one
        && !lower.contains(SECRETS[0])
    {
        assert!(!said.to_lowercase().contains(SECRETS[0]), "{said}");
    }
});

/// What is said of a text; nothing if it is a configuration.
fn read(text: &str, secret: &str) -> Option<String> {
    let source = Source::new("components.toml", "/conf", text);
    let errors = elsewhere(&source, secret).and_then(|elsewhere| Configuration::parse(source, elsewhere, &BuiltIn));
    Some(said(&errors.err()?, text))
}

/// What a text refers to.
fn elsewhere(source: &Source, secret: &str) -> Result<Elsewhere, ConfigErrors> {
    let stores = SecretStores::read(source.clone(), environment(secret), &BuiltIn)?;
    let mut secrets = stores.names.unfetched();
    fetch(&stores.wanted_first, secret, &mut secrets);
    let first = Elsewhere::new(environment(secret), secrets.clone());
    let stores = SecretStores::read(source.clone(), first, &BuiltIn)?;
    fetch(&stores.wanted, secret, &mut secrets);
    Ok(Elsewhere::new(environment(secret), secrets))
}

fn said(errors: &ConfigErrors, text: &str) -> String {
    let (short, long) = (errors.to_string(), format!("{errors:#}"));
    assert_harmless(&short);
    assert_harmless(&long);
    assert!(errors.iter().count() > 0, "refused without a reason");
    assert_eq!(
        short.lines().count(),
        errors.iter().count(),
        "a line for each error: {short}"
    );
    let lines = text.split('\n').count();
    for error in errors {
        let location = error.location();
        assert!(
            (1..=lines).contains(&location.line()) && location.column() > 0,
            "{short}"
        );
    }
    format!("{short}\n\n{long}\n\n{errors:?}")
}
