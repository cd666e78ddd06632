//! Todos, and how they lie in the state store: one item each, `todo/ID` or `archive/ID`, so that two people can change two
//! todos at once, and a prefix lists them.

use crate::bindings::dapr::state::{
    store,
    types::{Condition, DeleteItem, DeleteOptions, Entry, Error, KeyPage, ListOptions, Operation, SetItem, SetOptions},
};
use crate::{failure::Failure, lifetime};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, num::NonZeroU32};

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
    /// When it goes away, in seconds since 1970. The store knows it too, from a TTL that counts from the latest write; this
    /// is the end that was set once, which a change must not move.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
}

/// What is answered.
#[derive(Serialize)]
pub struct Todo {
    pub id: Id,
    #[serde(flatten)]
    record: Record,
}

/// The name of a todo: 32 hex digits.
#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(String);

impl Id {
    /// From WASI's random source: a fresh instance answers each request, so that a counter or a seed of the app's own would
    /// start at the same place every time.
    fn random() -> Self {
        let mut random = [0; 16];
        wstd::rand::get_random_bytes(&mut random);
        Self(format!("{:032x}", u128::from_le_bytes(random)))
    }

    /// What a client calls a todo. Under a name that was never given out there is nothing, so the store is not asked.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() == 32 && text.bytes().all(is_digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Failure::NotFound)
        }
    }

    fn key(&self) -> String {
        format!("{TODOS}{self}")
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
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
    let ttl = new.ttl.map(NonZeroU32::get);
    let record = Record {
        title: checked(new.title)?,
        done: false,
        expires_at: ttl.map(lifetime::end),
    };
    let id = Id::random();
    store::set(
        STORE,
        &id.key(),
        &record.to_bytes(),
        Some(&options(Condition::Absent, ttl)),
    )?;
    Ok(Todo { id, record })
}

pub fn find(id: Id) -> Result<Todo, Failure> {
    let entry = store::get(STORE, &id.key(), None)?.ok_or(Failure::NotFound)?;
    let record = Record::current(&entry)?.ok_or(Failure::NotFound)?;
    Ok(Todo { id, record })
}

/// Reads, changes and writes on the condition that nobody wrote in between, so that no change is lost.
pub fn change(id: Id, change: Change) -> Result<Todo, Failure> {
    let title = change.title.map(checked).transpose()?;
    let key = id.key();
    for _ in 0..TRIES {
        let entry = store::get(STORE, &key, None)?.ok_or(Failure::NotFound)?;
        let mut record = Record::current(&entry)?.ok_or(Failure::NotFound)?;
        if let Some(title) = &title {
            record.title.clone_from(title);
        }
        record.done = change.done.unwrap_or(record.done);
        // A write without TTL would make the item live for ever, so that what is left of it has to be said again.
        let ttl = record.expires_at.map(lifetime::remaining).transpose()?;
        let condition = Condition::Matches(etag(&entry)?);
        match store::set(STORE, &key, &record.to_bytes(), Some(&options(condition, ttl))) {
            Ok(()) => return Ok(Todo { id, record }),
            Err(Error::EtagMismatch(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::Busy)
}

pub fn remove(id: &Id) -> Result<(), Failure> {
    Ok(store::delete(STORE, &id.key(), None)?)
}

/// The todos under a prefix, a page at a time, in the order that the store has them.
pub fn page(prefix: &str, cursor: Option<String>) -> Result<Page, Failure> {
    let listing = listing(prefix, cursor)?;
    let todos = listing
        .entries
        .into_iter()
        .filter_map(|(id, entry)| {
            let record = Record::current(&entry).transpose()?;
            Some(record.map(|record| Todo { id, record }))
        })
        .collect::<Result<_, Failure>>()?;
    Ok(Page {
        todos,
        cursor: listing.cursor,
    })
}

/// Moves todos that are done to the archive, all of them or none: at any moment each is in one place. Two requests are two
/// moments, so that who lists the todos and then the archive may see one in both that was moved in between, and the other
/// way round in neither.
///
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
            if let Some(record) = Record::current(&entry)?
                && record.done
            {
                done.insert(id, (record, etag(&entry)?));
            }
        }
        cursor = listing.cursor;
        if cursor.is_none() || done.len() >= ARCHIVED_AT_ONCE {
            break;
        }
    }
    let mut operations = Vec::new();
    for (id, (record, etag)) in done.into_iter().take(ARCHIVED_AT_ONCE) {
        let unchanged = DeleteOptions {
            etag: Some(etag),
            ..Default::default()
        };
        let archived = Record {
            expires_at: Some(lifetime::end(ARCHIVE_TTL)),
            ..record
        };
        operations.push(Operation::Delete(DeleteItem {
            key: id.key(),
            options: Some(unchanged),
        }));
        operations.push(Operation::Set(SetItem {
            key: format!("{ARCHIVE}{id}"),
            value: archived.to_bytes(),
            options: Some(options(Condition::Any, Some(ARCHIVE_TTL))),
        }));
    }
    Ok(operations)
}

/// One page of a listing: ids with what is stored under them.
struct Listing {
    entries: Vec<(Id, Entry)>,
    cursor: Option<String>,
}

fn listing(prefix: &str, cursor: Option<String>) -> Result<Listing, Failure> {
    let options = ListOptions { limit: None, cursor };
    let KeyPage { keys, cursor } = store::list_keys(STORE, prefix, Some(&options))?;
    let entries = store::bulk_get(STORE, &keys, None)?;
    let id = |key: &str| Id(key.strip_prefix(prefix).unwrap_or(key).to_owned());
    // Without those that went away since they were listed.
    let entries = keys
        .iter()
        .zip(entries)
        .filter_map(|(key, entry)| Some((id(key), entry?)))
        .collect();
    Ok(Listing { entries, cursor })
}

impl Record {
    /// What is stored, unless its time is over: the store rounds up, by part of a second.
    fn current(entry: &Entry) -> Result<Option<Self>, Failure> {
        let record: Self = serde_json::from_slice(&entry.value)
            .map_err(|error| Failure::Server(StatusCode::INTERNAL_SERVER_ERROR, format!("not a todo: {error}")))?;
        let is_over = record.expires_at.is_some_and(lifetime::is_over);
        Ok((!is_over).then_some(record))
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

fn options(condition: Condition, ttl: Option<u32>) -> SetOptions {
    SetOptions {
        condition,
        ttl,
        content_type: Some("application/json".to_owned()),
        ..Default::default()
    }
}
