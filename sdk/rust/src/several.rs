//! Several items at once: transactions and bulk calls.

use crate::bindings::dapr::state::{store as host, types};
use crate::store::{JSON, json};
use crate::{BulkError, DeleteOptions, Error, Item, SetOptions, Store};
use serde::{Serialize, de::DeserializeOwned};

/// A write that is made together with others.
#[derive(Debug)]
pub struct Operation(types::Operation);

impl Operation {
    /// Writes a value.
    ///
    /// # Errors
    ///
    /// [`Error::Value`].
    pub fn set<T: Serialize + ?Sized>(key: impl Into<String>, value: &T, options: SetOptions) -> Result<Self, Error> {
        let key = key.into();
        Ok(Self(types::Operation::Set(types::SetItem {
            value: json(&key, value)?,
            key,
            options: Some(options.or_content_type(JSON).into()),
        })))
    }

    /// Deletes what is under a key.
    pub fn delete(key: impl Into<String>, options: DeleteOptions) -> Self {
        Self(types::Operation::Delete(types::DeleteItem {
            key: key.into(),
            options: Some(options.into()),
        }))
    }
}

impl Store<'_> {
    /// The items under up to 1000 keys, in their order.
    ///
    /// # Errors
    ///
    /// Those of `bulk-get`, and [`Error::Value`].
    pub fn items<T: DeserializeOwned>(&self, keys: &[String]) -> Result<Vec<Option<Item<T>>>, Error> {
        let entries = host::bulk_get(self.name, keys, None)?;
        let parsed =
            |(entry, key): (Option<types::Entry>, &String)| entry.map(|entry| Item::of(entry).parsed(key)).transpose();
        entries.into_iter().zip(keys).map(parsed).collect()
    }

    /// Does up to 1000 operations, all or none. A key may be named once.
    ///
    /// # Errors
    ///
    /// Those of `transact`.
    pub fn transact(&self, operations: impl IntoIterator<Item = Operation>) -> Result<(), Error> {
        let operations: Vec<_> = operations.into_iter().map(|operation| operation.0).collect();
        Ok(host::transact(self.name, &operations, None)?)
    }

    /// Does up to 1000 operations, each on its own: first all that write, then all that delete. For all or nothing there is
    /// [`transact`](Self::transact).
    ///
    /// # Errors
    ///
    /// Those of `bulk-set` and `bulk-delete`; an index is that of the operation.
    pub fn bulk(&self, operations: impl IntoIterator<Item = Operation>) -> Result<(), BulkError> {
        let (mut sets, mut deletes) = (Vec::new(), Vec::new());
        let (mut set_at, mut delete_at) = (Vec::new(), Vec::new());
        for (index, operation) in operations.into_iter().enumerate() {
            match operation.0 {
                types::Operation::Set(item) => {
                    sets.push(item);
                    set_at.push(index);
                }
                types::Operation::Delete(item) => {
                    deletes.push(item);
                    delete_at.push(index);
                }
            }
        }
        let mut failed = Vec::new();
        let done = [
            (set_at, (!sets.is_empty()).then(|| host::bulk_set(self.name, &sets))),
            (
                delete_at,
                (!deletes.is_empty()).then(|| host::bulk_delete(self.name, &deletes)),
            ),
        ];
        for (at, result) in done {
            match result.unwrap_or(Ok(())).map_err(BulkError::from) {
                Ok(()) => {}
                Err(BulkError::Items(items)) => failed.extend(items.into_iter().map(|mut item| {
                    item.index = at.get(item.index).copied().unwrap_or(item.index);
                    item
                })),
                Err(call) => return Err(call),
            }
        }
        if failed.is_empty() {
            Ok(())
        } else {
            Err(BulkError::Items(failed))
        }
    }
}
