//! Keys by prefix, a page at a time.

use crate::bindings::dapr::state::{store as host, types};
use crate::{Error, Store};

/// Which page of a listing.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ListOptions {
    limit: Option<u32>,
    cursor: Option<String>,
}

impl ListOptions {
    /// The first page, of 100 keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keys a page, 1 to 1000.
    pub fn limit(self, limit: u32) -> Self {
        Self {
            limit: Some(limit),
            ..self
        }
    }

    /// What the page before gave. `None`, as without: the first one.
    pub fn cursor(self, cursor: impl Into<Option<String>>) -> Self {
        Self {
            cursor: cursor.into(),
            ..self
        }
    }
}

/// One page of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyPage {
    /// Keys in no particular order. A key may be on two pages while others write.
    pub keys: Vec<String>,
    /// What gets the next page. None: this was the last one.
    pub cursor: Option<String>,
}

impl From<ListOptions> for types::ListOptions {
    fn from(ListOptions { limit, cursor }: ListOptions) -> Self {
        Self { limit, cursor }
    }
}

impl From<types::KeyPage> for KeyPage {
    fn from(types::KeyPage { keys, cursor }: types::KeyPage) -> Self {
        Self { keys, cursor }
    }
}

impl Store<'_> {
    /// A page of the app's keys that start with a prefix.
    ///
    /// # Errors
    ///
    /// Those of `list-keys`.
    pub fn keys(&self, prefix: &str, options: ListOptions) -> Result<KeyPage, Error> {
        Ok(host::list_keys(self.name, prefix, Some(&options.into()))?.into())
    }

    /// All of the app's keys that start with a prefix, asked for page by page. An error is the last that comes.
    pub fn all_keys(&self, prefix: &str) -> impl Iterator<Item = Result<String, Error>> {
        let mut next = Some(ListOptions::new());
        let pages = std::iter::from_fn(move || {
            let page = self.keys(prefix, next.take()?);
            if let Ok(KeyPage {
                cursor: Some(cursor), ..
            }) = &page
            {
                next = Some(ListOptions::new().cursor(cursor.clone()));
            }
            Some(page)
        });
        pages.flat_map(|page| match page {
            Ok(page) => page.keys.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        })
    }
}
