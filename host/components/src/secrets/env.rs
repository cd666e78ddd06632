//! `secretstores.local.env`: environment variables of the host as secrets.
//!
//! A secret has one value, under its own name. In two things this differs from daprd: a variable that is not set is no
//! secret with an empty value, and one that is not to be read is denied and not empty.

use async_trait::async_trait;
use dapr_blocks::config::{ConfigErrors, Table};
use dapr_blocks::secrets::{BULK_BYTES, Secret, SecretAccess, SecretError, SecretStore, SecretValues};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

/// The settings of `secretstores.local.env`. The text of each field is its reference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EnvSettings {
    /// `prefix`, a string: what the names of variables begin with, and the names of secrets do not. Default: nothing.
    pub prefix: String,
}

impl EnvSettings {
    /// Reads the store's keys of a table.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub fn read(table: &mut Table) -> Result<Self, ConfigErrors> {
        let prefix = table.take("prefix");
        table.finish()?;
        Ok(Self {
            prefix: prefix?.unwrap_or_default(),
        })
    }
}

/// Which variables.
impl fmt::Display for EnvSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefix.as_str() {
            "" => f.write_str("environment variables"),
            prefix => write!(f, "environment variables `{}*`", prefix.escape_debug()),
        }
    }
}

/// Environment variables, as they were when it was opened: a process' own do not change.
pub(super) struct EnvStore {
    prefix: String,
    /// By the name without the prefix; none whose value is no text.
    variables: BTreeMap<String, Option<Secret>>,
}

impl EnvStore {
    pub(super) fn new(settings: &EnvSettings, variables: impl Iterator<Item = (OsString, OsString)>) -> Self {
        let EnvSettings { prefix } = settings;
        let own = |(name, value): (OsString, OsString)| {
            let name = name.into_string().ok()?;
            let rest = name.strip_prefix(prefix.as_str()).filter(|rest| !rest.is_empty())?;
            let value = value.into_string().ok().map(Secret::new);
            (!is_the_hosts(&name)).then(|| (rest.to_owned(), value))
        };
        Self {
            prefix: prefix.clone(),
            variables: variables.filter_map(own).collect(),
        }
    }
}

/// Dapr's rule: what a host itself is configured with is nobody else's.
fn is_the_hosts(variable: &str) -> bool {
    let variable = variable.to_ascii_uppercase();
    variable == "APP_API_TOKEN" || variable.starts_with("DAPR_")
}

fn secret(name: &str, value: Option<&Secret>) -> Result<SecretValues, SecretError> {
    let value =
        value.ok_or_else(|| SecretError::internal(format!("the variable of the secret `{name}` is no text")))?;
    Ok([(name.to_owned(), value.clone())].into())
}

#[async_trait]
impl SecretStore for EnvStore {
    async fn get(&self, name: &str) -> Result<SecretValues, SecretError> {
        if is_the_hosts(&format!("{}{name}", self.prefix)) {
            return Err(SecretError::Denied {
                reason: "this variable is the host's own".to_owned(),
                source: None,
            });
        }
        match self.variables.get(name) {
            Some(value) => secret(name, value.as_ref()),
            None => Err(SecretError::NoSuchSecret(name.to_owned())),
        }
    }

    async fn bulk_get(&self, access: &SecretAccess) -> Result<BTreeMap<String, SecretValues>, SecretError> {
        let mut left = BULK_BYTES;
        let allowed = self.variables.iter().filter(|(name, _)| access.allows(name));
        let one = |(name, value): (&String, &Option<Secret>)| {
            let bytes = 2 * name.len() + value.as_ref().map_or(0, |value| value.expose().len());
            left = left.checked_sub(bytes).ok_or_else(|| {
                SecretError::TooLarge(format!("all secrets together have more than {BULK_BYTES} bytes"))
            })?;
            Ok((name.clone(), secret(name, value.as_ref())?))
        };
        allowed.map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt;

    fn store(prefix: &str, variables: &[(&str, &str)]) -> EnvStore {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
        EnvStore::new(
            &EnvSettings {
                prefix: prefix.to_owned(),
            },
            variables,
        )
    }

    async fn value(store: &EnvStore, name: &str) -> Result<String, SecretError> {
        let values = store.get(name).await?;
        assert_eq!(values.keys().collect::<Vec<_>>(), [name]);
        Ok(values[name].expose().to_owned())
    }

    #[tokio::test]
    async fn a_variable_is_a_secret_of_one_value() {
        let store = store("", &[("TOKEN", "t"), ("EMPTY", "")]);
        assert_eq!(value(&store, "TOKEN").await.unwrap(), "t");
        assert_eq!(value(&store, "EMPTY").await.unwrap(), "");
        assert!(matches!(
            value(&store, "token").await,
            Err(SecretError::NoSuchSecret(_))
        ));
    }

    #[tokio::test]
    async fn a_prefix_is_part_of_variables_and_not_of_secrets() {
        let store = store("APP_", &[("APP_TOKEN", "t"), ("TOKEN", "other"), ("APP_", "none")]);
        assert_eq!(value(&store, "TOKEN").await.unwrap(), "t");
        assert!(matches!(
            value(&store, "APP_TOKEN").await,
            Err(SecretError::NoSuchSecret(_))
        ));
        let all = store.bulk_get(&SecretAccess::default()).await.unwrap();
        assert_eq!(all.into_keys().collect::<Vec<_>>(), ["TOKEN"]);
    }

    #[tokio::test]
    async fn what_the_host_is_configured_with_is_denied() {
        let variables = [("APP_API_TOKEN", "a"), ("DAPR_TRUST", "b"), ("dapr_x", "c"), ("Y", "d")];
        let whole = store("", &variables);
        for name in ["APP_API_TOKEN", "app_api_token", "DAPR_TRUST", "dapr_x", "DAPR_ABSENT"] {
            assert!(
                matches!(value(&whole, name).await, Err(SecretError::Denied { .. })),
                "{name}"
            );
        }
        let behind_a_prefix = store("DAPR_", &variables);
        assert!(matches!(
            value(&behind_a_prefix, "TRUST").await,
            Err(SecretError::Denied { .. })
        ));
        let all = whole.bulk_get(&SecretAccess::default()).await.unwrap();
        assert_eq!(all.into_keys().collect::<Vec<_>>(), ["Y"]);
    }

    #[tokio::test]
    async fn a_value_that_is_no_text_is_a_fault_and_not_shown() {
        let variable = ("X".into(), OsString::from_vec(b"hunter2\xff".to_vec()));
        let store = EnvStore::new(&EnvSettings::default(), [variable].into_iter());
        let error = store.get("X").await.unwrap_err();
        assert!(matches!(error, SecretError::Internal(_)));
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}
