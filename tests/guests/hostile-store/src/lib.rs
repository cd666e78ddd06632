//! A state store that misbehaves on command, and is one with all features where it is not told to. What a host should make
//! of it is in the tests that ask.
//!
//! The command is what stands behind the last `||` of a key, or of the prefix of a listing. Any other text is a key.
//!
//! | on any call | does |
//! |---|---|
//! | `trap`, `panic`, `exit` | ends the instance |
//! | `loop`, `recurse` | computes for ever; calls itself for ever |
//! | `hang`, `slow-MILLISECONDS` | waits for ever, or so long, and then goes on as if it were a key |
//! | `grow` | takes all memory that there is, writes to it, gives it back to its own allocator, and goes on |
//! | `handles` | makes pollables and never drops them |
//! | `print`, `say` | prints without end; prints two lines, one of which would colour a terminal |
//! | `fail`, `deny`, `throttle`, `unavailable`, `outcome-unknown`, `internal`, `too-large`, `mismatch`, `unsaid` | answers the error; `fail` is `invalid`, `mismatch` names the key, `unsaid` names none |
//! | `mismatch-other` | answers `etag-mismatch` on another app's key |
//! | `error-long`, `error-utf8` | answers `unavailable` with 1 MiB of control characters, or with what is no UTF-8 |
//!
//! | on a write | does |
//! |---|---|
//! | `set-then-trap`, `set-then-hang` | does it first |
//! | `extra`, `short` among the keys of a bulk call, reads too | answers one result too many or too few |
//!
//! | on a read | answers, whether the key is there or not |
//! |---|---|
//! | `huge`, `large-value` | a value of 64 MiB, of 5 MiB |
//! | `invalid-utf8`, `invalid-utf8-type` | an etag or content type that is no UTF-8 |
//! | `etag-none`, `etag-empty`, `etag-long`, `etag-same` | no etag, an empty one, one of 1 MiB, the same whatever the value |
//! | `content-type-bad`, `content-type-long` | a newline in it, 1 MiB of it |
//! | `metadata-bad`, `metadata-twice`, `metadata-many`, `metadata-flood` | `ttlExpireTime`, a name twice, 1000 names, 1.5 million |
//! | `expires-past`, `expires-far` | an end in 1970, or at the last second of 64 bits |
//! | `caller`, `instance` | the app id, a number that each instance has for itself |
//! | `files`, `environment`, `dial-HOST:PORT`, `send-HOST:PORT` (UDP), `listen` | what came of reaching for it |
//! | `certificates` | what lies beside the file that `SSL_CERT_FILE` names, its first line, and what came of writing there |
//! | `hoard-HOST:PORT` | how many connections it got at once, at most 1000, and why no more |
//!
//! | a prefix that ends in | answers |
//! |---|---|
//! | `many`, `flood` | a key more than the limit, 3 million |
//! | `foreign`, `beyond` | another app's key, or a `next` made of it |
//! | `endless` | no key and the same `next` for ever |
//! | `next-long` | a `next` of 1 MiB |
//!
//! | metadata | does |
//! |---|---|
//! | `init` | one of the commands for any call, in `init` |
//! | `each` | the same, in each call and whatever its key; what begins with `quote ` is quoted in an error |
//! | `server` | a server that it connects to in `init` |
//! | `features` | `all`, `none` |
//! | `instances` | `one`, `several`, though each has items of its own |
//! | `key-limit`, `value-limit`, `items-limit`, `operations-limit`, `batch-limit` | the limit, or `random`: another in each instance |
//!
//! Does not grow its tables: stable Rust has no instruction for that.

#[path = "../../shared/network.rs"]
mod network;

mod call;
mod declare;
mod exhaust;
mod items;
mod list;
mod reach;
mod read;
mod speak;

mod bindings {
    wit_bindgen::generate!({ path: "../../../wit", world: "dapr:host/state-store", generate_all });
}

use bindings::exports::dapr::state::provider::{
    Caller, Configuration, Declaration, DeleteItem, Entry, Error, GetOptions, Guest, Listing, Metadata, Operation,
    Page, SetItem,
};

struct Hostile;

bindings::export!(Hostile with_types_in bindings);

impl Guest for Hostile {
    fn init(configuration: Configuration) -> Result<Declaration, Error> {
        declare::declaration(&configuration.metadata)
    }

    fn get(caller: Caller, key: String, _options: GetOptions) -> Result<Option<Entry>, Error> {
        read::entry(&caller, &key)
    }

    fn bulk_get(
        caller: Caller,
        keys: Vec<String>,
        _options: GetOptions,
        _max_bytes: u32,
    ) -> Result<Vec<Option<Entry>>, Error> {
        let found = keys.iter().map(|key| read::entry(&caller, key));
        Ok(call::miscounted(found.collect::<Result<_, _>>()?, &keys, || None))
    }

    fn set(_caller: Caller, item: SetItem) -> Result<(), Error> {
        write(vec![Operation::Set(item)])
    }

    fn bulk_set(_caller: Caller, items: Vec<SetItem>) -> Result<Vec<Result<(), Error>>, Error> {
        let keys: Vec<_> = items.iter().map(|item| item.key.clone()).collect();
        let done = items.into_iter().map(|item| write(vec![Operation::Set(item)]));
        Ok(call::miscounted(done.collect(), &keys, || Ok(())))
    }

    fn delete(_caller: Caller, item: DeleteItem) -> Result<(), Error> {
        write(vec![Operation::Delete(item)])
    }

    fn bulk_delete(_caller: Caller, items: Vec<DeleteItem>) -> Result<Vec<Result<(), Error>>, Error> {
        let keys: Vec<_> = items.iter().map(|item| item.key.clone()).collect();
        let done = items.into_iter().map(|item| write(vec![Operation::Delete(item)]));
        Ok(call::miscounted(done.collect(), &keys, || Ok(())))
    }

    fn transact(_caller: Caller, operations: Vec<Operation>, _metadata: Metadata) -> Result<(), Error> {
        write(operations)
    }

    fn list_keys(_caller: Caller, listing: Listing) -> Result<Page, Error> {
        list::page(&listing)
    }
}

fn write(operations: Vec<Operation>) -> Result<(), Error> {
    let keys: Vec<_> = operations
        .iter()
        .map(|operation| items::key(operation).to_owned())
        .collect();
    for key in &keys {
        call::begin(key)?;
    }
    items::apply(operations)?;
    for key in &keys {
        match call::command(key) {
            "set-then-trap" => core::arch::wasm32::unreachable(),
            "set-then-hang" => exhaust::patience(),
            _ => {}
        }
    }
    Ok(())
}
