//! Several items at once: transactions and bulk calls.

use crate::bindings::dapr::state::{store as host, types};
use crate::store::{JSON, json};
use crate::{BulkError, DeleteOptions, Error, Item, ItemError, SetOptions, Store};
use serde::{Serialize, de::DeserializeOwned};

/// A write that is made together with others.
#[derive(Debug)]
pub struct Operation(pub(crate) types::Operation);

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
        parsed(host::bulk_get(self.name, keys, None)?, keys)
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
        let (sets, deletes) = Positioned::of(operations);
        let mut failed = Failed::default();
        if !sets.items.is_empty() {
            failed.add(&sets.at, host::bulk_set(self.name, &sets.items))?;
        }
        if !deletes.items.is_empty() {
            failed.add(&deletes.at, host::bulk_delete(self.name, &deletes.items))?;
        }
        failed.result()
    }
}

/// What is stored under these keys.
pub(crate) fn parsed<T: DeserializeOwned>(
    entries: Vec<Option<types::Entry>>,
    keys: &[String],
) -> Result<Vec<Option<Item<T>>>, Error> {
    let parsed =
        |(entry, key): (Option<types::Entry>, &String)| entry.map(|entry| Item::of(entry).parsed(key)).transpose();
    entries.into_iter().zip(keys).map(parsed).collect()
}

/// Operations of one kind, and where each stands among all of them.
pub(crate) struct Positioned<T> {
    pub(crate) items: Vec<T>,
    pub(crate) at: Vec<usize>,
}

impl Positioned<types::SetItem> {
    /// Those that write, and those that delete.
    pub(crate) fn of(operations: impl IntoIterator<Item = Operation>) -> (Self, Positioned<types::DeleteItem>) {
        let (mut sets, mut deletes) = (Positioned::none(), Positioned::none());
        for (index, operation) in operations.into_iter().enumerate() {
            match operation.0 {
                types::Operation::Set(item) => sets.push(item, index),
                types::Operation::Delete(item) => deletes.push(item, index),
            }
        }
        (sets, deletes)
    }
}

impl<T> Positioned<T> {
    const fn none() -> Self {
        Self {
            items: Vec::new(),
            at: Vec::new(),
        }
    }

    fn push(&mut self, item: T, at: usize) {
        self.items.push(item);
        self.at.push(at);
    }
}

/// What was not done of two bulk calls.
#[derive(Default)]
pub(crate) struct Failed {
    items: Vec<ItemError>,
    /// Whether there was a call before.
    called: bool,
}

impl Failed {
    /// Takes a call's result. One that did nothing ends all, unless another has done something before: then it is the error of
    /// each of its items.
    pub(crate) fn add(&mut self, at: &[usize], result: Result<(), types::BulkError>) -> Result<(), BulkError> {
        match result {
            Ok(()) => {}
            Err(types::BulkError::Items(items)) => self.items.extend(items.into_iter().map(|item| ItemError {
                index: at.get(item.index as usize).copied().unwrap_or(item.index as usize),
                error: item.error.into(),
            })),
            Err(types::BulkError::Call(error)) if self.called => {
                let of_each = |index: &usize| ItemError {
                    index: *index,
                    error: error.clone().into(),
                };
                self.items.extend(at.iter().map(of_each));
            }
            Err(types::BulkError::Call(error)) => return Err(BulkError::Call(error.into())),
        }
        self.called = true;
        Ok(())
    }

    pub(crate) fn result(self) -> Result<(), BulkError> {
        match self.items.is_empty() {
            true => Ok(()),
            false => Err(BulkError::Items(self.items)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indices(result: Result<(), BulkError>) -> Vec<usize> {
        match result {
            Err(BulkError::Items(items)) => items.into_iter().map(|item| item.index).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn refused() -> types::Error {
        types::Error::Throttled("later".to_owned())
    }

    #[test]
    fn items_that_failed_are_named_by_their_place_among_all() {
        let delete = |key: &str| Operation::delete(key, DeleteOptions::new());
        let set = |key: &str| Operation::set(key, &1, SetOptions::new()).expect("a number is JSON");
        let (sets, deletes) = Positioned::of([delete("a"), set("b"), delete("c"), set("d")]);
        assert_eq!((&sets.at, &deletes.at), (&vec![1, 3], &vec![0, 2]));
        let mut failed = Failed::default();
        let item = types::ItemError {
            index: 1,
            error: refused(),
        };
        failed
            .add(&sets.at, Err(types::BulkError::Items(vec![item])))
            .expect("one of them was done");
        failed.add(&deletes.at, Ok(())).expect("all were done");
        assert_eq!(indices(failed.result()), [3]);
    }

    #[test]
    fn a_call_that_does_nothing_ends_all_only_if_nothing_was_done() {
        let nothing = || Err(types::BulkError::Call(refused()));
        assert!(matches!(
            Failed::default().add(&[0], nothing()),
            Err(BulkError::Call(Error::Throttled(_)))
        ));
        let mut failed = Failed::default();
        failed.add(&[1, 3], Ok(())).expect("all were done");
        failed.add(&[0, 2], nothing()).expect("others were done before");
        assert_eq!(indices(failed.result()), [0, 2]);
    }
}
