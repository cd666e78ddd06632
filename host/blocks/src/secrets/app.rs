//! What one app sees of the secret stores: the rules that all vendors share.

use super::{BULK_BYTES, NAME_BYTES, SECRET_BYTES, Secret, SecretAccess, SecretError, SecretStore, SecretValues};
use crate::resiliency::Guard;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The secret stores that one app may use, by name.
#[derive(Clone, Default)]
pub struct AppSecrets {
    stores: BTreeMap<String, AppSecretStore>,
    others: bool,
}

impl AppSecrets {
    /// Takes note that stores are configured which this app may not use: asking for one is then asking for one that is not
    /// there, as in Dapr, and not a host without stores.
    pub fn others_exist(&mut self) {
        self.others = true;
    }

    /// Lets the app use a store under its name.
    pub fn insert(&mut self, store: AppSecretStore) {
        self.stores.insert(store.name.clone(), store);
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &AppSecretStore> {
        self.stores.values()
    }

    /// The store of this name.
    ///
    /// # Errors
    ///
    /// [`SecretError::NotConfigured`] if no store is configured at all, [`SecretError::NoSuchStore`] if others are.
    pub fn get(&self, name: &str) -> Result<&AppSecretStore, SecretError> {
        match self.stores.get(name) {
            Some(store) => Ok(store),
            None if self.stores.is_empty() && !self.others => Err(SecretError::NotConfigured),
            None => Err(SecretError::NoSuchStore(name.to_owned())),
        }
    }
}

/// One secret store, as one app sees it.
#[derive(Clone)]
pub struct AppSecretStore {
    /// Its name in the configuration.
    pub name: String,
    /// The vendor's.
    pub store: Arc<dyn SecretStore>,
    /// What the app may read.
    pub access: SecretAccess,
    /// The longest that one call may take, whatever the vendor's own timeouts.
    pub deadline: Duration,
    /// The store's policy, which all apps share; none: each call is one attempt.
    pub guard: Option<Arc<Guard>>,
}

impl AppSecretStore {
    /// Reads a secret.
    ///
    /// # Errors
    ///
    /// As `dapr:secrets/store.get`.
    pub async fn get(&self, name: &str) -> Result<SecretValues, SecretError> {
        check_name(name)?;
        // Before the store is asked: whoever may not read a secret does not learn whether it is there.
        if !self.access.allows(name) {
            return Err(SecretError::NotAllowed(name.to_owned()));
        }
        let values = self.call("get", || self.store.get(name)).await?;
        match size(&values) > SECRET_BYTES {
            true => Err(SecretError::large_secret(name)),
            false => Ok(values),
        }
    }

    /// Reads all secrets that the app may read, by name.
    ///
    /// # Errors
    ///
    /// As `dapr:secrets/store.bulk-get`.
    pub async fn bulk_get(&self) -> Result<BTreeMap<String, SecretValues>, SecretError> {
        let mut secrets = self.call("bulk-get", || self.store.bulk_get(&self.access)).await?;
        secrets.retain(|name, _| self.access.allows(name));
        let mut bytes = 0;
        for (name, values) in &secrets {
            let size = size(values);
            if size > SECRET_BYTES {
                return Err(SecretError::large_secret(name));
            }
            bytes += name.len() + size;
        }
        match bytes > BULK_BYTES {
            true => Err(SecretError::large_bulk()),
            false => Ok(secrets),
        }
    }
}

fn check_name(name: &str) -> Result<(), SecretError> {
    if name.is_empty() {
        return Err(SecretError::Invalid("the name of a secret cannot be empty".to_owned()));
    }
    if name.len() > NAME_BYTES {
        let bytes = name.len();
        return Err(SecretError::TooLarge(format!(
            "the name of a secret has at most {NAME_BYTES} bytes, this one has {bytes}"
        )));
    }
    match name.chars().find(|c| c.is_control()) {
        Some(control) => Err(SecretError::Invalid(format!(
            "the name of a secret cannot contain the control character {}",
            control.escape_debug()
        ))),
        None => Ok(()),
    }
}

fn size(values: &SecretValues) -> usize {
    let of_one = |(key, value): (&String, &Secret)| key.len() + value.expose().len();
    values.iter().map(of_one).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;

    /// A store with two secrets: `db` has two keys, `token` one. Asked for `slow`, it does not answer.
    struct Two;

    fn values(pairs: &[(&str, &str)]) -> SecretValues {
        let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), Secret::new((*value).to_owned()));
        pairs.iter().map(pair).collect()
    }

    #[async_trait]
    impl SecretStore for Two {
        async fn get(&self, name: &str) -> Result<SecretValues, SecretError> {
            match name {
                "db" => Ok(values(&[("user", "u"), ("password", "p")])),
                "token" => Ok(values(&[("token", "t")])),
                "large" => Ok(values(&[("large", &"x".repeat(SECRET_BYTES))])),
                "slow" => std::future::pending().await,
                _ => Err(SecretError::NoSuchSecret(name.to_owned())),
            }
        }

        async fn bulk_get(&self, _access: &SecretAccess) -> Result<BTreeMap<String, SecretValues>, SecretError> {
            Ok(BTreeMap::from([
                ("db".to_owned(), self.get("db").await?),
                ("token".to_owned(), self.get("token").await?),
            ]))
        }
    }

    fn store(denied: &[&str]) -> AppSecretStore {
        AppSecretStore {
            name: "vault".to_owned(),
            store: Arc::new(Two),
            access: SecretAccess {
                denied: denied.iter().map(|name| (*name).to_owned()).collect(),
                ..SecretAccess::default()
            },
            deadline: Duration::from_secs(5),
            guard: None,
        }
    }

    async fn error(store: &AppSecretStore, name: &str) -> SecretError {
        store.get(name).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_secret_is_all_its_keys() {
        let secret = store(&[]).get("db").await.unwrap();
        let shown: Vec<_> = secret
            .iter()
            .map(|(key, value)| (key.as_str(), value.expose()))
            .collect();
        assert_eq!(shown, [("password", "p"), ("user", "u")]);
    }

    #[tokio::test]
    async fn a_denied_secret_is_another_error_than_one_that_is_not_there() {
        let store = store(&["db", "gone"]);
        assert!(matches!(error(&store, "db").await, SecretError::NotAllowed(_)));
        assert!(matches!(error(&store, "gone").await, SecretError::NotAllowed(_)));
        assert!(matches!(error(&store, "nothing").await, SecretError::NoSuchSecret(_)));
    }

    #[tokio::test]
    async fn all_secrets_are_those_that_may_be_read() {
        let names = |secrets: BTreeMap<String, _>| secrets.into_keys().collect::<Vec<_>>();
        assert_eq!(names(store(&[]).bulk_get().await.unwrap()), ["db", "token"]);
        assert_eq!(names(store(&["db"]).bulk_get().await.unwrap()), ["token"]);
    }

    #[tokio::test]
    async fn names_and_secrets_have_limits() {
        let store = store(&[]);
        assert!(matches!(error(&store, "").await, SecretError::Invalid(_)));
        assert!(matches!(error(&store, "a\nb").await, SecretError::Invalid(_)));
        let longest = "n".repeat(NAME_BYTES);
        assert!(matches!(error(&store, &longest).await, SecretError::NoSuchSecret(_)));
        assert!(matches!(
            error(&store, &(longest + "n")).await,
            SecretError::TooLarge(_)
        ));
        assert!(matches!(error(&store, "large").await, SecretError::TooLarge(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_does_not_answer_is_unavailable_at_the_deadline() {
        let error = error(&store(&[]), "slow").await;
        assert_eq!(error.to_string(), "the store is unavailable: no answer within 5s");
    }

    #[test]
    fn a_host_without_stores_is_told_from_one_whose_stores_are_not_for_this_app() {
        let mut secrets = AppSecrets::default();
        assert!(matches!(secrets.get("vault"), Err(SecretError::NotConfigured)));
        secrets.others_exist();
        assert!(matches!(secrets.get("vault"), Err(SecretError::NoSuchStore(_))));
        secrets.insert(store(&[]));
        assert!(secrets.get("vault").is_ok());
    }
}
