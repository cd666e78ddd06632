//! One instance of a plugin, and how it is called.

use super::abi::{Abi, Call, Dialect, Reply};
use super::messages;
use crate::providers::answer::{Answer, Instances, shown};
use crate::providers::guest::PluginGuest;
use crate::providers::linked::ProviderSpec;
use crate::providers::state::answer::{Declaration, untrue};
use dapr_blocks::state::{
    BulkError, Condition, Consistency, ContentType, DeleteItem, Entry, Etag, Features, GetOptions, Key, Limits,
    Metadata, ResultBudget, SetItem, StateError,
};
use prost::Message;
use std::collections::HashMap;
use std::time::UNIX_EPOCH;
use wasmtime::{InstancePre, Store};

/// Dapr's names for what has a field of its own here.
const TTL: &str = "ttlInSeconds";
const EXPIRES: &str = "ttlExpireTime";
const CONTENT_TYPE: &str = "contentType";

/// What Dapr's stores say when a condition does not hold (dapr/components-contrib: `state/errors.go`).
const MISMATCHES: [&str; 2] = ["etag mismatch", "invalid etag value"];

/// The field of a feature, and how many there may be: far more than Dapr has.
const FEATURE: u32 = 1;
const MOST_FEATURES: usize = 64;

/// The field of a pair of metadata.
const PAIR: u32 = 3;

/// One instance of a plugin.
pub(crate) struct PluginInstance {
    store: Store<PluginGuest>,
    abi: Abi,
    init: Call,
    features: Call,
    get: Call,
    set: Call,
    delete: Call,
}

impl PluginInstance {
    /// Instantiates the module and begins it. It is not initialised yet.
    ///
    /// # Errors
    ///
    /// A trap, or a limit that it exceeds.
    pub(crate) async fn new(
        pre: &InstancePre<PluginGuest>,
        dialect: Dialect,
        mut store: Store<PluginGuest>,
        max: usize,
    ) -> wasmtime::Result<Self> {
        let instance = pre.instantiate_async(&mut store).await?;
        let abi = Abi::begin(&mut store, &instance, dialect, max).await?;
        let mut call = |name| instance.get_typed_func(&mut store, name);
        Ok(Self {
            init: call("store_init")?,
            features: call("store_features")?,
            get: call("store_get")?,
            set: call("store_set")?,
            delete: call("store_delete")?,
            abi,
            store,
        })
    }

    pub(crate) async fn init(&mut self, spec: &ProviderSpec) -> Answer<Result<Declaration, StateError>> {
        let ProviderSpec { name, metadata, .. } = spec;
        let request = messages::InitRequest {
            metadata: Some(messages::InitMetadata {
                name: name.clone(),
                properties: metadata.iter().cloned().collect(),
            }),
        };
        let initialised = self
            .abi
            .call(&mut self.store, &self.init, &request.encode_to_vec())
            .await?;
        if let Reply::Error(text) = initialised {
            return Ok(Err(failed(&text)));
        }
        let listed = match self.abi.call(&mut self.store, &self.features, &[]).await? {
            Reply::Error(text) => return Ok(Err(failed(&text))),
            Reply::Message(bytes) => features(&bytes, self.abi.tells_errors()),
        };
        Ok(listed.map(|features| Declaration {
            features,
            limits: Limits::default(),
            // What such a plugin keeps in its memory, nobody can tell.
            instances: Instances::One,
        }))
    }

    pub(crate) async fn get(
        &mut self,
        _app: &str,
        key: &Key,
        options: &GetOptions,
    ) -> Answer<Result<Option<Entry>, StateError>> {
        let request = messages::GetRequest {
            key: key.as_str().to_owned(),
            metadata: options.metadata.clone().into_pairs().into_iter().collect(),
            options: options.consistency.map(|consistency| messages::GetOptions {
                consistency: spelled(consistency).to_owned(),
            }),
        };
        let reply = self
            .abi
            .call(&mut self.store, &self.get, &request.encode_to_vec())
            .await?;
        Ok(match reply {
            Reply::Error(text) => Err(failed(&text)),
            Reply::Message(bytes) if bytes.is_empty() => Ok(None),
            Reply::Message(bytes) => entry(&bytes).map(Some),
        })
    }

    pub(crate) async fn bulk_get(
        &mut self,
        app: &str,
        keys: &[Key],
        options: &GetOptions,
        max_bytes: usize,
    ) -> Answer<Result<Vec<Option<Entry>>, StateError>> {
        let mut budget = ResultBudget::new(max_bytes);
        let mut entries = Vec::with_capacity(keys.len());
        for key in keys {
            let found = self.get(app, key, options).await?;
            match found.and_then(|entry| budget.take(&entry).map(|()| entry)) {
                Ok(entry) => entries.push(entry),
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(entries))
    }

    pub(crate) async fn set(&mut self, _app: &str, item: SetItem) -> Answer<Result<(), StateError>> {
        let SetItem {
            key,
            value,
            condition,
            ttl,
            content_type,
            consistency,
            metadata,
        } = item;
        let mut metadata: HashMap<_, _> = metadata.into_pairs().into_iter().collect();
        metadata.extend(ttl.map(|ttl| (TTL.to_owned(), ttl.seconds().to_string())));
        let (concurrency, etag) = match condition {
            Condition::Any => ("last-write", None),
            Condition::Absent => ("first-write", None),
            Condition::Matches(etag) => ("first-write", Some(etag)),
        };
        let request = messages::SetRequest {
            key: key.as_str().to_owned(),
            data: value,
            etag: etag.map(Etag::into_string).unwrap_or_default(),
            metadata,
            options: Some(options(concurrency, consistency)),
            content_type: content_type.map(ContentType::into_string).unwrap_or_default(),
        };
        let reply = self
            .abi
            .call(&mut self.store, &self.set, &request.encode_to_vec())
            .await?;
        Ok(written(reply, &key))
    }

    pub(crate) async fn bulk_set(&mut self, app: &str, items: Vec<SetItem>) -> Answer<Result<(), BulkError>> {
        let mut results = Vec::with_capacity(items.len());
        for item in items {
            results.push(self.set(app, item).await?);
        }
        Ok(BulkError::from_results(results))
    }

    pub(crate) async fn delete(&mut self, _app: &str, item: DeleteItem) -> Answer<Result<(), StateError>> {
        let DeleteItem {
            key,
            etag,
            consistency,
            metadata,
        } = item;
        let concurrency = if etag.is_some() { "first-write" } else { "last-write" };
        let request = messages::DeleteRequest {
            key: key.as_str().to_owned(),
            etag: etag.map(Etag::into_string).unwrap_or_default(),
            metadata: metadata.into_pairs().into_iter().collect(),
            options: Some(options(concurrency, consistency)),
        };
        let reply = self
            .abi
            .call(&mut self.store, &self.delete, &request.encode_to_vec())
            .await?;
        Ok(written(reply, &key))
    }

    pub(crate) async fn bulk_delete(&mut self, app: &str, items: Vec<DeleteItem>) -> Answer<Result<(), BulkError>> {
        let mut results = Vec::with_capacity(items.len());
        for item in items {
            results.push(self.delete(app, item).await?);
        }
        Ok(BulkError::from_results(results))
    }
}

fn options(concurrency: &str, consistency: Option<Consistency>) -> messages::WriteOptions {
    messages::WriteOptions {
        concurrency: concurrency.to_owned(),
        consistency: consistency.map(spelled).unwrap_or_default().to_owned(),
    }
}

fn spelled(consistency: Consistency) -> &'static str {
    match consistency {
        Consistency::Eventual => "eventual",
        Consistency::Strong => "strong",
    }
}

fn written(reply: Reply, key: &Key) -> Result<(), StateError> {
    match reply {
        Reply::Message(_) => Ok(()),
        Reply::Error(text) if MISMATCHES.iter().any(|mismatch| text.contains(mismatch)) => {
            Err(StateError::EtagMismatch {
                key: Some(key.as_str().to_owned()),
            })
        }
        Reply::Error(text) => Err(failed(&text)),
    }
}

/// What went wrong, the plugin alone knows; its text is for the log.
fn failed(text: &str) -> StateError {
    StateError::internal(format!("the plugin answered: {}", shown(text)))
}

/// What a plugin can do, from the bytes of the response that lists it.
///
/// # Errors
///
/// [`StateError::Internal`] if they do not decode.
pub(crate) fn features(bytes: &[u8], tells_errors: bool) -> Result<Features, StateError> {
    if !messages::has_at_most(bytes, FEATURE, MOST_FEATURES) {
        return Err(untrue(format!("more than {MOST_FEATURES} features")));
    }
    let response = messages::FeaturesResponse::decode(bytes);
    let listed = response.map_err(|error| untrue(format!("features that do not decode: {error}")))?;
    let has = |name: &str| listed.features.iter().any(|listed| listed == name);
    Ok(Features {
        // Who cannot say that a condition failed has none, whatever it lists: a lost update would look done.
        etags: has("ETAG") && tells_errors,
        ttl: has("TTL"),
        // No part of the interface.
        transactions: false,
        listing: false,
        // A field of the interface's own.
        content_types: true,
    })
}

/// An item from the bytes of a response that is not empty.
///
/// # Errors
///
/// [`StateError::Internal`] if they do not decode, or are no item of Dapr's.
pub(crate) fn entry(bytes: &[u8]) -> Result<Entry, StateError> {
    // Beside what has a place of its own.
    if !messages::has_at_most(bytes, PAIR, Metadata::MAX_ENTRIES + [TTL, EXPIRES, CONTENT_TYPE].len()) {
        return Err(untrue(format!(
            "metadata of more than {} entries",
            Metadata::MAX_ENTRIES
        )));
    }
    let response = messages::GetResponse::decode(bytes);
    let response = response.map_err(|error| untrue(format!("an item that does not decode: {error}")))?;
    let messages::GetResponse {
        data,
        etag,
        mut metadata,
        content_type,
    } = response;
    let mut take = |wanted: &str| {
        let name = metadata.keys().find(|name| name.eq_ignore_ascii_case(wanted)).cloned();
        name.and_then(|name| metadata.remove(&name))
    };
    let (expires_at, _, typed) = (take(EXPIRES), take(TTL), take(CONTENT_TYPE));
    let content_type = Some(content_type).filter(|text| !text.is_empty()).or(typed);
    let content_type = content_type
        .map(ContentType::new)
        .transpose()
        .map_err(|error| untrue(format!("a content type that is none: {error}")))?;
    let metadata = Metadata::new(metadata.into_iter().collect());
    Ok(Entry {
        value: data,
        etag: Etag::from_store(etag),
        content_type,
        expires_at: expires_at.map(|text| seconds(&text)).transpose()?,
        metadata: metadata.map_err(|error| untrue(format!("metadata that is none: {error}")))?,
    })
}

/// A time as Dapr's stores write it, RFC 3339, in seconds since the Unix epoch.
fn seconds(text: &str) -> Result<u64, StateError> {
    let time = humantime::parse_rfc3339(text).ok();
    let since = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since
        .map(|since| since.as_secs())
        .ok_or_else(|| untrue(format!("a `{EXPIRES}` that is no time")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_too_many_parts_is_not_decoded() {
        let pairs: Vec<_> = (0..100).map(|number| number.to_string()).collect();
        let pairs: Vec<_> = pairs.iter().map(|name| (name.as_str(), "x")).collect();
        assert!(entry(&response(&pairs[..64])).is_ok());
        let error = entry(&response(&pairs)).unwrap_err();
        assert_eq!(
            std::error::Error::source(&error).unwrap().to_string(),
            "the store answered metadata of more than 64 entries"
        );
        let listed = |count| messages::FeaturesResponse {
            features: vec!["ETAG".to_owned(); count],
        };
        assert!(features(&listed(64).encode_to_vec(), true).unwrap().etags);
        assert!(features(&listed(65).encode_to_vec(), true).is_err());
    }

    fn response(metadata: &[(&str, &str)]) -> Vec<u8> {
        let pairs = metadata
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let response = messages::GetResponse {
            data: b"v".to_vec(),
            etag: "1".to_owned(),
            metadata: pairs.collect(),
            content_type: String::new(),
        };
        response.encode_to_vec()
    }

    #[test]
    fn what_dapr_keeps_in_metadata_has_a_place_of_its_own_here() {
        let bytes = response(&[
            ("ttlExpireTime", "2026-11-24T00:00:00Z"),
            ("contentType", "text/plain"),
            ("other", "x"),
        ]);
        let entry = entry(&bytes).unwrap();
        assert_eq!(entry.expires_at, Some(1_795_478_400));
        assert_eq!(entry.content_type.unwrap().as_str(), "text/plain");
        assert_eq!(entry.metadata.iter().collect::<Vec<_>>(), [("other", "x")]);
        assert_eq!((entry.value, entry.etag.unwrap().as_str()), (b"v".to_vec(), "1"));
    }

    #[test]
    fn what_cannot_be_is_the_plugins_fault() {
        for bytes in [
            b"\xff".to_vec(),
            response(&[("ttlExpireTime", "tomorrow")]),
            response(&[("ttlExpireTime", "1950-01-01T00:00:00Z")]),
            response(&[("contentType", "a\nb")]),
            response(&[("A", "1"), ("a", "2")]),
        ] {
            assert_eq!(entry(&bytes).unwrap_err().case(), "internal");
        }
    }

    #[test]
    fn a_condition_that_does_not_hold_is_told_from_other_errors() {
        let key = |reply| {
            let prefix = dapr_blocks::state::KeyPrefix::None.resolve("", "", None);
            let key = prefix.key("k", &Limits::default()).unwrap();
            written(reply, &key).map_err(|error| error.case())
        };
        let error = |text: &str| Reply::Error(text.to_owned());
        assert_eq!(key(Reply::Message(Vec::new())), Ok(()));
        assert_eq!(
            key(error("possible etag mismatch. error from state store: x")),
            Err("etag-mismatch")
        );
        assert_eq!(key(error("invalid etag value: x")), Err("etag-mismatch"));
        assert_eq!(key(error("disk full")), Err("internal"));
    }
}
