//! The etag loop: reads, changes, and writes on the condition that nobody wrote in between.

use crate::{Error, Item, SetOptions, Store};
use serde::{Serialize, de::DeserializeOwned};

/// How often an update starts again because others were faster. Each round lets at least one of them through, so that this
/// many must collide before one is refused.
pub(crate) const TRIES: usize = 64;

impl Store<'_> {
    /// Reads a value, has it changed, and writes it on the condition that nobody wrote in between; if somebody did, all over
    /// again. So `change` may be called several times, and should do nothing but say what the value becomes. Its error ends the
    /// update, and nothing is written.
    ///
    /// Answers what was written, which does not end.
    ///
    /// # Errors
    ///
    /// Those of `change`, of `get` and of `set`. [`Error::EtagMismatch`] is that others were faster each time.
    pub fn update<T, E>(&self, key: &str, mut change: impl FnMut(Option<T>) -> Result<T, E>) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned,
        E: From<Error>,
    {
        self.update_with(key, |value| Ok((change(value)?, SetOptions::new())))
    }

    /// The same with options, which `change` answers beside the value. Their condition is the loop's own.
    ///
    /// # Errors
    ///
    /// Those of `change`, of `get` and of `set`. [`Error::EtagMismatch`] is that others were faster each time.
    pub fn update_with<T, E>(
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
            let item = self.item(key)?;
            let condition = Condition::of(item.as_ref(), self.name)?;
            let (value, options) = change(item.map(|item| item.value))?;
            let options = condition.of_write(options);
            match self.set_with(key, &value, options) {
                Ok(()) => return Ok(value),
                Err(Error::EtagMismatch(_)) if tries < TRIES => tries += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// What must be true of an item for nobody to have written in between.
pub(crate) enum Condition {
    Absent,
    Matches(String),
}

impl Condition {
    /// By the item that was read from the store of this name.
    pub(crate) fn of<T>(item: Option<&Item<T>>, store: &str) -> Result<Self, Error> {
        match item.map(|item| item.etag.clone()) {
            None => Ok(Self::Absent),
            Some(Some(etag)) => Ok(Self::Matches(etag)),
            Some(None) => Err(Error::Unsupported(format!("the store `{store}` has no etags"))),
        }
    }

    pub(crate) fn of_write(self, options: SetOptions) -> SetOptions {
        match self {
            Self::Absent => options.if_absent(),
            Self::Matches(etag) => options.if_match(etag),
        }
    }
}
