//! Todos, and how they lie in the state store: one item each, `todo/ID` or `archive/ID`, so that two people can change two
//! todos at once, and a prefix lists them.

use crate::bindings::dapr::state::{
    store,
    types::{Condition, DeleteItem, DeleteOptions, Entry, Error, KeyPage, ListOptions, Operation, SetItem, SetOptions},
};
use crate::failure::Failure;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, num::NonZeroU32, time::SystemTime};

/// The key prefix of the todos.
pub const TODOS: &str = "todo/";

/// The key prefix of those that were done and put away.
pub const ARCHIVE: &str = "archive/";

const STORE: &str = "statestore";

/// How often a change starts again because somebody else was faster.
const TRIES: usize = 10;

/// Archived todos go away after 30 days.
const ARCHIVE_TTL: u32 = 30 * 24 * 60 * 60;

/// A transaction takes 1000 operations, and to archive a todo is two of them.
const ARCHIVED_AT_ONCE: usize = 500;

/// Longest title. A page of a listing is read at once, and must fit into the 8 MiB that a bulk read answers.
const TITLE: usize = 1024;

/// What is stored.
#[derive(Serialize, Deserialize)]
struct Record {
    title: String,
    done: bool,
}

/// What is answered.
#[derive(Serialize)]
pub struct Todo {
    pub id: String,
    #[serde(flatten)]
    record: Record,
    /// In seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
}

/// Some of the todos, and the cursor that gets the next ones.
#[derive(Serialize)]
pub struct Page {
    todos: Vec<Todo>,
    cursor: Option<String>,
}

/// A todo to be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct New {
    title: String,
    /// Seconds until it goes away by itself.
    ttl: Option<NonZeroU32>,
}

/// What to change in a todo.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    title: Option<String>,
    done: Option<bool>,
}

pub fn create(new: New) -> Result<Todo, Failure> {
    let record = Record {
        title: checked(new.title)?,
        done: false,
    };
    // From WASI's random source: a fresh instance answers each request, so that a counter or a seed of the app's own would
    // start at the same place every time.
    let mut random = [0; 16];
    wstd::rand::get_random_bytes(&mut random);
    let id = format!("{:032x}", u128::from_le_bytes(random));
    let options = options(Condition::Absent, new.ttl.map(NonZeroU32::get));
    store::set(STORE, &format!("{TODOS}{id}"), &record.to_bytes(), Some(&options))?;
    find(&id)
}

pub fn find(id: &str) -> Result<Todo, Failure> {
    let entry = store::get(STORE, &format!("{TODOS}{id}"), None)?.ok_or(Failure::NotFound)?;
    todo(id.to_owned(), &entry)
}

/// Reads, changes and writes on the condition that nobody wrote in between, so that no change is lost.
pub fn change(id: &str, change: &Change) -> Result<Todo, Failure> {
    let key = format!("{TODOS}{id}");
    for _ in 0..TRIES {
        let entry = store::get(STORE, &key, None)?.ok_or(Failure::NotFound)?;
        let mut todo = todo(id.to_owned(), &entry)?;
        if let Some(title) = &change.title {
            todo.record.title = checked(title.clone())?;
        }
        todo.record.done = change.done.unwrap_or(todo.record.done);
        // A write without TTL would make the item live for ever, so that what is left of it has to be said again.
        let ttl = entry.expires_at.map(remaining).transpose()?;
        let condition = Condition::Matches(etag(&entry)?);
        match store::set(STORE, &key, &todo.record.to_bytes(), Some(&options(condition, ttl))) {
            Ok(()) => return Ok(todo),
            Err(Error::EtagMismatch(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::Busy)
}

pub fn remove(id: &str) -> Result<(), Failure> {
    Ok(store::delete(STORE, &format!("{TODOS}{id}"), None)?)
}

/// The todos under a prefix, a page at a time, in the order that the store has them.
pub fn page(prefix: &str, cursor: Option<String>) -> Result<Page, Failure> {
    let listing = listing(prefix, cursor)?;
    let todos = listing
        .entries
        .into_iter()
        .map(|(id, entry)| todo(id, &entry))
        .collect::<Result<_, _>>()?;
    Ok(Page {
        todos,
        cursor: listing.cursor,
    })
}

/// Moves todos that are done to the archive, all of them or none: nobody ever sees one in both places, or in neither.
/// Answers how many; there may be more to do when it is [`ARCHIVED_AT_ONCE`].
pub fn archive_done() -> Result<usize, Failure> {
    for _ in 0..TRIES {
        let operations = archiving()?;
        if operations.is_empty() {
            return Ok(0);
        }
        match store::transact(STORE, &operations, None) {
            Ok(()) => return Ok(operations.len() / 2),
            // Somebody changed one of them since it was read: see which are done now.
            Err(Error::EtagMismatch(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::Busy)
}

/// The transaction that archives what is done now.
fn archiving() -> Result<Vec<Operation>, Failure> {
    // By id, since a key may appear on two pages while others write, and only once in a transaction.
    let mut done = BTreeMap::new();
    let mut cursor = None;
    loop {
        let listing = listing(TODOS, cursor)?;
        for (id, entry) in listing.entries {
            if Record::from_bytes(&entry.value)?.done {
                done.insert(id, entry);
            }
        }
        cursor = listing.cursor;
        if cursor.is_none() || done.len() >= ARCHIVED_AT_ONCE {
            break;
        }
    }
    let mut operations = Vec::new();
    for (id, entry) in done.into_iter().take(ARCHIVED_AT_ONCE) {
        let unchanged = DeleteOptions {
            etag: Some(etag(&entry)?),
            consistency: None,
            metadata: Vec::new(),
        };
        operations.push(Operation::Delete(DeleteItem {
            key: format!("{TODOS}{id}"),
            options: Some(unchanged),
        }));
        operations.push(Operation::Set(SetItem {
            key: format!("{ARCHIVE}{id}"),
            value: entry.value,
            options: Some(options(Condition::Any, Some(ARCHIVE_TTL))),
        }));
    }
    Ok(operations)
}

/// One page of a listing: ids with what is stored under them.
struct Listing {
    entries: Vec<(String, Entry)>,
    cursor: Option<String>,
}

fn listing(prefix: &str, cursor: Option<String>) -> Result<Listing, Failure> {
    let options = ListOptions { limit: None, cursor };
    let KeyPage { keys, cursor } = store::list_keys(STORE, prefix, Some(&options))?;
    let entries = store::bulk_get(STORE, &keys, None)?;
    let id = |key: &str| key.strip_prefix(prefix).unwrap_or(key).to_owned();
    // Without those that went away since they were listed.
    let entries = keys
        .iter()
        .zip(entries)
        .filter_map(|(key, entry)| Some((id(key), entry?)))
        .collect();
    Ok(Listing { entries, cursor })
}

fn todo(id: String, entry: &Entry) -> Result<Todo, Failure> {
    Ok(Todo {
        id,
        record: Record::from_bytes(&entry.value)?,
        expires_at: entry.expires_at,
    })
}

impl Record {
    fn from_bytes(bytes: &[u8]) -> Result<Self, Failure> {
        serde_json::from_slice(bytes)
            .map_err(|error| Failure::Server(StatusCode::INTERNAL_SERVER_ERROR, format!("not a todo: {error}")))
    }

    fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("text and truth values are always valid JSON")
    }
}

fn checked(title: String) -> Result<String, Failure> {
    match title.len() {
        0 => Err(Failure::Bad("the title is empty".to_owned())),
        1..=TITLE => Ok(title),
        _ => Err(Failure::Bad(format!("the title is longer than {TITLE} bytes"))),
    }
}

fn etag(entry: &Entry) -> Result<String, Failure> {
    entry
        .etag
        .clone()
        .ok_or_else(|| Error::Unsupported("the store has no etags".to_owned()).into())
}

/// What is left of a lifetime, in seconds.
fn remaining(expires_at: u64) -> Result<u32, Failure> {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |now| now.as_secs());
    match u32::try_from(expires_at.saturating_sub(now)) {
        Ok(0) => Err(Failure::NotFound),
        Ok(seconds) => Ok(seconds),
        Err(_) => Ok(i32::MAX as u32),
    }
}

fn options(condition: Condition, ttl: Option<u32>) -> SetOptions {
    let content_type = Some("application/json".to_owned());
    SetOptions {
        condition,
        ttl,
        content_type,
        consistency: None,
        metadata: Vec::new(),
    }
}
