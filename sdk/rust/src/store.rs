//! A store, and what is done to one item.

use crate::bindings::dapr::state::store as host;
use crate::{DeleteOptions, Error, GetOptions, Item, SetOptions};
use serde::{Serialize, de::DeserializeOwned};

/// What values are stored as.
pub(crate) const JSON: &str = "application/json";

/// A store of the configuration: a table `[state.NAME]`.
#[derive(Clone, Copy, Debug)]
pub struct Store<'a> {
    pub(crate) name: &'a str,
}

impl<'a> Store<'a> {
    /// The store of this name. Whether there is one shows at the first call.
    #[must_use]
    pub const fn new(name: &'a str) -> Self {
        Self { name }
    }

    /// The value under a key. None if there is none.
    ///
    /// # Errors
    ///
    /// Those of `get`, and [`Error::Value`].
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        Ok(self.item(key)?.map(|item| item.value))
    }

    /// The item under a key, with its etag. None if there is none.
    ///
    /// # Errors
    ///
    /// Those of `get`, and [`Error::Value`].
    pub fn item<T: DeserializeOwned>(&self, key: &str) -> Result<Option<Item<T>>, Error> {
        self.item_with(key, GetOptions::new())
    }

    /// The same with options.
    ///
    /// # Errors
    ///
    /// Those of `get`, and [`Error::Value`].
    pub fn item_with<T: DeserializeOwned>(&self, key: &str, options: GetOptions) -> Result<Option<Item<T>>, Error> {
        self.bytes_with(key, options)?.map(|item| item.parsed(key)).transpose()
    }

    /// The bytes under a key, as they were set. None if there is none.
    ///
    /// # Errors
    ///
    /// Those of `get`.
    pub fn bytes(&self, key: &str) -> Result<Option<Item<Vec<u8>>>, Error> {
        self.bytes_with(key, GetOptions::new())
    }

    /// The same with options.
    ///
    /// # Errors
    ///
    /// Those of `get`.
    pub fn bytes_with(&self, key: &str, options: GetOptions) -> Result<Option<Item<Vec<u8>>>, Error> {
        let entry = host::get(self.name, key, Some(&options.into()))?;
        Ok(entry.map(Item::of))
    }

    /// Writes a value, without condition and for good.
    ///
    /// # Errors
    ///
    /// Those of `set`, and [`Error::Value`].
    pub fn set<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<(), Error> {
        self.set_with(key, value, SetOptions::new())
    }

    /// Writes a value as the options say.
    ///
    /// # Errors
    ///
    /// Those of `set`, and [`Error::Value`].
    pub fn set_with<T: Serialize + ?Sized>(&self, key: &str, value: &T, options: SetOptions) -> Result<(), Error> {
        self.set_bytes(key, &json(key, value)?, options.or_content_type(JSON))
    }

    /// Writes bytes as they are.
    ///
    /// # Errors
    ///
    /// Those of `set`.
    pub fn set_bytes(&self, key: &str, value: &[u8], options: SetOptions) -> Result<(), Error> {
        Ok(host::set(self.name, key, value, Some(&options.into()))?)
    }

    /// Removes what is under a key. That nothing was there is no error.
    ///
    /// # Errors
    ///
    /// Those of `delete`.
    pub fn delete(&self, key: &str) -> Result<(), Error> {
        self.delete_with(key, DeleteOptions::new())
    }

    /// Removes what is under a key as the options say. With an etag, that nothing was there is [`Error::EtagMismatch`].
    ///
    /// # Errors
    ///
    /// Those of `delete`.
    pub fn delete_with(&self, key: &str, options: DeleteOptions) -> Result<(), Error> {
        Ok(host::delete(self.name, key, Some(&options.into()))?)
    }
}

pub(crate) fn json<T: Serialize + ?Sized>(key: &str, value: &T) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|source| Error::Value {
        key: key.to_owned(),
        source,
    })
}
