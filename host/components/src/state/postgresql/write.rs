//! Writing items: what an app gives, as the arrays of a statement.

use super::fault::{Fault, Stage};
use super::layout::Layout;
use super::session::Session;
use super::statements::{ABSENT, ANY, MATCHES};
use super::store::Request;
use crate::state::json::is_json;
use dapr_blocks::state::{Condition, ContentType, DeleteItem, Etag, Operation, SetItem, StateError};
use std::collections::BTreeSet;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Statement};

/// What the row itself says of a value that is JSON.
const JSON: &str = "application/json";

/// A set of one item.
pub(super) struct Set(Item);

/// A delete of one item.
pub(super) struct Delete(pub(super) DeleteItem);

/// Sets of several items, each by itself.
pub(super) struct SetEach(Items);

/// Deletes of several items, each by itself.
pub(super) struct DeleteEach(pub(super) Vec<DeleteItem>);

/// Several writes, all or none.
pub(super) struct Transact(Items);

/// An item as it goes to the server.
struct Item {
    key: String,
    value: Vec<u8>,
    is_json: bool,
    ttl: Option<i32>,
    content_type: Option<String>,
    condition: Condition,
}

impl Item {
    fn new(item: SetItem, layout: &Layout) -> Self {
        let said = item.content_type.as_ref();
        let is_json = layout.knows_json() && said.is_some_and(ContentType::is_json) && is_json(&item.value);
        let content_type = item.content_type.map(ContentType::into_string);
        Self {
            key: item.key.into_string(),
            value: item.value,
            is_json,
            // A TTL is at most what an i32 holds.
            ttl: item.ttl.map(|ttl| i32::try_from(ttl.seconds()).unwrap_or(i32::MAX)),
            content_type: content_type.filter(|text| !(is_json && text == JSON)),
            condition: item.condition,
        }
    }
}

impl Set {
    pub(super) fn new(item: SetItem, layout: &Layout) -> Self {
        Self(Item::new(item, layout))
    }
}

impl SetEach {
    pub(super) fn new(items: Vec<SetItem>, layout: &Layout) -> Self {
        let mut all = Items::default();
        for item in items {
            all.push(Item::new(item, layout), Deletion::No);
        }
        Self(all)
    }
}

impl Transact {
    pub(super) fn new(operations: Vec<Operation>, layout: &Layout) -> Self {
        let mut all = Items::default();
        for operation in operations {
            match operation {
                Operation::Set(item) => all.push(Item::new(item, layout), Deletion::No),
                Operation::Delete(item) => all.push(deleted(item), Deletion::Yes),
            }
        }
        Self(all)
    }
}

/// What stands in the place of an item until it is purged.
fn deleted(item: DeleteItem) -> Item {
    Item {
        key: item.key.into_string(),
        value: Vec::new(),
        is_json: false,
        ttl: None,
        content_type: None,
        condition: item.etag.map_or(Condition::Any, Condition::Matches),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Deletion {
    Yes,
    No,
}

/// Items as arrays, one for each parameter.
#[derive(Default)]
struct Items {
    keys: Vec<String>,
    values: Vec<Vec<u8>>,
    are_json: Vec<bool>,
    ttls: Vec<Option<i32>>,
    content_types: Vec<Option<String>>,
    conditions: Vec<i16>,
    etags: Vec<Option<String>>,
    are_deletions: Vec<bool>,
}

impl Items {
    fn push(&mut self, item: Item, deletion: Deletion) {
        let (condition, etag) = match item.condition {
            Condition::Any => (ANY, None),
            Condition::Absent => (ABSENT, None),
            Condition::Matches(etag) => (MATCHES, Some(text_of(&etag).to_owned())),
        };
        self.keys.push(item.key);
        self.values.push(item.value);
        self.are_json.push(item.is_json);
        self.ttls.push(item.ttl);
        self.content_types.push(item.content_type);
        self.conditions.push(condition);
        self.etags.push(etag);
        self.are_deletions.push(deletion == Deletion::Yes);
    }

    /// All keys if there is a condition, so that what is locked is locked in order; else none.
    fn to_lock(&self) -> &[String] {
        match self.conditions.iter().any(|condition| *condition != ANY) {
            true => &self.keys,
            false => &[],
        }
    }

    fn keys_where(&self, chosen: impl Fn(usize) -> bool) -> Vec<&str> {
        let keys = self.keys.iter().enumerate();
        keys.filter(|(index, _)| chosen(*index))
            .map(|(_, key)| key.as_str())
            .collect()
    }

    fn to_be_absent(&self) -> Vec<&str> {
        self.keys_where(|index| self.conditions.get(index) == Some(&ABSENT))
    }

    fn to_delete(&self) -> Vec<&str> {
        self.keys_where(|index| self.are_deletions.get(index) == Some(&true))
    }
}

/// What became of several writes: the numbers of those that were not done, counted from 0.
pub(super) type NotDone = BTreeSet<usize>;

impl Request for Set {
    type Answer = ();
    const STAGE: Stage = Stage::Write;

    async fn ask(&self, session: &Session) -> Result<(), Fault> {
        let rows = match self.set(session, self.0.is_json).await {
            Err(error) if self.0.is_json && is_no_jsonb(&error) => self.set(session, false).await,
            done => done,
        };
        match rows.map_err(failed)? {
            0 => Err(mismatch(&self.0.key)),
            _ => Ok(()),
        }
    }
}

impl Set {
    async fn set(&self, session: &Session, is_json: bool) -> Result<i64, Error> {
        let Item {
            key,
            value,
            ttl,
            content_type,
            condition,
            ..
        } = &self.0;
        let content_type = said(content_type.as_deref(), self.0.is_json, is_json);
        let (client, statements) = (session.client(), &session.statements);
        let row = match condition {
            Condition::Matches(etag) => {
                let values = [
                    key as _,
                    value as _,
                    &is_json as _,
                    ttl as _,
                    &content_type as _,
                    &text_of(etag) as _,
                ];
                client.query_one(&statements.update, &values).await?
            }
            Condition::Any | Condition::Absent => {
                let absent = *condition == Condition::Absent;
                let values = [
                    key as _,
                    value as _,
                    &is_json as _,
                    ttl as _,
                    &content_type as _,
                    &absent as _,
                ];
                client.query_one(&statements.upsert, &values).await?
            }
        };
        row.try_get(0)
    }
}

/// The content type that stands beside a row. What was to be JSON and is written as bytes says so no more.
fn said(content_type: Option<&str>, was_json: bool, is_json: bool) -> Option<&str> {
    content_type.or((was_json && !is_json).then_some(JSON))
}

impl Request for SetEach {
    type Answer = NotDone;
    const STAGE: Stage = Stage::Write;

    async fn ask(&self, session: &Session) -> Result<NotDone, Fault> {
        let each = &session.statements.write_each;
        let not_done = match self.0.write(session, each, &self.0.are_json).await {
            Err(error) if self.0.may_be_bytes(&error) => self.0.write(session, each, &self.0.as_bytes()).await,
            not_done => not_done,
        };
        not_done.map_err(failed)
    }
}

impl Request for Transact {
    type Answer = ();
    const STAGE: Stage = Stage::Write;

    async fn ask(&self, session: &Session) -> Result<(), Fault> {
        let not_done = match self.0.transact(session, &self.0.are_json).await {
            Err(error) if self.0.may_be_bytes(&error) => self.0.transact(session, &self.0.as_bytes()).await,
            not_done => not_done,
        };
        match not_done {
            Ok(not_done) => match not_done.first().and_then(|index| self.0.keys.get(*index)) {
                Some(key) => Err(mismatch(key)),
                None => Ok(()),
            },
            // An item came to be while it was written that must be absent.
            Err(error) if error.code() == Some(&SqlState::NOT_NULL_VIOLATION) => {
                Err(StateError::EtagMismatch { key: None }.into())
            }
            Err(error) => Err(failed(error)),
        }
    }
}

impl Items {
    /// Writes all or none; answers which do not let it.
    async fn transact(&self, session: &Session, are_json: &[bool]) -> Result<NotDone, Error> {
        let (client, statements) = (session.client(), &session.statements);
        let write = self.write(session, &statements.write_all, are_json);
        let to_delete = self.to_delete();
        if to_delete.is_empty() {
            return write.await;
        }
        // What is to be deleted is written as an item that has ended, and then removed: so it is locked, whether it is there
        // or not, and nobody sees it. All is sent together; where one fails, the server rolls back at the end.
        let to_delete: [&(dyn ToSql + Sync); 1] = [&to_delete];
        let (begun, not_done, purged, committed) = tokio::join!(
            biased;
            client.batch_execute("BEGIN"),
            write,
            client.execute(&statements.purge, &to_delete),
            client.batch_execute("COMMIT"),
        );
        begun?;
        let not_done = not_done?;
        purged?;
        committed?;
        Ok(not_done)
    }

    /// Whether these items, or one of them, may be written where they are no JSON.
    fn may_be_bytes(&self, error: &Error) -> bool {
        self.are_json.contains(&true) && is_no_jsonb(error)
    }

    /// What says that no item is JSON.
    fn as_bytes(&self) -> Vec<bool> {
        vec![false; self.keys.len()]
    }

    async fn write(&self, session: &Session, statement: &Statement, are_json: &[bool]) -> Result<NotDone, Error> {
        let content_types: Vec<_> = self
            .content_types
            .iter()
            .zip(self.are_json.iter().zip(are_json))
            .map(|(content_type, (was_json, is_json))| said(content_type.as_deref(), *was_json, *is_json))
            .collect();
        let values: [&(dyn ToSql + Sync); 10] = [
            &self.keys,
            &self.values,
            &are_json,
            &self.ttls,
            &content_types,
            &self.conditions,
            &self.etags,
            &self.are_deletions,
            &self.to_lock(),
            &self.to_be_absent(),
        ];
        let rows = session.client().query(statement, &values).await?;
        rows.iter().map(number).collect()
    }
}

/// The place in the list of what a row says was not done: there, the first is 1.
fn number(row: &tokio_postgres::Row) -> Result<usize, Error> {
    let number: i64 = row.try_get(0)?;
    Ok(usize::try_from(number).unwrap_or(0).saturating_sub(1))
}

impl Request for Delete {
    type Answer = ();
    const STAGE: Stage = Stage::Write;

    async fn ask(&self, session: &Session) -> Result<(), Fault> {
        let (key, etag) = (self.0.key.as_str(), self.0.etag.as_ref().map(text_of));
        let row = session
            .client()
            .query_one(&session.statements.delete, &[&key, &etag])
            .await;
        let rows: i64 = row.and_then(|row| row.try_get(0)).map_err(failed)?;
        match (rows, etag) {
            (0, Some(_)) => Err(mismatch(key)),
            _ => Ok(()),
        }
    }
}

impl Request for DeleteEach {
    type Answer = NotDone;
    const STAGE: Stage = Stage::Write;

    async fn ask(&self, session: &Session) -> Result<NotDone, Fault> {
        let keys: Vec<_> = self.0.iter().map(|item| item.key.as_str()).collect();
        let etags: Vec<_> = self.0.iter().map(|item| item.etag.as_ref().map(text_of)).collect();
        let rows = session
            .client()
            .query(&session.statements.delete_each, &[&keys, &etags])
            .await
            .map_err(failed)?;
        rows.iter().map(number).collect::<Result<_, _>>().map_err(failed)
    }
}

/// An etag as a parameter. One with a NUL, which PostgreSQL's texts cannot have, is none of an item, nor is the empty text.
fn text_of(etag: &Etag) -> &str {
    match etag.as_str() {
        text if text.contains('\0') => "",
        text => text,
    }
}

/// Whether PostgreSQL does not take a text as JSON that is some: with `\u0000`, half of a pair of surrogates, a number
/// beyond its own, or too deep. These are errors of data, of a limit in size, and of the stack.
fn is_no_jsonb(error: &Error) -> bool {
    error
        .code()
        .is_some_and(|code| code.code().starts_with("22") || code.code().starts_with("54"))
}

fn mismatch(key: &str) -> Fault {
    let key = Some(key.to_owned());
    StateError::EtagMismatch { key }.into()
}

fn failed(error: Error) -> Fault {
    Fault::new(error, Stage::Write)
}
