//! The same for apps of WASI 0.3, whose calls are awaited: several of them wait at once.

use crate::async_bindings::dapr::state::store_async as host;
use crate::several::{Failed, Positioned, parsed};
use crate::store::{JSON, json};
use crate::update::{Condition, TRIES};
use crate::{BulkError, DeleteOptions, Error, GetOptions, Item, KeyPage, ListOptions, Operation, SetOptions};
use serde::{Serialize, de::DeserializeOwned};
use std::vec::IntoIter;

/// A store of the configuration, a table `[state.NAME]`, on `dapr:state/store-async@0.1.0`.
///
/// A write whose future is dropped before it has answered may be done or not, as one whose outcome is unknown; of an update and of
/// [`bulk`](Self::bulk), what was done before stays.
///
/// ```no_run
/// # use dapr_wasm_sdk::{AsyncStore, Error};
/// # async fn read() -> Result<(), Error> {
/// let store = AsyncStore::new("statestore");
/// store.set("apples", &1).await?;
/// let apples: Option<u64> = store.get("apples").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AsyncStore<'a> {
    name: &'a str,
}

impl<'a> AsyncStore<'a> {
    /// The store of this name. Whether there is one shows at the first call.
    #[must_use]
    pub const fn new(name: &'a str) -> Self {
        Self { name }
    }

    fn named(&self) -> String {
        self.name.to_owned()
    }

    /// The value under a key. None if there is none.
    ///
    /// # Errors
    ///
    /// Those of `get`, and [`Error::Value`].
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        Ok(self.item(key).await?.map(|item| item.value))
    }

    /// The item under a key, with its etag. None if there is none.
    ///
    /// # Errors
    ///
    /// Those of `get`, and [`Error::Value`].
    pub async fn item<T: DeserializeOwned>(&self, key: &str) -> Result<Option<Item<T>>, Error> {
        self.item_with(key, GetOptions::new()).await
    }

    /// The same with options.
    ///
    /// # Errors
    ///
    /// Those of `get`, and [`Error::Value`].
    pub async fn item_with<T: DeserializeOwned>(
        &self,
        key: &str,
        options: GetOptions,
    ) -> Result<Option<Item<T>>, Error> {
        let item = self.bytes_with(key, options).await?;
        item.map(|item| item.parsed(key)).transpose()
    }

    /// The bytes under a key, as they were set. None if there is none.
    ///
    /// # Errors
    ///
    /// Those of `get`.
    pub async fn bytes(&self, key: &str) -> Result<Option<Item<Vec<u8>>>, Error> {
        self.bytes_with(key, GetOptions::new()).await
    }

    /// The same with options.
    ///
    /// # Errors
    ///
    /// Those of `get`.
    pub async fn bytes_with(&self, key: &str, options: GetOptions) -> Result<Option<Item<Vec<u8>>>, Error> {
        let entry = host::get(self.named(), key.to_owned(), Some(options.into())).await?;
        Ok(entry.map(Item::of))
    }

    /// Writes a value, without condition and for good.
    ///
    /// # Errors
    ///
    /// Those of `set`, and [`Error::Value`].
    pub async fn set<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<(), Error> {
        self.set_with(key, value, SetOptions::new()).await
    }

    /// Writes a value as the options say.
    ///
    /// # Errors
    ///
    /// Those of `set`, and [`Error::Value`].
    pub async fn set_with<T: Serialize + ?Sized>(
        &self,
        key: &str,
        value: &T,
        options: SetOptions,
    ) -> Result<(), Error> {
        self.set_bytes(key, json(key, value)?, options.or_content_type(JSON))
            .await
    }

    /// Writes bytes as they are.
    ///
    /// # Errors
    ///
    /// Those of `set`.
    pub async fn set_bytes(&self, key: &str, value: Vec<u8>, options: SetOptions) -> Result<(), Error> {
        Ok(host::set(self.named(), key.to_owned(), value, Some(options.into())).await?)
    }

    /// Removes what is under a key. That nothing was there is no error.
    ///
    /// # Errors
    ///
    /// Those of `delete`.
    pub async fn delete(&self, key: &str) -> Result<(), Error> {
        self.delete_with(key, DeleteOptions::new()).await
    }

    /// Removes what is under a key as the options say. With an etag, that nothing was there is [`Error::EtagMismatch`].
    ///
    /// # Errors
    ///
    /// Those of `delete`.
    pub async fn delete_with(&self, key: &str, options: DeleteOptions) -> Result<(), Error> {
        Ok(host::delete(self.named(), key.to_owned(), Some(options.into())).await?)
    }

    /// Reads a value, has it changed, and writes it on the condition that nobody wrote in between, as
    /// [`Store::update`](crate::Store::update) does.
    ///
    /// # Errors
    ///
    /// Those of `change`, of `get` and of `set`. [`Error::EtagMismatch`] is that others were faster each time.
    pub async fn update<T, E>(&self, key: &str, mut change: impl FnMut(Option<T>) -> Result<T, E>) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned,
        E: From<Error>,
    {
        self.update_with(key, |value| Ok((change(value)?, SetOptions::new())))
            .await
    }

    /// The same with options, which `change` answers beside the value. Their condition is the loop's own.
    ///
    /// # Errors
    ///
    /// Those of `change`, of `get` and of `set`. [`Error::EtagMismatch`] is that others were faster each time.
    pub async fn update_with<T, E>(
        &self,
        key: &str,
        mut change: impl FnMut(Option<T>) -> Result<(T, SetOptions), E>,
    ) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned,
        E: From<Error>,
    {
        let mut tries = 1;
        loop {
            let item = self.item(key).await?;
            let condition = Condition::of(item.as_ref(), self.name)?;
            let (value, options) = change(item.map(|item| item.value))?;
            match self.set_with(key, &value, condition.of_write(options)).await {
                Ok(()) => return Ok(value),
                Err(Error::EtagMismatch(_)) if tries < TRIES => tries += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The items under up to 1000 keys, in their order.
    ///
    /// # Errors
    ///
    /// Those of `bulk-get`, and [`Error::Value`].
    pub async fn items<T: DeserializeOwned>(&self, keys: &[String]) -> Result<Vec<Option<Item<T>>>, Error> {
        parsed(host::bulk_get(self.named(), keys.to_vec(), None).await?, keys)
    }

    /// Does up to 1000 operations, all or none. A key may be named once.
    ///
    /// # Errors
    ///
    /// Those of `transact`.
    pub async fn transact(&self, operations: impl IntoIterator<Item = Operation>) -> Result<(), Error> {
        let operations = operations.into_iter().map(|operation| operation.0).collect();
        Ok(host::transact(self.named(), operations, None).await?)
    }

    /// Does up to 1000 operations, each on its own: first all that write, then all that delete. For all or nothing there is
    /// [`transact`](Self::transact).
    ///
    /// # Errors
    ///
    /// Those of `bulk-set` and `bulk-delete`; an index is that of the operation.
    pub async fn bulk(&self, operations: impl IntoIterator<Item = Operation>) -> Result<(), BulkError> {
        let (sets, deletes) = Positioned::of(operations);
        let mut failed = Failed::default();
        if !sets.items.is_empty() {
            failed.add(&sets.at, host::bulk_set(self.named(), sets.items).await)?;
        }
        if !deletes.items.is_empty() {
            failed.add(&deletes.at, host::bulk_delete(self.named(), deletes.items).await)?;
        }
        failed.result()
    }

    /// A page of the app's keys that start with a prefix.
    ///
    /// # Errors
    ///
    /// Those of `list-keys`.
    pub async fn keys(&self, prefix: &str, options: ListOptions) -> Result<KeyPage, Error> {
        let page = host::list_keys(self.named(), prefix.to_owned(), Some(options.into())).await?;
        Ok(page.into())
    }

    /// All of the app's keys that start with a prefix, asked for page by page.
    #[must_use]
    pub fn all_keys<'b>(&self, prefix: &'b str) -> AllKeys<'b>
    where
        'a: 'b,
    {
        AllKeys {
            store: *self,
            prefix,
            page: Vec::new().into_iter(),
            next: Some(ListOptions::new()),
        }
    }
}

/// Keys, one after the other.
#[derive(Debug)]
pub struct AllKeys<'a> {
    store: AsyncStore<'a>,
    prefix: &'a str,
    page: IntoIter<String>,
    /// None: this page is the last.
    next: Option<ListOptions>,
}

impl AllKeys<'_> {
    /// The next key. None: there are no more. An error is the last that comes.
    ///
    /// # Cancel safety
    ///
    /// One that is dropped before it has answered has taken no key, and the next asks again.
    pub async fn next(&mut self) -> Option<Result<String, Error>> {
        loop {
            if let Some(key) = self.page.next() {
                return Some(Ok(key));
            }
            let page = self.store.keys(self.prefix, self.next.clone()?).await;
            self.next = None;
            let KeyPage { keys, cursor } = match page {
                Ok(page) => page,
                Err(error) => return Some(Err(error)),
            };
            self.page = keys.into_iter();
            self.next = cursor.map(|cursor| ListOptions::new().cursor(cursor));
        }
    }
}
