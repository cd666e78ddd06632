//! What the readers of secrets are asked, and how they say what they found.
//!
//! | `GET` | answers |
//! |---|---|
//! | `/STORE/NAME` | a line `KEY=VALUE` for each key |
//! | `/STORE` | a line `NAME/KEY=VALUE` for each key of each secret |
//!
//! Else 500 and `CASE: TEXT`. Names are taken as they are written, and may have `/` in them.

use crate::bindings::dapr::secrets::types::{Error, Secret, Value};

/// The store and the secret that a target names; none for all secrets.
pub fn asked(target: &str) -> (&str, Option<&str>) {
    let path = target.strip_prefix('/').unwrap_or(target);
    match path.split_once('/') {
        Some((store, name)) => (store, Some(name)),
        None => (path, None),
    }
}

/// A secret as text.
pub fn one(values: Result<Vec<Value>, Error>) -> (u16, String) {
    answer(values.map(|values| lines("", &values)))
}

/// Secrets as text.
pub fn all(secrets: Result<Vec<Secret>, Error>) -> (u16, String) {
    let lines = |secret: &Secret| lines(&format!("{}/", secret.name), &secret.values);
    answer(secrets.map(|secrets| secrets.iter().map(lines).collect()))
}

fn lines(before: &str, values: &[Value]) -> String {
    let line = |Value { key, value }: &Value| format!("{before}{key}={value}\n");
    values.iter().map(line).collect()
}

fn answer(text: Result<String, Error>) -> (u16, String) {
    let error = match text {
        Ok(text) => return (200, text),
        Err(error) => error,
    };
    let (case, text) = match error {
        Error::Invalid(text) => ("invalid", text),
        Error::TooLarge(text) => ("too-large", text),
        Error::NoSuchStore(text) => ("no-such-store", text),
        Error::NotConfigured(text) => ("not-configured", text),
        Error::NoSuchSecret(text) => ("no-such-secret", text),
        Error::Denied(text) => ("denied", text),
        Error::Throttled(text) => ("throttled", text),
        Error::Unavailable(text) => ("unavailable", text),
        Error::Internal(text) => ("internal", text),
    };
    (500, format!("{case}: {text}"))
}
