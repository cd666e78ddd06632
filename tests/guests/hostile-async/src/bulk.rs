//! `/bulk-get/STORE/KEY,KEY`, and the same with `bulk-set` and `bulk-delete`: what the store answers, as Rust writes it.

use crate::bindings::dapr::state::{
    store_async as store,
    types::{BulkError, DeleteItem, Entry, Error, SetItem},
};

/// The answer to a request for a path.
pub async fn answer(target: &str) -> String {
    let mut parts = target.splitn(4, '/').skip(1).map(str::to_owned);
    let (Some(call), Some(name), Some(keys)) = (parts.next(), parts.next(), parts.next()) else {
        return "name a store and keys".to_owned();
    };
    let keys: Vec<_> = keys.split(',').map(str::to_owned).collect();
    match call.as_str() {
        "bulk-get" => found(store::bulk_get(name, keys, None).await),
        "bulk-set" => {
            let item = |key| SetItem {
                key,
                value: b"value".to_vec(),
                options: None,
            };
            done(store::bulk_set(name, keys.into_iter().map(item).collect()).await)
        }
        _ => {
            let item = |key| DeleteItem { key, options: None };
            done(store::bulk_delete(name, keys.into_iter().map(item).collect()).await)
        }
    }
}

fn found(found: Result<Vec<Option<Entry>>, Error>) -> String {
    match found {
        Ok(entries) => format!("{} entries", entries.len()),
        Err(error) => format!("{error:?}"),
    }
}

fn done(done: Result<(), BulkError>) -> String {
    match done {
        Ok(()) => "done".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}
