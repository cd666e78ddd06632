//! `secretstores.local.file`: secrets in a JSON file, as daprd reads it. It is read once, when the store is opened.
//!
//! | `multiValued` | a secret is | and holds |
//! |---|---|---|
//! | `false` | each text of the file, its name made of the keys above it: `redis:password` | one value, under its own name |
//! | `true` | each key at the top: a text, or an object | one value, or one for each text of the object |
//!
//! Numbers and booleans are the texts that the file has for them. In that this differs from daprd, where `5` is
//! `%!s(float64=5)`. What is null is refused.

use async_trait::async_trait;
use dapr_blocks::config::{ConfigErrors, Table};
use dapr_blocks::secrets::{Secret, SecretAccess, SecretError, SecretStore, SecretValues};
use serde_json::Value;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The settings of `secretstores.local.file`, by Dapr's names. The text of each field is its reference.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileSettings {
    /// `secretsFile`, a path: the JSON file, of at most 8 MiB. Required.
    pub path: PathBuf,
    /// `nestedSeparator`, a string: what stands between the keys that make a name. Default: `":"`.
    pub separator: String,
    /// `multiValued`, a boolean: whether an object at the top is one secret with several keys. Default: `false`.
    pub secrets: Secrets,
}

/// What a file of secrets has at its top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// Anything: each text in it is a secret.
    OfOneValue,
    /// Secrets.
    OfSeveral,
}

/// Bytes of the file: as many as all secrets of a bulk call may have.
const MAX_BYTES: usize = dapr_blocks::secrets::BULK_BYTES;

impl FileSettings {
    /// Reads the store's keys of a table. Touches no file.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub fn read(table: &mut Table) -> Result<Self, ConfigErrors> {
        let path = table.require("secretsFile");
        let separator = table.take::<String>("nestedSeparator");
        let several = table.take("multiValued");
        table.finish()?;
        Ok(Self {
            path: path?,
            // Dapr takes an empty one for none.
            separator: separator?
                .filter(|text| !text.is_empty())
                .unwrap_or_else(|| ":".to_owned()),
            secrets: match several?.unwrap_or(false) {
                true => Secrets::OfSeveral,
                false => Secrets::OfOneValue,
            },
        })
    }
}

/// Which file.
impl fmt::Display for FileSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "file {}", self.path.display())
    }
}

/// Why a file of secrets cannot be used. Names of secrets are shown, and nothing of what they hold.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file system refused.
    #[error("cannot read the file of secrets `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the file system said.
        #[source]
        source: io::Error,
    },
    /// It is not what it should be.
    #[error("the file of secrets `{}` {problem}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What it is not.
        problem: Problem,
    },
}

/// What is wrong in a file of secrets, to be read behind its name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// It is too large.
    #[error("has more than {MAX_BYTES} bytes")]
    TooLarge,
    /// It is not UTF-8.
    #[error("is not UTF-8 text")]
    NotText,
    /// It is not JSON. The parser's own words are not kept.
    #[error("is no JSON at line {line}, column {column}")]
    NotJson {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// It has no names at its top.
    #[error("is no JSON object")]
    NotAnObject,
    /// A value that no secret can have.
    #[error("has {what} at `{}`, which is no secret", name.escape_debug())]
    NoSecret {
        /// Where.
        name: String,
        /// What it is.
        what: &'static str,
    },
    /// Two texts whose keys make the same name.
    #[error("has two secrets `{}`", .0.escape_debug())]
    Twice(String),
}

/// The secrets of a file, as it was when the store was opened.
#[derive(Debug)]
pub(super) struct FileStore {
    secrets: BTreeMap<String, SecretValues>,
}

impl FileStore {
    pub(super) async fn open(settings: &FileSettings) -> Result<Self, OpenError> {
        let settings = settings.clone();
        // On a thread of its own: the file may lie where reading takes long.
        let opened = tokio::task::spawn_blocking(move || Self::read(&settings));
        opened
            .await
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }

    fn read(settings: &FileSettings) -> Result<Self, OpenError> {
        let path = || settings.path.clone();
        let content = |problem| OpenError::Content { path: path(), problem };
        let bytes = bytes(&settings.path).map_err(|source| OpenError::Io { path: path(), source })?;
        let bytes = bytes.ok_or_else(|| content(Problem::TooLarge))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| content(Problem::NotText))?;
        let secrets = secrets(text, settings).map_err(content)?;
        Ok(Self { secrets })
    }
}

/// The file, unless it is too large.
fn bytes(path: &Path) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let file = std::fs::File::open(path)?;
    // All at once: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES + 1));
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= MAX_BYTES).then_some(bytes))
}

fn secrets(text: &str, settings: &FileSettings) -> Result<BTreeMap<String, SecretValues>, Problem> {
    let value: Value = serde_json::from_str(text).map_err(|error| Problem::NotJson {
        line: error.line(),
        column: error.column(),
    })?;
    let Value::Object(top) = value else {
        return Err(Problem::NotAnObject);
    };
    let separator = settings.separator.as_str();
    if settings.secrets == Secrets::OfOneValue {
        let mut all = BTreeMap::new();
        flatten("", Value::Object(top), separator, &mut all)?;
        let alone = |(name, secret): (String, Secret)| (name.clone(), SecretValues::from([(name, secret)]));
        return Ok(all.into_iter().map(alone).collect());
    }
    let several = |(name, value): (String, Value)| {
        let mut values = SecretValues::new();
        match value {
            Value::String(text) => _ = values.insert(name.clone(), Secret::new(text)),
            Value::Object(_) => flatten("", value, separator, &mut values)?,
            other => {
                return Err(Problem::NoSecret {
                    what: what(&other),
                    name,
                });
            }
        }
        Ok((name, values))
    };
    top.into_iter().map(several).collect()
}

/// Adds the texts in a value, under the keys that lead to them.
fn flatten(name: &str, value: Value, separator: &str, all: &mut SecretValues) -> Result<(), Problem> {
    let below = |key: &str| match name {
        "" => key.to_owned(),
        name => format!("{name}{separator}{key}"),
    };
    let text = match value {
        Value::Object(entries) => {
            return entries
                .into_iter()
                .try_for_each(|(key, value)| flatten(&below(&key), value, separator, all));
        }
        Value::Array(items) => {
            return items
                .into_iter()
                .enumerate()
                .try_for_each(|(index, value)| flatten(&below(&index.to_string()), value, separator, all));
        }
        Value::Null => {
            return Err(Problem::NoSecret {
                name: name.to_owned(),
                what: what(&value),
            });
        }
        Value::String(text) => text,
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    };
    match all.entry(name.to_owned()) {
        Entry::Vacant(place) => _ = place.insert(Secret::new(text)),
        Entry::Occupied(_) => return Err(Problem::Twice(name.to_owned())),
    }
    Ok(())
}

fn what(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[async_trait]
impl SecretStore for FileStore {
    async fn get(&self, name: &str) -> Result<SecretValues, SecretError> {
        let found = self.secrets.get(name).cloned();
        found.ok_or_else(|| SecretError::NoSuchSecret(name.to_owned()))
    }

    async fn bulk_get(&self, access: &SecretAccess) -> Result<BTreeMap<String, SecretValues>, SecretError> {
        let allowed = self.secrets.iter().filter(|(name, _)| access.allows(name));
        Ok(allowed.map(|(name, values)| (name.clone(), values.clone())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NESTED: &str = r#"{
        "redis": { "password": "p", "users": ["a", { "name": "b" }], "port": 6379, "tls": true },
        "token": "t"
    }"#;

    fn settings(secrets: Secrets) -> FileSettings {
        FileSettings {
            path: "/secrets.json".into(),
            separator: ":".to_owned(),
            secrets,
        }
    }

    /// Each value as `secret/key=value`.
    fn lines(text: &str, settings: &FileSettings) -> Result<Vec<String>, Problem> {
        let secrets = secrets(text, settings)?;
        let lines = secrets.iter().flat_map(|(name, values)| {
            values
                .iter()
                .map(move |(key, value)| format!("{name}/{key}={}", value.expose()))
        });
        Ok(lines.collect())
    }

    #[test]
    fn each_text_is_a_secret_whose_name_is_the_way_to_it() {
        let expected = [
            "redis:password/redis:password=p",
            "redis:port/redis:port=6379",
            "redis:tls/redis:tls=true",
            "redis:users:0/redis:users:0=a",
            "redis:users:1:name/redis:users:1:name=b",
            "token/token=t",
        ];
        assert_eq!(lines(NESTED, &settings(Secrets::OfOneValue)).unwrap(), expected);
        let dots = FileSettings {
            separator: ".".to_owned(),
            ..settings(Secrets::OfOneValue)
        };
        assert!(
            lines(NESTED, &dots)
                .unwrap()
                .contains(&"redis.users.1.name/redis.users.1.name=b".to_owned())
        );
    }

    #[test]
    fn a_secret_may_have_several_values() {
        let expected = [
            "redis/password=p",
            "redis/port=6379",
            "redis/tls=true",
            "redis/users:0=a",
            "redis/users:1:name=b",
            "token/token=t",
        ];
        assert_eq!(lines(NESTED, &settings(Secrets::OfSeveral)).unwrap(), expected);
    }

    #[test]
    fn what_is_wrong_is_told_without_what_is_there() {
        let one = |text| lines(text, &settings(Secrets::OfOneValue)).unwrap_err().to_string();
        assert_eq!(one("{\n\"a\": \"hunter2\" hunter2"), "is no JSON at line 2, column 16");
        assert_eq!(one("[\"hunter2\"]"), "is no JSON object");
        assert_eq!(one(r#"{"a": {"b": null}}"#), "has null at `a:b`, which is no secret");
        assert_eq!(
            one(r#"{"a": {"b": "hunter2"}, "a:b": "hunter2"}"#),
            "has two secrets `a:b`"
        );
        let several = lines(r#"{"a": 5}"#, &settings(Secrets::OfSeveral))
            .unwrap_err()
            .to_string();
        assert_eq!(several, "has a number at `a`, which is no secret");
    }

    #[tokio::test]
    async fn the_file_is_read_when_the_store_is_opened_and_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.json");
        let settings = FileSettings {
            path: path.clone(),
            ..settings(Secrets::OfOneValue)
        };
        let gone = FileStore::open(&settings).await.unwrap_err();
        assert!(
            gone.to_string().starts_with("cannot read the file of secrets"),
            "{gone}"
        );
        std::fs::write(&path, r#"{"a": "b"}"#).unwrap();
        let store = FileStore::open(&settings).await.unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(store.get("a").await.unwrap()["a"].expose(), "b");
        assert!(matches!(store.get("b").await, Err(SecretError::NoSuchSecret(_))));
        std::fs::write(&path, vec![b' '; MAX_BYTES + 1]).unwrap();
        let large = FileStore::open(&settings).await.unwrap_err();
        assert!(large.to_string().ends_with("has more than 8388608 bytes"), "{large}");
        std::fs::write(&path, b"{\"hunter2\xff").unwrap();
        let binary = FileStore::open(&settings).await.unwrap_err();
        assert!(binary.to_string().ends_with("is not UTF-8 text"), "{binary}");
    }
}
