//! A secret store in WebAssembly that is linked, in either form, and an instance that is called.

use super::contract::bindings::SecretStore as Bindings;
use super::contract::{Declaration, Said, SecretStorePre, configuration, types, wit};
use super::requests::{self, SecretStoreLoopPre, Secrets};
use crate::app::Shared;
use crate::providers::answer::Answer;
use crate::providers::file::ProviderFile;
use crate::providers::guest::{ProviderGuest, Requests};
use crate::providers::linked::{Linked, ProviderCode, ProviderLinkError, ProviderSpec};
use crate::providers::serving::LoopProvider;
use crate::providers::start::{Begin, StartError, begun};
use wasmtime::Store;

/// A provider that is linked and ready to be started.
#[derive(Clone)]
pub struct Provider {
    form: Form,
    linked: Linked,
}

#[derive(Clone)]
enum Form {
    Called(SecretStorePre<ProviderGuest>),
    Loop(SecretStoreLoopPre<ProviderGuest>),
}

impl Provider {
    /// Links the code of a file.
    ///
    /// # Errors
    ///
    /// [`ProviderLinkError`]. That all imports are known is [`ProviderFile::read`]'s to say, and better.
    pub fn link(
        file: &ProviderFile<'_>,
        code: &ProviderCode,
        spec: ProviderSpec,
        shared: Shared,
    ) -> Result<Self, ProviderLinkError> {
        let ProviderCode::Component(component) = code else {
            return Err(wasmtime::format_err!("plugins are state stores").into());
        };
        let (linked, pre) = Linked::component(file, component, spec, shared, requests::add_to_linker)?;
        let form = match file.takes_requests() {
            true => Form::Loop(SecretStoreLoopPre::new(pre)?),
            false => Form::Called(SecretStorePre::new(pre)?),
        };
        Ok(Self { form, linked })
    }

    /// What it has in common with those of other building blocks.
    pub fn linked(&self) -> &Linked {
        &self.linked
    }

    /// Itself, if it is of the serve-loop form.
    pub(super) fn in_a_loop(&self) -> Option<LoopProvider<Secrets>> {
        match &self.form {
            Form::Loop(pre) => Some(LoopProvider {
                linked: self.linked.clone(),
                pre: pre.clone(),
            }),
            Form::Called(_) => None,
        }
    }
}

impl Begin for Provider {
    type Instance = Instance;
    type Declaration = Declaration;

    async fn begin(&self) -> Result<(Instance, Declaration), StartError> {
        begun(self.linked.spec(), async {
            let Form::Called(pre) = &self.form else {
                return Err(wasmtime::format_err!("it takes its calls itself"));
            };
            let mut store = self.linked.guest(Requests::None);
            let bindings = pre.instantiate_async(&mut store).await?;
            let mut instance = Instance(Box::new((store, bindings)));
            let declared = instance.init(self.linked.spec()).await?;
            Ok((instance, declared))
        })
        .await
    }
}

/// An instance that is called.
pub(in crate::providers) struct Instance(Box<(Store<ProviderGuest>, Bindings)>);

impl Instance {
    async fn init(&mut self, spec: &ProviderSpec) -> Answer<Result<Declaration, Said>> {
        let (store, bindings) = &mut *self.0;
        let provider = bindings.dapr_secrets_provider();
        let declared = provider.call_init(store, &configuration(spec)).await?;
        Ok(declared.map(Declaration::from).map_err(Said::from))
    }

    pub(super) async fn get(&mut self, name: &str) -> Answer<Result<Vec<types::Value>, wit::Error>> {
        let (store, bindings) = &mut *self.0;
        bindings.dapr_secrets_provider().call_get(store, name).await
    }

    pub(super) async fn bulk_get(&mut self, max_bytes: u32) -> Answer<Result<Vec<types::Secret>, wit::Error>> {
        let (store, bindings) = &mut *self.0;
        bindings.dapr_secrets_provider().call_bulk_get(store, max_bytes).await
    }
}
