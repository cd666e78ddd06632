//! What one app sees of the stores: the rules that all vendors share.
//!
//! An [`AppStores`] is made once, when an app is set up; a call is then a look-up, the checks below and the vendor's work.
//! The checks stand here and not in the stores, so that no store can forget one.

use super::{
    BulkError, Condition, Cursor, DeleteItem, Entry, Feature, GetOptions, Key, KeyPage, KeyPrefix, Limits, Metadata,
    Operation, PageLimit, Prefix, ResultBudget, SetItem, StateError, StateStore,
};
use crate::config::Namespace;
use crate::resiliency::Guard;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// How a store is set up for the apps that use it.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// What keeps apps apart.
    pub key_prefix: KeyPrefix,
    /// The longest that one call may take, whatever the vendor's own timeouts.
    pub deadline: Duration,
    /// How much an app may hand over at once; what the store itself allows may be less.
    pub limits: Limits,
    /// The store's policy, which all apps share; none: each call is one attempt.
    pub guard: Option<Arc<Guard>>,
}

/// The stores that one app may use, by name.
#[derive(Clone, Default)]
pub struct AppStores {
    stores: BTreeMap<String, AppStore>,
    others: bool,
}

impl AppStores {
    /// Takes note that stores are configured which this app may not use: asking for one is then asking for one that is not
    /// there, as in Dapr, and not a host without stores.
    pub fn others_exist(&mut self) {
        self.others = true;
    }

    /// Lets the app use `store` under this name. `namespace` is the host's, none outside Kubernetes.
    pub fn insert(
        &mut self,
        name: &str,
        store: Arc<dyn StateStore>,
        settings: &StoreSettings,
        app_id: &str,
        namespace: Option<&Namespace>,
    ) {
        let prefix = settings.key_prefix.resolve(app_id, name, namespace);
        let limits = settings.limits.within(store.limits());
        let store = store.of_app(app_id).unwrap_or(store);
        self.stores.insert(
            name.to_owned(),
            AppStore {
                name: name.to_owned(),
                store,
                prefix,
                deadline: settings.deadline,
                limits,
                guard: settings.guard.clone(),
            },
        );
    }

    /// The store of this name.
    ///
    /// # Errors
    ///
    /// [`StateError::NotConfigured`] if no store is configured at all, [`StateError::NoSuchStore`] if others are.
    pub fn get(&self, name: &str) -> Result<&AppStore, StateError> {
        match self.stores.get(name) {
            Some(store) => Ok(store),
            None if self.stores.is_empty() && !self.others => Err(StateError::NotConfigured),
            None => Err(StateError::NoSuchStore(name.to_owned())),
        }
    }

    /// The app's store, if it has one and no other.
    pub(super) fn only(&self) -> Option<&AppStore> {
        let mut stores = self.stores.values();
        stores.next().filter(|_| stores.next().is_none())
    }
}

/// One store, as one app sees it.
#[derive(Clone)]
pub struct AppStore {
    name: String,
    store: Arc<dyn StateStore>,
    prefix: Prefix,
    deadline: Duration,
    limits: Limits,
    guard: Option<Arc<Guard>>,
}

impl AppStore {
    /// How much may be handed over at once.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Reads an item.
    ///
    /// # Errors
    ///
    /// As `dapr:state/store.get`.
    pub async fn get(&self, key: &str, options: &GetOptions) -> Result<Option<Entry>, StateError> {
        let key = self.key(key)?;
        let entry = self.read("get", || self.store.get(&key, options)).await?;
        self.check_found(std::slice::from_ref(&entry))?;
        Ok(entry)
    }

    /// Reads items, answered in the order of `keys`.
    ///
    /// # Errors
    ///
    /// As `dapr:state/store.bulk-get`.
    pub async fn bulk_get(&self, keys: &[String], options: &GetOptions) -> Result<Vec<Option<Entry>>, StateError> {
        check_count(keys.len(), self.limits.items)?;
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let keys = keys.iter().map(|key| self.key(key)).collect::<Result<Vec<_>, _>>()?;
        let read = || async {
            let entries = self.store.bulk_get(&keys, options, self.limits.batch).await?;
            self.check_found(&entries)?;
            match (entries.len(), keys.len()) {
                (found, asked) if found == asked => Ok(entries),
                (found, asked) => {
                    let fault = format!("the store answered {found} items for {asked} keys");
                    Err(StateError::internal(fault))
                }
            }
        };
        self.read("bulk-get", read).await
    }

    /// Writes an item.
    ///
    /// # Errors
    ///
    /// As `dapr:state/store.set`.
    pub async fn set(&self, item: SetItem<String>) -> Result<(), StateError> {
        let item = self.set_item(item)?;
        self.write("set", item, |item| self.store.set(item)).await
    }

    /// Writes items, each on its own.
    ///
    /// # Errors
    ///
    /// As `dapr:state/store.bulk-set`.
    pub async fn bulk_set(&self, items: Vec<SetItem<String>>) -> Result<(), BulkError> {
        check_count(items.len(), self.limits.items)?;
        self.check_batch(items.iter().map(|item| (&item.key, item.size())))?;
        if items.is_empty() {
            return Ok(());
        }
        let items = items
            .into_iter()
            .map(|item| self.set_item(item))
            .collect::<Result<Vec<_>, _>>()?;
        self.bulk_write("bulk-set", items, |items| self.store.bulk_set(items))
            .await
    }

    /// Removes an item.
    ///
    /// # Errors
    ///
    /// As `dapr:state/store.delete`.
    pub async fn delete(&self, item: DeleteItem<String>) -> Result<(), StateError> {
        let item = self.delete_item(item)?;
        self.write("delete", item, |item| self.store.delete(item)).await
    }

    /// Removes items, each on its own.
    ///
    /// # Errors
    ///
    /// As `dapr:state/store.bulk-delete`.
    pub async fn bulk_delete(&self, items: Vec<DeleteItem<String>>) -> Result<(), BulkError> {
        check_count(items.len(), self.limits.items)?;
        self.check_batch(items.iter().map(|item| (&item.key, item.size())))?;
        if items.is_empty() {
            return Ok(());
        }
        let items = items
            .into_iter()
            .map(|item| self.delete_item(item))
            .collect::<Result<Vec<_>, _>>()?;
        self.bulk_write("bulk-delete", items, |items| self.store.bulk_delete(items))
            .await
    }

    /// Does all operations or none.
    ///
    /// # Errors
    ///
    /// As `dapr:state/store.transact`.
    pub async fn transact(&self, operations: Vec<Operation<String>>, metadata: &Metadata) -> Result<(), StateError> {
        self.require(Feature::Transactions)?;
        check_count(operations.len(), self.limits.operations)?;
        self.check_batch(operations.iter().map(|operation| (operation.key(), operation.size())))?;
        if operations.is_empty() {
            return Ok(());
        }
        let operations = operations.into_iter().map(|operation| self.operation(operation));
        let operations = operations.collect::<Result<Vec<_>, _>>()?;
        let write = |operations| self.store.transact(operations, metadata);
        self.write("transact", operations, write).await
    }

    /// Lists the app's keys that begin with `prefix`, without the app's own prefix.
    ///
    /// # Errors
    ///
    /// As `dapr:state/store.list-keys`.
    pub async fn list_keys(
        &self,
        prefix: &str,
        limit: PageLimit,
        cursor: Option<&Cursor>,
    ) -> Result<KeyPage, StateError> {
        self.require(Feature::Listing)?;
        let listing = self.prefix.listing(prefix, &self.limits)?.page(limit, cursor)?;
        let read = || async { listing.answer(self.store.list_keys(&listing).await?) };
        self.read("list-keys", read).await
    }

    // ---- checks ----

    fn key(&self, key: &str) -> Result<Key, StateError> {
        self.prefix.key(key, &self.limits)
    }

    fn set_item(&self, item: SetItem<String>) -> Result<SetItem, StateError> {
        if item.condition != Condition::Any {
            self.require(Feature::Etags)?;
        }
        if item.ttl.is_some() {
            self.require(Feature::Ttl)?;
        }
        self.check_value(&item.value)?;
        let mut item = item.try_map_key(|key| self.key(key))?;
        if !self.store.features().has(Feature::ContentTypes) {
            item.content_type = None;
        }
        Ok(item)
    }

    fn delete_item(&self, item: DeleteItem<String>) -> Result<DeleteItem, StateError> {
        if item.etag.is_some() {
            self.require(Feature::Etags)?;
        }
        item.try_map_key(|key| self.key(key))
    }

    fn operation(&self, operation: Operation<String>) -> Result<Operation, StateError> {
        Ok(match operation {
            Operation::Set(item) => Operation::Set(self.set_item(item)?),
            Operation::Delete(item) => Operation::Delete(self.delete_item(item)?),
        })
    }

    fn require(&self, feature: Feature) -> Result<(), StateError> {
        if self.store.features().has(feature) {
            return Ok(());
        }
        Err(self.lacks(feature))
    }

    pub(super) fn lacks(&self, feature: Feature) -> StateError {
        StateError::Unsupported {
            store: self.name.clone(),
            feature,
        }
    }

    fn check_value(&self, value: &[u8]) -> Result<(), StateError> {
        let (len, max) = (value.len(), self.limits.value);
        if len > max {
            return Err(StateError::TooLarge(format!(
                "the value has {len} bytes, more than the {max} allowed"
            )));
        }
        Ok(())
    }

    /// Refuses what a store found if it is too large: others write to the same store, and have other limits.
    fn check_found(&self, entries: &[Option<Entry>]) -> Result<(), StateError> {
        let mut budget = ResultBudget::new(self.limits.batch);
        for entry in entries {
            self.check_value(entry.as_ref().map_or(&[], |entry| &entry.value))?;
            budget.take(entry)?;
        }
        Ok(())
    }

    /// Refuses a list that is too large or names a key twice: the order of two writes to one key is nothing that every
    /// vendor keeps.
    fn check_batch<'a>(&self, items: impl Iterator<Item = (&'a String, usize)>) -> Result<(), StateError> {
        let mut names = HashSet::new();
        let mut bytes = 0_usize;
        for (key, size) in items {
            if !names.insert(key) {
                let key = key.escape_debug();
                return Err(StateError::Invalid(format!(
                    "the key `{key}` is named twice in one call"
                )));
            }
            bytes = bytes.saturating_add(size);
        }
        if bytes > self.limits.batch {
            let max = self.limits.batch;
            return Err(StateError::TooLarge(format!(
                "the items have {bytes} bytes, more than the {max} allowed"
            )));
        }
        Ok(())
    }
}

fn check_count(count: usize, max: usize) -> Result<(), StateError> {
    if count > max {
        return Err(StateError::TooLarge(format!(
            "the call has {count} items, more than the {max} allowed"
        )));
    }
    Ok(())
}

mod calling;
#[cfg(test)]
mod tests;
