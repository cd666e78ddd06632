//! One instance of a provider, whichever its form.

use super::answer::{Declaration, untrue};
use super::component::ComponentInstance;
use super::plugin::PluginInstance;
use crate::providers::answer::Answer;
use crate::providers::linked::ProviderSpec;
use dapr_blocks::state::{
    BulkError, DeleteItem, Entry, GetOptions, Key, Listing, Metadata, Operation, SetItem, StateError, StoredPage,
};

/// One instance of a provider.
pub(in crate::providers) enum Instance {
    Component(Box<ComponentInstance>),
    Plugin(Box<PluginInstance>),
}

/// Calls both forms alike.
macro_rules! either {
    ($self:ident, $instance:ident => $call:expr) => {
        match $self {
            Self::Component($instance) => $call.await,
            Self::Plugin($instance) => $call.await,
        }
    };
}

impl Instance {
    pub(super) async fn init(&mut self, spec: &ProviderSpec) -> Answer<Result<Declaration, StateError>> {
        either!(self, instance => instance.init(spec))
    }

    pub(super) async fn get(
        &mut self,
        app: &str,
        key: &Key,
        options: &GetOptions,
    ) -> Answer<Result<Option<Entry>, StateError>> {
        either!(self, instance => instance.get(app, key, options))
    }

    pub(super) async fn bulk_get(
        &mut self,
        app: &str,
        keys: &[Key],
        options: &GetOptions,
        max_bytes: usize,
    ) -> Answer<Result<Vec<Option<Entry>>, StateError>> {
        either!(self, instance => instance.bulk_get(app, keys, options, max_bytes))
    }

    pub(super) async fn set(&mut self, app: &str, item: SetItem) -> Answer<Result<(), StateError>> {
        either!(self, instance => instance.set(app, item))
    }

    pub(super) async fn bulk_set(&mut self, app: &str, items: Vec<SetItem>) -> Answer<Result<(), BulkError>> {
        either!(self, instance => instance.bulk_set(app, items))
    }

    pub(super) async fn delete(&mut self, app: &str, item: DeleteItem) -> Answer<Result<(), StateError>> {
        either!(self, instance => instance.delete(app, item))
    }

    pub(super) async fn bulk_delete(&mut self, app: &str, items: Vec<DeleteItem>) -> Answer<Result<(), BulkError>> {
        either!(self, instance => instance.bulk_delete(app, items))
    }

    pub(super) async fn transact(
        &mut self,
        app: &str,
        operations: Vec<Operation>,
        metadata: &Metadata,
    ) -> Answer<Result<(), StateError>> {
        match self {
            Self::Component(instance) => instance.transact(app, operations, metadata).await,
            Self::Plugin(_) => Ok(Err(untrue("a transaction, which plugins do not have"))),
        }
    }

    pub(super) async fn list_keys(&mut self, app: &str, listing: &Listing) -> Answer<Result<StoredPage, StateError>> {
        match self {
            Self::Component(instance) => instance.list_keys(app, listing).await,
            Self::Plugin(_) => Ok(Err(untrue("a listing, which plugins do not have"))),
        }
    }
}
