//! The contract with providers, both forms of it: how what the host has is said in WIT, and what a provider says is checked.

use super::answer::{Declaration, untrue};
use crate::providers::answer::{Instances, shown};
use crate::providers::linked::ProviderSpec;
use dapr_blocks::state::{
    BulkError, Condition, Consistency, ContentType, DeleteItem, Entry, Etag, Features, GetOptions, Limits, Listing,
    Metadata, Operation, SetItem, StateError, StoredPage, Ttl,
};

pub(in crate::providers) mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "dapr:host/state-store",
        exports: { default: async },
        require_store_data_send: true,
    });
}
pub(super) use bindings::dapr::state::{provider_types as wit, types};
pub(super) use bindings::exports::dapr::state::provider;
pub(super) use bindings::{StateStore, StateStorePre};

// ---- lowering ----

/// What an instance is told.
pub(super) fn configuration(spec: &ProviderSpec) -> wit::Configuration {
    wit::Configuration {
        name: spec.name.clone(),
        metadata: spec.metadata.clone(),
        memory: spec.memory as u64,
    }
}

pub(super) fn caller(app: &str) -> wit::Caller {
    wit::Caller { app: app.to_owned() }
}

pub(super) fn get_options(options: &GetOptions) -> types::GetOptions {
    types::GetOptions {
        consistency: options.consistency.map(types::Consistency::from),
        metadata: options.metadata.clone().into_pairs(),
    }
}

pub(super) fn set_item(item: SetItem) -> wit::SetItem {
    let SetItem {
        key,
        value,
        condition,
        ttl,
        content_type,
        consistency,
        metadata,
    } = item;
    wit::SetItem {
        key: key.into_string(),
        value,
        condition: match condition {
            Condition::Any => types::Condition::Any,
            Condition::Absent => types::Condition::Absent,
            Condition::Matches(etag) => types::Condition::Matches(etag.into_string()),
        },
        ttl: ttl.map(Ttl::seconds),
        content_type: content_type.map(ContentType::into_string),
        consistency: consistency.map(types::Consistency::from),
        metadata: metadata.into_pairs(),
    }
}

pub(super) fn operation(operation: Operation) -> wit::Operation {
    match operation {
        Operation::Set(item) => wit::Operation::Set(set_item(item)),
        Operation::Delete(item) => wit::Operation::Delete(delete_item(item)),
    }
}

pub(super) fn listing(listing: &Listing) -> wit::Listing {
    wit::Listing {
        prefix: listing.prefix().to_owned(),
        // A page has at most a thousand.
        limit: u32::try_from(listing.limit()).unwrap_or(u32::MAX),
        position: listing.position().map(str::to_owned),
    }
}

pub(super) fn delete_item(item: DeleteItem) -> wit::DeleteItem {
    let DeleteItem {
        key,
        etag,
        consistency,
        metadata,
    } = item;
    wit::DeleteItem {
        key: key.into_string(),
        etag: etag.map(Etag::into_string),
        consistency: consistency.map(types::Consistency::from),
        metadata: metadata.into_pairs(),
    }
}

impl From<Consistency> for types::Consistency {
    fn from(consistency: Consistency) -> Self {
        match consistency {
            Consistency::Eventual => Self::Eventual,
            Consistency::Strong => Self::Strong,
        }
    }
}

// ---- lifting: whatever a provider says is checked before anybody believes it ----

pub(super) fn entry(entry: types::Entry) -> Result<Entry, StateError> {
    let types::Entry {
        value,
        etag,
        content_type,
        expires_at,
        metadata,
    } = entry;
    let content_type = content_type
        .map(ContentType::new)
        .transpose()
        .map_err(|error| untrue(format!("a content type that is none: {error}")))?;
    let metadata = Metadata::new(metadata).map_err(|error| untrue(format!("metadata that is none: {error}")))?;
    let etag = etag
        .map(|etag| Etag::from_store(etag).ok_or_else(|| untrue("an etag that is empty or too long")))
        .transpose()?;
    Ok(Entry {
        value,
        etag,
        content_type,
        expires_at,
        metadata,
    })
}

pub(super) fn page(page: wit::Page) -> StoredPage {
    let wit::Page { keys, next } = page;
    StoredPage { keys, next }
}

pub(super) fn bulk(done: Result<Vec<Result<(), wit::Error>>, wit::Error>, asked: usize) -> Result<(), BulkError> {
    let results = done.map_err(|error| BulkError::Call(error.into()))?;
    if results.len() != asked {
        // Which of them were done, nobody can tell.
        let reason = format!("the store answered {} results for {asked} items", results.len());
        return Err(BulkError::Call(StateError::OutcomeUnknown { reason, source: None }));
    }
    BulkError::from_results(results.into_iter().map(|result| result.map_err(StateError::from)))
}

impl From<wit::Error> for StateError {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::Invalid(text) => Self::Invalid(shown(&text)),
            wit::Error::TooLarge(text) => Self::TooLarge(shown(&text)),
            wit::Error::EtagMismatch(key) => Self::EtagMismatch { key },
            wit::Error::Denied(text) => Self::Denied {
                reason: shown(&text),
                source: None,
            },
            wit::Error::Throttled => Self::Throttled,
            wit::Error::Unavailable(text) => Self::Unavailable {
                reason: shown(&text),
                source: None,
            },
            wit::Error::OutcomeUnknown(text) => Self::OutcomeUnknown {
                reason: shown(&text),
                source: None,
            },
            wit::Error::Internal(text) => Self::internal(shown(&text)),
        }
    }
}

impl From<wit::Declaration> for Declaration {
    fn from(declaration: wit::Declaration) -> Self {
        let wit::Declaration {
            features,
            instances,
            limits,
        } = declaration;
        let or = |limit: Option<u32>, default: usize| limit.map_or(default, |limit| limit as usize);
        let host = Limits::default();
        Self {
            features: Features {
                etags: features.contains(wit::Features::ETAGS),
                transactions: features.contains(wit::Features::TRANSACTIONS),
                ttl: features.contains(wit::Features::TTL),
                listing: features.contains(wit::Features::LISTING),
                content_types: features.contains(wit::Features::CONTENT_TYPES),
            },
            limits: Limits {
                key: or(limits.key, host.key),
                value: or(limits.value, host.value),
                items: or(limits.items, host.items),
                operations: or(limits.operations, host.operations),
                batch: or(limits.batch, host.batch),
            },
            instances: match instances {
                wit::Instances::One => Instances::One,
                wit::Instances::Several => Instances::Several,
            },
        }
    }
}
