//! The etag loop: reads, changes, and writes on the condition that nobody wrote in between.

use crate::{Error, SetOptions, Store};
use serde::{Serialize, de::DeserializeOwned};

/// How often an update starts again because others were faster. Each round lets at least one of them through, so that this
/// many must collide before one is refused.
const TRIES: usize = 64;

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
            let (value, etag) = match self.item(key)? {
                Some(item) => (Some(item.value), Some(item.etag)),
                None => (None, None),
            };
            let (value, options) = change(value)?;
            let options = match etag {
                None => options.if_absent(),
                Some(Some(etag)) => options.if_match(etag),
                Some(None) => {
                    let text = format!("the store `{}` has no etags", self.name);
                    return Err(Error::Unsupported(text).into());
                }
            };
            match self.set_with(key, &value, options) {
                Ok(()) => return Ok(value),
                Err(Error::EtagMismatch(_)) if tries < TRIES => tries += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }
}
