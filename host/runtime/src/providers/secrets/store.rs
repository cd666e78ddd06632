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
use dapr_blocks::Pulse;
use dapr_blocks::secrets::{BULK_BYTES, SecretAccess, SecretError, SecretStore, SecretValues};
use dapr_blocks::state::Health;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// Starts the first instance of a provider, of either form.
///
/// # Errors
///
/// [`OpenError`] if it does not start, or does not allow what is configured.
pub async fn open(provider: Provider) -> Result<Arc<dyn SecretStore>, OpenError> {
    let runtime = Handle::current();
    let instances = match provider.in_a_loop() {
        Some(provider) => Instances::Loop(Fleet::open(provider).await?),
        None => {
            let spec = provider.linked().spec().clone();
            Instances::Called(Called::open(provider, &spec).await?)
        }
    };
    let asked = Arc::new(Asked {
        instances,
        last: Mutex::default(),
    });
    let asks = Arc::clone(&asked);
    let finds = AbortOnDropHandle::new(runtime.spawn(async move { asks.keep_finding().await }));
    Ok(Arc::new(ProviderStore { asked, finds }))
}

/// A store whose vendor is a provider.
struct ProviderStore {
    asked: Arc<Asked>,
    /// Asks while the server is away.
    finds: AbortOnDropHandle<()>,
}

/// What is asked.
struct Asked {
    instances: Instances,
    /// What to ask for while the server is away.
    last: Mutex<Option<Last>>,
}

/// What an app has asked for.
#[derive(Clone)]
enum Last {
    /// The secret that was answered last, or the first that was not.
    One(String),
    /// All of them, as long as it was never one.
    All,
}

/// The rest between two readings of all secrets, each of which may be a request of its own that somebody pays for.
const BETWEEN_ALL: Duration = Duration::from_secs(10);

/// Its instances, by its form.
enum Instances {
    Called(Called<Provider>),
    Loop(Fleet<Secrets>),
}

impl Asked {
    fn declaration(&self) -> &Declaration {
        match &self.instances {
            Instances::Called(called) => called.declaration(),
            Instances::Loop(fleet) => fleet.declaration(),
        }
    }

    fn pulse(&self) -> &Pulse {
        match &self.instances {
            Instances::Called(called) => called.pulse(),
            Instances::Loop(fleet) => fleet.pulse(),
        }
    }

    // Nothing panics while it is held.
    fn last(&self) -> MutexGuard<'_, Option<Last>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks again for what was asked for, while the server is away: a name that nobody asked for may be an alarm to it.
    async fn keep_finding(&self) {
        let ask = || async move {
            let last = self.last().clone();
            // What comes of it, the pulse has noted.
            match last {
                Some(Last::One(name)) => drop(self.values(&name).await),
                Some(Last::All) => {
                    tokio::time::sleep(BETWEEN_ALL).await;
                    drop(self.all().await);
                }
                None => {}
            }
        };
        self.pulse().keep_finding(ask).await;
    }

    async fn values(&self, name: &str) -> Result<Result<Vec<types::Value>, wit::Error>, SecretError> {
        let name = name.to_owned();
        match &self.instances {
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
        match &self.instances {
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
        match &self.asked.instances {
            Instances::Called(called) => called.health(),
            Instances::Loop(fleet) => fleet.health(),
        }
    }

    fn unanswered(&self, since: Instant) {
        self.asked.pulse().unanswered(since);
    }

    async fn get(&self, name: &str) -> Result<SecretValues, SecretError> {
        let asked = &self.asked;
        let is_first = !matches!(*asked.last(), Some(Last::One(_)));
        if is_first {
            *asked.last() = Some(Last::One(name.to_owned()));
        }
        let values = asked.values(name).await?.map_err(|error| contract::of(error, name))?;
        if !is_first {
            *asked.last() = Some(Last::One(name.to_owned()));
        }
        contract::secret(asked.declaration(), name, values)
    }

    async fn bulk_get(&self, _access: &SecretAccess) -> Result<BTreeMap<String, SecretValues>, SecretError> {
        let asked = &self.asked;
        asked.last().get_or_insert(Last::All);
        let secrets = asked.all().await?.map_err(contract::of_all)?;
        contract::secrets(asked.declaration(), secrets)
    }

    async fn close(&self) {
        self.finds.abort();
        match &self.asked.instances {
            Instances::Called(called) => called.close().await,
            Instances::Loop(fleet) => fleet.close().await,
        }
    }
}
