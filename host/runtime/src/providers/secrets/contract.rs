//! The contract with secret stores, both forms of it: what an instance is told, and how what it says is checked.

use crate::providers::answer::{Declared, Heard, Instances, shown, untrue};
use crate::providers::linked::ProviderSpec;
use dapr_blocks::secrets::{BULK_BYTES, NAME_BYTES, SECRET_BYTES, Secret, SecretError, SecretValues};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

pub(in crate::providers) mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "dapr:host/secret-store",
        exports: { default: async },
        require_store_data_send: true,
    });
}
pub(super) use bindings::SecretStorePre;
pub(super) use bindings::dapr::secrets::{provider_types as wit, types};

/// Secrets and keys of a bulk answer together. Their sizes have a limit of their own; this is for those that are empty.
const MOST: usize = 1 << 16;

/// What an instance is told.
pub(super) fn configuration(spec: &ProviderSpec) -> wit::Configuration {
    wit::Configuration {
        name: spec.name.clone(),
        metadata: spec.metadata.clone(),
        memory: spec.memory as u64,
    }
}

/// What a provider says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::providers) struct Declaration {
    /// Whether a secret may have several keys.
    multiple_keys: bool,
    instances: Instances,
}

impl Declared for Declaration {
    fn instances(&self) -> Instances {
        self.instances
    }
}

impl From<wit::Declaration> for Declaration {
    fn from(declaration: wit::Declaration) -> Self {
        Self {
            multiple_keys: declaration.features.contains(wit::Features::MULTIPLE_KEYS),
            instances: match declaration.instances {
                wit::Instances::One => Instances::One,
                wit::Instances::Several => Instances::Several,
            },
        }
    }
}

impl<T> Heard for Result<T, wit::Error> {
    fn is_away(&self) -> bool {
        matches!(self, Err(wit::Error::Unavailable(_)))
    }
}

/// What a provider says of an error: for people who see the log.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Said(String);

/// Why a provider does not start.
impl From<wit::Error> for Said {
    fn from(error: wit::Error) -> Self {
        Self(match error {
            wit::Error::Invalid(text)
            | wit::Error::TooLarge(text)
            | wit::Error::Denied(text)
            | wit::Error::Unavailable(text)
            | wit::Error::Internal(text) => shown(&text),
            wit::Error::NoSuchSecret => "there is no such secret".to_owned(),
            wit::Error::Throttled => "too many requests are under way".to_owned(),
        })
    }
}

/// An error in reading the secret of this name. No word of the provider's reaches an app: it knows settings and secrets that
/// the app does not.
pub(super) fn of(error: wit::Error, name: &str) -> SecretError {
    let said = |text: &str| Some(Said(shown(text)).into());
    match error {
        wit::Error::Invalid(text) => {
            tracing::debug!(
                cause = shown(&text),
                "a secret store in WebAssembly does not take a name"
            );
            SecretError::Invalid("no secret of this store can have this name".to_owned())
        }
        wit::Error::TooLarge(text) => {
            tracing::debug!(
                cause = shown(&text),
                "a secret store in WebAssembly has what is too large"
            );
            SecretError::TooLarge("the store says that it is too large".to_owned())
        }
        wit::Error::NoSuchSecret => SecretError::NoSuchSecret(name.to_owned()),
        wit::Error::Denied(text) => SecretError::Denied {
            reason: "its server refuses".to_owned(),
            source: said(&text),
        },
        wit::Error::Throttled => SecretError::Throttled,
        wit::Error::Unavailable(text) => SecretError::Unavailable {
            reason: "its server cannot be reached".to_owned(),
            source: said(&text),
        },
        wit::Error::Internal(text) => SecretError::internal(Said(shown(&text))),
    }
}

/// An error in reading all secrets.
pub(super) fn of_all(error: wit::Error) -> SecretError {
    match error {
        wit::Error::NoSuchSecret => {
            SecretError::internal(untrue("that there is no such secret, and was asked for all"))
        }
        error => of(error, ""),
    }
}

/// A secret, if it can be one.
pub(super) fn secret(
    declaration: &Declaration,
    name: &str,
    values: Vec<types::Value>,
) -> Result<SecretValues, SecretError> {
    let (mut secret, mut bytes) = (SecretValues::new(), 0);
    for types::Value { key, value } in values {
        // Before anything else: what is refused is overwritten, too.
        let value = Secret::new(value);
        bytes += key.len() + value.expose().len();
        match secret.entry(key) {
            Entry::Vacant(vacant) => _ = vacant.insert(value),
            Entry::Occupied(_) => return Err(SecretError::internal(untrue("a secret with a key twice"))),
        }
    }
    if bytes > SECRET_BYTES {
        return Err(SecretError::large_secret(name));
    }
    if !declaration.multiple_keys && (secret.len() != 1 || !secret.contains_key(name)) {
        let what = "a secret that is not one value under its own name, although it does not declare others";
        return Err(SecretError::internal(untrue(what)));
    }
    Ok(secret)
}

/// All secrets, if they can be.
pub(super) fn secrets(
    declaration: &Declaration,
    found: Vec<types::Secret>,
) -> Result<BTreeMap<String, SecretValues>, SecretError> {
    let (mut secrets, mut bytes, mut count) = (BTreeMap::new(), 0, 0);
    for types::Secret { name, values } in found {
        if name.is_empty() || name.len() > NAME_BYTES || name.chars().any(char::is_control) {
            return Err(SecretError::internal(untrue("a name that no secret can have")));
        }
        let values = secret(declaration, &name, values)?;
        count += 1 + values.len();
        bytes += name.len()
            + values
                .iter()
                .map(|(key, value)| key.len() + value.expose().len())
                .sum::<usize>();
        if bytes > BULK_BYTES || count > MOST {
            return Err(SecretError::large_bulk());
        }
        match secrets.entry(name) {
            Entry::Vacant(vacant) => _ = vacant.insert(values),
            Entry::Occupied(_) => return Err(SecretError::internal(untrue("a secret twice"))),
        }
    }
    Ok(secrets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declaration(multiple_keys: bool) -> Declaration {
        Declaration {
            multiple_keys,
            instances: Instances::One,
        }
    }

    fn values(keys: &[&str]) -> Vec<types::Value> {
        let value = |key: &&str| types::Value {
            key: (*key).to_owned(),
            value: "hunter2".to_owned(),
        };
        keys.iter().map(value).collect()
    }

    fn all(names: &[&str]) -> Vec<types::Secret> {
        let secret = |name: &&str| types::Secret {
            name: (*name).to_owned(),
            values: values(&["key"]),
        };
        names.iter().map(secret).collect()
    }

    fn cause(error: SecretError) -> String {
        match error {
            SecretError::Internal(cause) => cause.to_string(),
            error => error.to_string(),
        }
    }

    #[test]
    fn a_secret_has_each_key_once() {
        let found = secret(&declaration(true), "db", values(&["user", "password"])).unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), ["password", "user"]);
        assert!(secret(&declaration(true), "db", Vec::new()).unwrap().is_empty());
        let twice = secret(&declaration(true), "db", values(&["user", "user"]));
        assert_eq!(
            cause(twice.unwrap_err()),
            "the store answered a secret with a key twice"
        );
    }

    #[test]
    fn without_several_keys_a_secret_is_one_value_under_its_own_name() {
        assert!(secret(&declaration(false), "db", values(&["db"])).is_ok());
        for keys in [&[][..], &["other"], &["db", "other"]] {
            assert!(secret(&declaration(false), "db", values(keys)).is_err(), "{keys:?}");
        }
    }

    #[test]
    fn what_is_too_large_is_not_kept() {
        let large = |bytes: usize| {
            vec![types::Value {
                key: "k".to_owned(),
                value: "x".repeat(bytes - 1),
            }]
        };
        assert!(secret(&declaration(true), "db", large(SECRET_BYTES)).is_ok());
        let error = secret(&declaration(true), "db", large(SECRET_BYTES + 1)).unwrap_err();
        assert_eq!(error.to_string(), "the secret `db` has more than 1048576 bytes");
        let many = |count: usize| {
            (0..count).map(move |number| types::Secret {
                name: number.to_string(),
                values: large(SECRET_BYTES / 2),
            })
        };
        assert!(secrets(&declaration(true), many(15).collect()).is_ok());
        let error = secrets(&declaration(true), many(16).collect()).unwrap_err();
        assert_eq!(error.to_string(), "all secrets together have more than 8388608 bytes");
    }

    #[test]
    fn there_are_not_too_many_and_each_has_a_name_that_it_can_have() {
        let empty = |count: usize| {
            (0..count).map(|number| types::Secret {
                name: number.to_string(),
                values: Vec::new(),
            })
        };
        assert!(secrets(&declaration(true), empty(MOST).collect()).is_ok());
        assert!(secrets(&declaration(true), empty(MOST + 1).collect()).is_err());
        assert!(secrets(&declaration(true), all(&["a", "a"])).is_err());
        for name in ["", "a\nb", &"n".repeat(NAME_BYTES + 1)] {
            assert!(secrets(&declaration(true), all(&[name])).is_err(), "{name:?}");
        }
    }

    #[test]
    fn no_error_holds_a_part_of_a_secret() {
        let errors = [
            secret(&declaration(true), "db", values(&["k", "k"])).unwrap_err(),
            secret(&declaration(false), "db", values(&["k"])).unwrap_err(),
            secrets(&declaration(true), all(&["a", "a"])).unwrap_err(),
        ];
        for error in errors {
            let shown = format!("{error:?} {error} {}", dapr_blocks::chain(&error));
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }
}
