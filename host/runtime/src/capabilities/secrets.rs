//! `dapr:secrets/store` and its twin `store-async`, both on [`AppSecrets`].

use crate::event_loop::within;
use dapr_blocks::secrets::{AppSecrets, SecretError, SecretValues};
use std::sync::Arc;
use wasmtime::component::{Accessor, HasData, Linker};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "
            package dapr-wasm:runtime;
            world capabilities {
                import dapr:secrets/store@0.1.0;
                import dapr:secrets/store-async@0.1.0;
            }
        ",
        world: "dapr-wasm:runtime/capabilities",
        imports: { default: async },
        require_store_data_send: true,
    });
}
use bindings::dapr::secrets::{store as generated, store_async as generated_async, types as wit};

/// The secret stores of the app that an instance belongs to.
pub(crate) struct Secrets<'a> {
    stores: &'a Arc<AppSecrets>,
}

impl<'a> Secrets<'a> {
    pub(crate) fn new(stores: &'a Arc<AppSecrets>) -> Self {
        Self { stores }
    }
}

/// Lets an app import `dapr:secrets/store`.
pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> Secrets<'_>,
) -> wasmtime::Result<()> {
    generated::add_to_linker::<T, HasSecrets>(linker, view)
}

/// Lets an app import `dapr:secrets/store-async`.
pub(crate) fn add_async_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> Secrets<'_>,
) -> wasmtime::Result<()> {
    generated_async::add_to_linker::<T, HasSecrets>(linker, view)
}

/// Lets an app import the records that both interfaces share.
pub(crate) fn add_types_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> Secrets<'_>,
) -> wasmtime::Result<()> {
    wit::add_to_linker::<T, HasSecrets>(linker, view)
}

struct HasSecrets;

impl HasData for HasSecrets {
    type Data<'a> = Secrets<'a>;
}

impl wit::Host for Secrets<'_> {}
impl generated_async::Host for Secrets<'_> {}

impl generated::Host for Secrets<'_> {
    async fn get(&mut self, store: String, name: String) -> Result<Vec<wit::Value>, wit::Error> {
        get(self.stores, store, name).await
    }

    async fn bulk_get(&mut self, store: String) -> Result<Vec<wit::Secret>, wit::Error> {
        bulk_get(self.stores, store).await
    }
}

impl HasSecrets {
    /// The stores, owned: a call of the async form must not borrow the instance while it waits.
    fn stores<T>(accessor: &Accessor<T, Self>) -> Arc<AppSecrets> {
        accessor.with(|mut access| Arc::clone(access.get().stores))
    }
}

impl<T: Send> generated_async::HostWithStore<T> for HasSecrets {
    async fn get(accessor: &Accessor<T, Self>, store: String, name: String) -> Result<Vec<wit::Value>, wit::Error> {
        within(get(&Self::stores(accessor), store, name)).await
    }

    async fn bulk_get(accessor: &Accessor<T, Self>, store: String) -> Result<Vec<wit::Secret>, wit::Error> {
        within(bulk_get(&Self::stores(accessor), store)).await
    }
}

// ---- the one implementation of both ----

async fn get(stores: &AppSecrets, store: String, name: String) -> Result<Vec<wit::Value>, wit::Error> {
    Ok(values(stores.get(&store)?.get(&name).await?))
}

async fn bulk_get(stores: &AppSecrets, store: String) -> Result<Vec<wit::Secret>, wit::Error> {
    let secrets = stores.get(&store)?.bulk_get().await?;
    let secret = |(name, found)| wit::Secret {
        name,
        values: values(found),
    };
    Ok(secrets.into_iter().map(secret).collect())
}

// ---- lifting ----

fn values(values: SecretValues) -> Vec<wit::Value> {
    let value = |(key, secret): (String, dapr_blocks::secrets::Secret)| wit::Value {
        key,
        value: secret.expose().to_owned(),
    };
    values.into_iter().map(value).collect()
}

impl From<SecretError> for wit::Error {
    fn from(error: SecretError) -> Self {
        let text = error.to_string();
        match error {
            SecretError::Invalid(_) => Self::Invalid(text),
            SecretError::TooLarge(_) => Self::TooLarge(text),
            SecretError::NoSuchStore(_) => Self::NoSuchStore(text),
            SecretError::NotConfigured => Self::NotConfigured(text),
            SecretError::NoSuchSecret(_) => Self::NoSuchSecret(text),
            SecretError::NotAllowed(_) | SecretError::Denied { .. } => Self::Denied(text),
            SecretError::Throttled => Self::Throttled(text),
            SecretError::Unavailable { .. } => Self::Unavailable(text),
            _ => Self::Internal(text),
        }
    }
}
