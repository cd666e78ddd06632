//! Todos, and how they lie in the state store: one item each, `todo/ID` or `archive/ID`, so that two people can change two
//! todos at once, and a prefix lists them.

use crate::{failure::Failure, lifetime};
use dapr_wasm_sdk::{DeleteOptions, Error, Item, ListOptions, Operation, SetOptions, Store};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, num::NonZeroU32};

/// The key prefix of the todos.
pub const TODOS: &str = "todo/";

/// The key prefix of those that were done and put away.
pub const ARCHIVE: &str = "archive/";

const STORE: Store<'static> = Store::new("statestore");

/// How often archiving starts again because somebody changed a todo meanwhile.
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
    STORE.set_with(&id.key(), &record, SetOptions::new().ttl(ttl).if_absent())?;
    Ok(Todo { id, record })
}

pub fn find(id: Id) -> Result<Todo, Failure> {
    let record = current(STORE.get(&id.key())?)?;
    Ok(Todo { id, record })
}

/// No change is lost: it is written on the condition that nobody wrote in between.
pub fn change(id: Id, change: Change) -> Result<Todo, Failure> {
    let title = change.title.map(checked).transpose()?;
    let record = STORE.update_with(&id.key(), |record| {
        let mut record = current(record)?;
        if let Some(title) = &title {
            record.title.clone_from(title);
        }
        record.done = change.done.unwrap_or(record.done);
        // A write without TTL would make the item live for ever, so that what is left of it has to be said again.
        let ttl = record.expires_at.map(lifetime::remaining).transpose()?;
        Ok::<_, Failure>((record, SetOptions::new().ttl(ttl)))
    })?;
    Ok(Todo { id, record })
}

pub fn remove(id: &Id) -> Result<(), Failure> {
    Ok(STORE.delete(&id.key())?)
}

/// The todos under a prefix, a page at a time, in the order that the store has them.
pub fn page(prefix: &str, cursor: Option<String>) -> Result<Page, Failure> {
    let Listing { items, cursor } = listing(prefix, cursor)?;
    let todo = |(id, item): (Id, Item<Record>)| Todo { id, record: item.value };
    Ok(Page {
        todos: items.into_iter().map(todo).collect(),
        cursor,
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
        let count = operations.len() / 2;
        match STORE.transact(operations) {
            Ok(()) => return Ok(count),
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
        let is_done = |(_, item): &(Id, Item<Record>)| item.value.done;
        done.extend(listing.items.into_iter().filter(is_done));
        cursor = listing.cursor;
        if cursor.is_none() || done.len() >= ARCHIVED_AT_ONCE {
            break;
        }
    }
    let mut operations = Vec::new();
    for (id, item) in done.into_iter().take(ARCHIVED_AT_ONCE) {
        let etag = item
            .etag
            .ok_or_else(|| Error::Unsupported("the store has no etags".to_owned()))?;
        let archived = Record {
            expires_at: Some(lifetime::end(ARCHIVE_TTL)),
            ..item.value
        };
        let lasting = SetOptions::new().ttl(ARCHIVE_TTL);
        operations.push(Operation::delete(id.key(), DeleteOptions::new().if_match(etag)));
        operations.push(Operation::set(format!("{ARCHIVE}{id}"), &archived, lasting)?);
    }
    Ok(operations)
}

/// One page of a listing, without those that went away since they were listed.
struct Listing {
    items: Vec<(Id, Item<Record>)>,
    cursor: Option<String>,
}

fn listing(prefix: &str, cursor: Option<String>) -> Result<Listing, Failure> {
    let page = STORE.keys(prefix, ListOptions::new().cursor(cursor))?;
    let items = STORE.items::<Record>(&page.keys)?;
    let id = |key: &str| Id(key.strip_prefix(prefix).unwrap_or(key).to_owned());
    let found = page.keys.iter().zip(items).filter_map(|(key, item)| {
        let item = item.filter(|item| !item.value.is_over())?;
        Some((id(key), item))
    });
    Ok(Listing {
        items: found.collect(),
        cursor: page.cursor,
    })
}

impl Record {
    fn is_over(&self) -> bool {
        self.expires_at.is_some_and(lifetime::is_over)
    }
}

/// What is stored, unless its time is over: the store rounds up, by part of a second.
fn current(record: Option<Record>) -> Result<Record, Failure> {
    record.filter(|record| !record.is_over()).ok_or(Failure::NotFound)
}

fn checked(title: String) -> Result<String, Failure> {
    match title.len() {
        0 => Err(Failure::Bad("the title is empty".to_owned())),
        1..=TITLE => Ok(title),
        _ => Err(Failure::Bad(format!("the title is longer than {TITLE} bytes"))),
    }
}
