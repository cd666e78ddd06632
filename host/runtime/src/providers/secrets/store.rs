//! A provider as a `SecretStore`: apps cannot tell it from a built-in one.

use super::contract::{self, Declaration, types, wit};
use super::provider::Provider;
use super::requests::{Call, Response, Secrets};
use crate::providers::answer::{self, silent, untrue};
use crate::providers::called::{Called, Uncalled, broken};
use crate::providers::pool::Refused;
use crate::providers::serving::{Fleet, Unanswered};
use crate::providers::start::OpenError;
use async_trait::async_trait;
use dapr_blocks::secrets::{BULK_BYTES, SecretAccess, SecretError, SecretStore, SecretValues};
use dapr_blocks::state::Health;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Starts the first instance of a provider, of either form.
///
/// # Errors
///
/// [`OpenError`] if it does not start, or does not allow what is configured.
pub async fn open(provider: Provider) -> Result<Arc<dyn SecretStore>, OpenError> {
    let instances = match provider.in_a_loop() {
        Some(provider) => Instances::Loop(Fleet::open(provider).await?),
        None => {
            let spec = provider.linked().spec().clone();
            Instances::Called(Called::open(provider, &spec).await?)
        }
    };
    Ok(Arc::new(ProviderStore(instances)))
}

/// A store whose vendor is a provider.
struct ProviderStore(Instances);

/// Its instances, by its form.
enum Instances {
    Called(Called<Provider>),
    Loop(Fleet<Secrets>),
}

impl ProviderStore {
    fn declaration(&self) -> &Declaration {
        match &self.0 {
            Instances::Called(called) => called.declaration(),
            Instances::Loop(fleet) => fleet.declaration(),
        }
    }

    async fn values(&self, name: &str) -> Result<Result<Vec<types::Value>, wit::Error>, SecretError> {
        let name = name.to_owned();
        match &self.0 {
            Instances::Called(called) => {
                let asked = called.call(move |mut instance| async move {
                    let answer = instance.get(&name).await;
                    (instance, answer)
                });
                asked.await.map_err(uncalled)
            }
            Instances::Loop(fleet) => match fleet.call(Call::Get(name)).await.map_err(unanswered)? {
                Ok(Response::Values(values)) => Ok(Ok(values)),
                Ok(Response::Secrets(_)) => Err(not_asked()),
                Err(error) => Ok(Err(error)),
            },
        }
    }

    async fn all(&self) -> Result<Result<Vec<types::Secret>, wit::Error>, SecretError> {
        let most = u32::try_from(BULK_BYTES).unwrap_or(u32::MAX);
        match &self.0 {
            Instances::Called(called) => {
                let asked = called.call(move |mut instance| async move {
                    let answer = instance.bulk_get(most).await;
                    (instance, answer)
                });
                asked.await.map_err(uncalled)
            }
            Instances::Loop(fleet) => match fleet.call(Call::BulkGet(most)).await.map_err(unanswered)? {
                Ok(Response::Secrets(secrets)) => Ok(Ok(secrets)),
                Ok(Response::Values(_)) => Err(not_asked()),
                Err(error) => Ok(Err(error)),
            },
        }
    }
}

fn not_asked() -> SecretError {
    SecretError::internal(untrue("something else than was asked for"))
}

fn refused(why: &Refused) -> SecretError {
    match answer::refused(why) {
        None => SecretError::Throttled,
        Some(reason) => SecretError::Unavailable {
            reason: reason.to_owned(),
            source: None,
        },
    }
}

fn uncalled(uncalled: Uncalled) -> SecretError {
    match uncalled {
        Uncalled::Refused(why) => refused(&why),
        Uncalled::Broken(cause) => SecretError::Unavailable {
            reason: broken(&cause),
            source: Some(cause.into()),
        },
    }
}

fn unanswered(unanswered: Unanswered) -> SecretError {
    match unanswered {
        Unanswered::Refused(why) => refused(&why),
        Unanswered::Silent(why) => SecretError::Unavailable {
            reason: silent(&why),
            source: None,
        },
    }
}

#[async_trait]
impl SecretStore for ProviderStore {
    fn health(&self) -> Health {
        match &self.0 {
            Instances::Called(called) => called.health(),
            Instances::Loop(fleet) => fleet.health(),
        }
    }

    async fn get(&self, name: &str) -> Result<SecretValues, SecretError> {
        let values = self.values(name).await?.map_err(|error| contract::of(error, name))?;
        contract::secret(self.declaration(), name, values)
    }

    async fn bulk_get(&self, _access: &SecretAccess) -> Result<BTreeMap<String, SecretValues>, SecretError> {
        let secrets = self.all().await?.map_err(contract::of_all)?;
        contract::secrets(self.declaration(), secrets)
    }

    async fn close(&self) {
        match &self.0 {
            Instances::Called(called) => called.close().await,
            Instances::Loop(fleet) => fleet.close().await,
        }
    }
}
