//! A state store for `type = "wasm"` that keeps its items on a Redis server, as daprd's `state.redis` lays them out.
//!
//! It has all that a store can have: etags, transactions, TTL and listing. This file is the only one that the host calls;
//! what goes over the wire is in `layout` and `resp`, which know neither the host nor the network.
//!
//! One command at a time: what waits for the server in the meantime is this instance, and the host has several.

mod connection;
mod layout;
mod listing;
mod resp;
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
use settings::Settings;
use std::cell::RefCell;
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
        // It connects at once: a host that starts without its server would only tell the first app of it.
        STORE.replace(Some(Store::open(settings)?));
        Ok(Declaration {
            features: Features::all(),
            instances: Instances::Several,
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
        with_store(|store| store.get(&key))
    }

    fn bulk_get(
        _caller: Caller,
        keys: Vec<String>,
        _options: GetOptions,
        max_bytes: u32,
    ) -> Result<Vec<Option<Entry>>, Error> {
        with_store(|store| store.bulk_get(&keys, max_bytes))
    }

    fn set(_caller: Caller, item: SetItem) -> Result<(), Error> {
        with_store(|store| store.transact(&[Operation::Set(item)]))
    }

    fn bulk_set(_caller: Caller, items: Vec<SetItem>) -> Result<Vec<Result<(), Error>>, Error> {
        let operations: Vec<_> = items.into_iter().map(Operation::Set).collect();
        with_store(|store| store.each(&operations))
    }

    fn delete(_caller: Caller, item: DeleteItem) -> Result<(), Error> {
        with_store(|store| store.transact(&[Operation::Delete(item)]))
    }

    fn bulk_delete(_caller: Caller, items: Vec<DeleteItem>) -> Result<Vec<Result<(), Error>>, Error> {
        let operations: Vec<_> = items.into_iter().map(Operation::Delete).collect();
        with_store(|store| store.each(&operations))
    }

    fn transact(_caller: Caller, operations: Vec<Operation>, _metadata: Metadata) -> Result<(), Error> {
        with_store(|store| store.transact(&operations))
    }

    fn list_keys(_caller: Caller, listing: Listing) -> Result<Page, Error> {
        with_store(|store| store.list(&listing))
    }
}

/// Does something with the store.
fn with_store<T>(act: impl FnOnce(&mut Store) -> Result<T, Error>) -> Result<T, Error> {
    STORE.with_borrow_mut(|store| match store {
        Some(store) => act(store),
        None => Err(Error::Internal("called before `init`".to_owned())),
    })
}
