//! `wasi:keyvalue` in the two drafts that components are built for, both on [`Bucket`].
//!
//! | draft | a cursor is | atomics |
//! |---|---|---|
//! | `0.2.0-draft` | a number, which is that of a cursor that this bucket gave out | `increment` of `u64` |
//! | `0.2.0-draft2` | a text | `increment` of `s64`, and `cas` |

use dapr_blocks::state::{AppStores, Bucket, Cursor, KeyPage, StateError};
use std::sync::Arc;
use wasmtime::component::{HasData, Resource, ResourceTable};

mod draft;
mod draft2;

pub(crate) use draft::add_to_linker as add_draft_to_linker;
pub(crate) use draft2::add_to_linker as add_draft2_to_linker;

/// What keys and values need of an instance.
pub(crate) struct KeyValue<'a> {
    pub(crate) stores: &'a Arc<AppStores>,
    pub(crate) table: &'a mut ResourceTable,
}

struct HasKeyValue;

impl HasData for HasKeyValue {
    type Data<'a> = KeyValue<'a>;
}

/// A bucket, as an instance has it open.
#[allow(unreachable_pub, reason = "what is generated re-exports it")]
pub struct Open {
    bucket: Bucket,
    /// Those that were given out as numbers.
    cursors: Vec<Cursor>,
}

/// Cursors that a bucket gives out as numbers: a million keys.
const CURSORS: usize = 1000;

/// What a guest hears. Both drafts have the same cases.
enum Fault {
    NoSuchStore,
    AccessDenied,
    Other(String),
}

impl From<StateError> for Fault {
    fn from(error: StateError) -> Self {
        match error {
            StateError::NoSuchStore(_) | StateError::NotConfigured => Self::NoSuchStore,
            StateError::Denied { .. } => Self::AccessDenied,
            // The cases that it has no word for are told by their names, so that whoever reads it finds them.
            error => Self::Other(format!("{}: {error}", error.case())),
        }
    }
}

/// How a draft writes cursors.
trait Page: Sized {
    fn taken(self, open: &Open) -> Result<Cursor, Fault>;
    fn given(cursor: Cursor, open: &mut Open) -> Result<Self, Fault>;
}

impl Page for u64 {
    fn taken(self, open: &Open) -> Result<Cursor, Fault> {
        let cursor = usize::try_from(self).ok().and_then(|index| open.cursors.get(index));
        let unknown = || Fault::Other("invalid: a cursor is good for the bucket that gave it out".to_owned());
        cursor.cloned().ok_or_else(unknown)
    }

    fn given(cursor: Cursor, open: &mut Open) -> Result<Self, Fault> {
        if open.cursors.len() >= CURSORS {
            return Err(Fault::Other(format!(
                "too-large: a bucket gives out {CURSORS} cursors at most"
            )));
        }
        open.cursors.push(cursor);
        Ok(open.cursors.len() as u64 - 1)
    }
}

impl Page for String {
    fn taken(self, _: &Open) -> Result<Cursor, Fault> {
        Ok(Cursor::new(self))
    }

    fn given(cursor: Cursor, _: &mut Open) -> Result<Self, Fault> {
        Ok(cursor.into_string())
    }
}

impl KeyValue<'_> {
    fn opened(&mut self, name: &str) -> wasmtime::Result<Result<Resource<Open>, Fault>> {
        Ok(match self.stores.bucket(name) {
            Ok(bucket) => Ok(self.table.push(Open {
                bucket,
                cursors: Vec::new(),
            })?),
            Err(error) => Err(error.into()),
        })
    }

    fn bucket(&self, handle: &Resource<Open>) -> wasmtime::Result<&Bucket> {
        Ok(&self.table.get(handle)?.bucket)
    }

    async fn page<C: Page>(
        &mut self,
        handle: &Resource<Open>,
        cursor: Option<C>,
    ) -> wasmtime::Result<Result<(Vec<String>, Option<C>), Fault>> {
        let open = self.table.get_mut(handle)?;
        let cursor = match cursor.map(|cursor| cursor.taken(open)).transpose() {
            Ok(cursor) => cursor,
            Err(fault) => return Ok(Err(fault)),
        };
        let KeyPage { keys, cursor } = match open.bucket.list_keys(cursor.as_ref()).await {
            Ok(page) => page,
            Err(error) => return Ok(Err(error.into())),
        };
        let next = cursor.map(|cursor| C::given(cursor, open)).transpose();
        Ok(next.map(|next| (keys, next)))
    }
}

/// What is alike in both drafts, on the bindings of one.
macro_rules! serve {
    ($bindings:ident, cursor: $cursor:ty) => {
        use super::{Fault, HasKeyValue, KeyValue, Open};
        use dapr_blocks::state::StateError;
        use wasmtime::component::{Linker, Resource};
        use $bindings::wasi::keyvalue::{atomics, batch, store};

        type Answer<T> = wasmtime::Result<Result<T, store::Error>>;

        fn answer<T, E: Into<store::Error>>(done: Result<T, E>) -> Answer<T> {
            Ok(done.map_err(Into::into))
        }

        /// Lets an app import this draft.
        pub(crate) fn add_to_linker<T: Send + 'static>(
            linker: &mut Linker<T>,
            view: fn(&mut T) -> KeyValue<'_>,
        ) -> wasmtime::Result<()> {
            store::add_to_linker::<T, HasKeyValue>(linker, view)?;
            atomics::add_to_linker::<T, HasKeyValue>(linker, view)?;
            batch::add_to_linker::<T, HasKeyValue>(linker, view)
        }

        impl From<Fault> for store::Error {
            fn from(fault: Fault) -> Self {
                match fault {
                    Fault::NoSuchStore => Self::NoSuchStore,
                    Fault::AccessDenied => Self::AccessDenied,
                    Fault::Other(text) => Self::Other(text),
                }
            }
        }

        impl From<StateError> for store::Error {
            fn from(error: StateError) -> Self {
                Fault::from(error).into()
            }
        }

        impl store::Host for KeyValue<'_> {
            async fn open(&mut self, identifier: String) -> Answer<Resource<Open>> {
                answer(self.opened(&identifier)?)
            }
        }

        impl store::HostBucket for KeyValue<'_> {
            async fn get(&mut self, bucket: Resource<Open>, key: String) -> Answer<Option<Vec<u8>>> {
                answer(self.bucket(&bucket)?.get(&key).await)
            }

            async fn set(&mut self, bucket: Resource<Open>, key: String, value: Vec<u8>) -> Answer<()> {
                answer(self.bucket(&bucket)?.set(key, value).await)
            }

            async fn delete(&mut self, bucket: Resource<Open>, key: String) -> Answer<()> {
                answer(self.bucket(&bucket)?.delete(key).await)
            }

            async fn exists(&mut self, bucket: Resource<Open>, key: String) -> Answer<bool> {
                answer(self.bucket(&bucket)?.get(&key).await.map(|value| value.is_some()))
            }

            async fn list_keys(
                &mut self,
                bucket: Resource<Open>,
                cursor: Option<$cursor>,
            ) -> Answer<store::KeyResponse> {
                let page = self.page(&bucket, cursor).await?;
                answer(page.map(|(keys, cursor)| store::KeyResponse { keys, cursor }))
            }

            async fn drop(&mut self, bucket: Resource<Open>) -> wasmtime::Result<()> {
                self.table.delete(bucket)?;
                Ok(())
            }
        }

        impl batch::Host for KeyValue<'_> {
            async fn get_many(
                &mut self,
                bucket: Resource<Open>,
                keys: Vec<String>,
            ) -> Answer<Vec<Option<(String, Vec<u8>)>>> {
                let found = self.bucket(&bucket)?.get_many(&keys).await;
                answer(found.map(|values| {
                    let items = keys.into_iter().zip(values);
                    items.map(|(key, value)| Some((key, value?))).collect::<Vec<_>>()
                }))
            }

            async fn set_many(&mut self, bucket: Resource<Open>, items: Vec<(String, Vec<u8>)>) -> Answer<()> {
                answer(self.bucket(&bucket)?.set_many(items).await)
            }

            async fn delete_many(&mut self, bucket: Resource<Open>, keys: Vec<String>) -> Answer<()> {
                answer(self.bucket(&bucket)?.delete_many(keys).await)
            }
        }
    };
}
use serve;
