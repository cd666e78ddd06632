//! A state store in WebAssembly that is linked, in whichever form.

use super::answer::Declaration;
use super::component::ComponentInstance;
use super::contract::StateStorePre;
use super::instance::Instance;
use super::plugin::{Dialect, Exports, PluginInstance};
use super::requests::{self, State, StateStoreLoopPre};
use crate::app::Shared;
use crate::guest::bounded;
use crate::providers::file::ProviderFile;
use crate::providers::guest::{PluginGuest, ProviderGuest, Requests};
use crate::providers::linked::{Linked, ProviderCode, ProviderLinkError, ProviderSpec, fits};
use crate::providers::serving::LoopProvider;
use crate::providers::start::{Begin, StartError, begun};
use dapr_blocks::state::Limits as StateLimits;
use wasmtime::InstancePre;
use wasmtime_wasi::{WasiView, p1};

/// A provider that is linked and ready to be started.
#[derive(Clone)]
pub struct Provider {
    form: Form,
    linked: Linked,
}

#[derive(Clone)]
enum Form {
    Component(StateStorePre<ProviderGuest>),
    Loop(StateStoreLoopPre<ProviderGuest>),
    Plugin {
        pre: InstancePre<PluginGuest>,
        dialect: Dialect,
    },
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
        match code {
            ProviderCode::Component(component) => {
                let (linked, pre) = Linked::component(file, component, spec, shared, requests::add_to_linker)?;
                let form = match file.takes_requests() {
                    true => Form::Loop(StateStoreLoopPre::new(pre)?),
                    false => Form::Component(StateStorePre::new(pre)?),
                };
                Ok(Self { form, linked })
            }
            ProviderCode::Plugin(module) => {
                let dialect = Exports::check(module).map_err(ProviderLinkError::Plugin)?;
                if !spec.allow_hosts.is_empty() {
                    return Err(ProviderLinkError::NoSockets);
                }
                fits(Some(module.resources_required()), spec.memory)?;
                let linked = Linked::new(spec, shared, None)?;
                let mut linker = wasmtime::Linker::<PluginGuest>::new(linked.engine());
                p1::add_to_linker_async(&mut linker, |guest| &mut guest.wasi)?;
                let pre = linker.instantiate_pre(module)?;
                Ok(Self {
                    form: Form::Plugin { pre, dialect },
                    linked,
                })
            }
        }
    }

    /// What it has in common with those of other building blocks.
    pub fn linked(&self) -> &Linked {
        &self.linked
    }

    /// Itself, if it is of the serve-loop form.
    pub(super) fn in_a_loop(&self) -> Option<LoopProvider<State>> {
        match &self.form {
            Form::Loop(pre) => Some(LoopProvider {
                linked: self.linked.clone(),
                pre: pre.clone(),
            }),
            Form::Component(_) | Form::Plugin { .. } => None,
        }
    }

    async fn instantiate(&self) -> wasmtime::Result<Instance> {
        match &self.form {
            Form::Component(pre) => {
                let component = ComponentInstance::new(pre, self.linked.guest(Requests::None)).await?;
                Ok(Instance::Component(Box::new(component)))
            }
            Form::Loop(_) => Err(wasmtime::format_err!("it takes its calls itself")),
            Form::Plugin { pre, dialect } => {
                let shared = self.linked.shared();
                let mut wasi = self.linked.wasi().build_p1();
                wasi.ctx().table.set_max_capacity(shared.limits.handles);
                let guest = PluginGuest {
                    wasi,
                    limiter: self.linked.limiter(),
                };
                let store = bounded(self.linked.engine(), &shared.limits, guest, |guest| &mut guest.limiter);
                let plugin = PluginInstance::new(pre, *dialect, store, StateLimits::default().batch).await?;
                Ok(Instance::Plugin(Box::new(plugin)))
            }
        }
    }
}

impl Begin for Provider {
    type Instance = Instance;
    type Declaration = Declaration;

    async fn begin(&self) -> Result<(Instance, Declaration), StartError> {
        let spec = self.linked.spec();
        begun(spec, async {
            let mut instance = self.instantiate().await?;
            let declared = instance.init(spec).await?;
            Ok((instance, declared))
        })
        .await
    }
}
