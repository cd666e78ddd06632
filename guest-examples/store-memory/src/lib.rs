//! A state store for `type = "wasm"` that keeps its items in the memory of its one instance.
//!
//! It has all that a store can have: etags, transactions, TTL and listing. This file is the only one that the host calls;
//! the store behind it knows neither the host nor the clock, so that it can be tested anywhere.
//!
//! Does not survive its instance: when that has trapped or ran out of time, the host makes another, and it is empty.

mod etags;
mod expiry;
mod items;
mod listing;
mod now;
mod settings;
mod store;

/// The contract, generated from the host's WIT.
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "dapr:host/state-store", generate_all });
}

use bindings::exports::dapr::state::provider::{
    Caller, Configuration, Declaration, DeleteItem, Entry, Error, Features, GetOptions, Guest, Instances, Limits,
    Listing, Metadata, Operation, Page, SetItem,
};
use now::Now;
use settings::Settings;
use std::{
    cell::RefCell,
    hash::{BuildHasher, RandomState},
    time::SystemTime,
};
use store::Store;

thread_local! {
    /// None before `init`. An instance has one thread and is called once at a time, so nobody ever waits for it.
    static STORE: RefCell<Option<Store>> = const { RefCell::new(None) };
}

struct Provider;

bindings::export!(Provider with_types_in bindings);

impl Guest for Provider {
    fn init(configuration: Configuration) -> Result<Declaration, Error> {
        let settings = Settings::read(&configuration.metadata)?;
        // The time beside the random number, because a host may have the same random numbers in each instance.
        let run = RandomState::new().hash_one(SystemTime::now());
        STORE.replace(Some(Store::new(&settings, run)));
        Ok(Declaration {
            features: Features::all(),
            instances: Instances::One,
            limits: Limits {
                key: None,
                value: None,
                items: None,
                operations: None,
                batch: None,
            },
        })
    }

    fn get(_caller: Caller, key: String, _options: GetOptions) -> Result<Option<Entry>, Error> {
        with_store(|store| Ok(store.get(&key, &Now::default())))
    }

    fn bulk_get(
        _caller: Caller,
        keys: Vec<String>,
        _options: GetOptions,
        max_bytes: u32,
    ) -> Result<Vec<Option<Entry>>, Error> {
        with_store(|store| store.bulk_get(&keys, max_bytes, &Now::default()))
    }

    fn set(_caller: Caller, item: SetItem) -> Result<(), Error> {
        with_store(|store| store.apply(vec![Operation::Set(item)], &Now::default()))
    }

    fn bulk_set(_caller: Caller, items: Vec<SetItem>) -> Result<Vec<Result<(), Error>>, Error> {
        each_alone(items.into_iter().map(Operation::Set))
    }

    fn delete(_caller: Caller, item: DeleteItem) -> Result<(), Error> {
        with_store(|store| store.apply(vec![Operation::Delete(item)], &Now::default()))
    }

    fn bulk_delete(_caller: Caller, items: Vec<DeleteItem>) -> Result<Vec<Result<(), Error>>, Error> {
        each_alone(items.into_iter().map(Operation::Delete))
    }

    fn transact(_caller: Caller, operations: Vec<Operation>, _metadata: Metadata) -> Result<(), Error> {
        with_store(|store| store.apply(operations, &Now::default()))
    }

    fn list_keys(_caller: Caller, listing: Listing) -> Result<Page, Error> {
        with_store(|store| store.list(&listing, &Now::default()))
    }
}

/// Does something with the store.
fn with_store<T>(act: impl FnOnce(&mut Store) -> Result<T, Error>) -> Result<T, Error> {
    STORE.with_borrow_mut(|store| match store {
        Some(store) => act(store),
        None => Err(Error::Internal("called before `init`".to_owned())),
    })
}

/// Does each operation on its own: one that fails does not stop the others.
fn each_alone(operations: impl Iterator<Item = Operation>) -> Result<Vec<Result<(), Error>>, Error> {
    with_store(|store| {
        Ok(operations
            .map(|operation| store.apply(vec![operation], &Now::default()))
            .collect())
    })
}
