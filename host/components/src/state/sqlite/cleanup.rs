//! Removes items that have ended, between writes.
//!
//! Reads do not see them, so this is for space alone, and never worth a wait: it works in small steps, and writes that are
//! queued go between them. As daprd does, a host takes the row `last-cleanup` first, so that of several on one file only one
//! cleans up each time. A host that does not get it waits until it is due again.

use super::fault::Fault;
use super::settings::SqliteSettings;
use super::transaction::Transactions;
use rusqlite::{Connection, OptionalExtension, Statement};
use std::error::Error;
use std::time::{Duration, Instant};

/// Items that a step removes: about a millisecond's work, and a commit.
const ITEMS: usize = 256;

/// Content types that a step looks at.
const CONTENT_TYPES: usize = 1024;

/// daprd's slack, so that two hosts of the same interval do not miss every second turn by a hair.
const SLACK: Duration = Duration::from_millis(100);

/// Cleans up at its interval, a step at a time.
pub(super) struct Cleanup<'c> {
    /// None: never.
    interval: Option<Duration>,
    phase: Phase,
    take_turn: Statement<'c>,
    turn_due_in: Statement<'c>,
    remove_items: Statement<'c>,
    last_of_next: Statement<'c>,
    remove_content_types: Statement<'c>,
}

enum Phase {
    /// Until then there is nothing to do.
    Waiting(Instant),
    /// Items that have ended.
    Items,
    /// Content types of items that are gone, from this key on: what daprd deleted, which does not know that table.
    ContentTypes { after: String },
}

impl<'c> Cleanup<'c> {
    pub(super) fn new(connection: &'c Connection, settings: &SqliteSettings) -> rusqlite::Result<Self> {
        let (state, metadata) = (settings.table.as_str(), settings.metadata_table.as_str());
        let content_type = settings.content_type_table();
        Ok(Self {
            interval: settings.cleanup_interval,
            phase: Phase::Waiting(Instant::now()),
            take_turn: connection.prepare(&format!(
                "INSERT INTO \"{metadata}\" (key, value) VALUES ('last-cleanup', CURRENT_TIMESTAMP)
                ON CONFLICT (key) DO UPDATE SET value = CURRENT_TIMESTAMP
                    WHERE (unixepoch(CURRENT_TIMESTAMP) - unixepoch(value)) * 1000 > ?1"
            ))?,
            turn_due_in: connection.prepare(&format!(
                "SELECT ?1 - (unixepoch(CURRENT_TIMESTAMP) - unixepoch(value)) * 1000
                FROM \"{metadata}\" WHERE key = 'last-cleanup'"
            ))?,
            remove_items: connection.prepare(&format!(
                "DELETE FROM \"{state}\" WHERE rowid IN (
                    SELECT rowid FROM \"{state}\" WHERE expiration_time <= CURRENT_TIMESTAMP LIMIT {ITEMS})"
            ))?,
            last_of_next: connection.prepare(&format!(
                "SELECT max(key) FROM (
                    SELECT key FROM \"{content_type}\" WHERE key > ?1 ORDER BY key LIMIT {CONTENT_TYPES})"
            ))?,
            remove_content_types: connection.prepare(&format!(
                "DELETE FROM \"{content_type}\" WHERE key > ?1 AND key <= ?2 AND NOT EXISTS (
                    SELECT 1 FROM \"{state}\" WHERE \"{state}\".key = \"{content_type}\".key)"
            ))?,
        })
    }

    /// When there is something to do; none if never.
    pub(super) fn due(&self) -> Option<Instant> {
        match self.phase {
            _ if self.interval.is_none() => None,
            Phase::Waiting(until) => Some(until),
            Phase::Items | Phase::ContentTypes { .. } => Some(Instant::now()),
        }
    }

    /// Does a step, if there is something to do.
    pub(super) fn step(&mut self, transactions: &mut Transactions<'_>) {
        let Some(interval) = self.interval else { return };
        if matches!(self.phase, Phase::Waiting(until) if Instant::now() < until) {
            return;
        }
        let next = self.next_phase(interval, transactions).unwrap_or_else(|fault| {
            let error = fault.to_error();
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            tracing::warn!(%error, cause, "cleaning up a SQLite store failed");
            None
        });
        self.phase = next.unwrap_or_else(|| Phase::Waiting(Instant::now() + interval));
    }

    /// Does a step; the phase that comes next, none when all is done.
    fn next_phase(&mut self, interval: Duration, transactions: &mut Transactions<'_>) -> Result<Option<Phase>, Fault> {
        match &self.phase {
            Phase::Waiting(_) => {
                let millis = i64::try_from(interval.saturating_sub(SLACK).as_millis()).unwrap_or(i64::MAX);
                let due_in = transactions.run(|| match self.take_turn.execute([millis])? {
                    0 => self.turn_due_in.query_row([millis], |row| row.get(0)).map(Some),
                    _ => Ok(None),
                })?;
                let Some(due_in) = due_in else {
                    return Ok(Some(Phase::Items));
                };
                let due_in: Option<i64> = due_in;
                // None where the row holds no time; and where it holds one to come, the interval is long enough.
                let due_in = due_in
                    .and_then(|millis| u64::try_from(millis).ok())
                    .map(Duration::from_millis);
                let wait = due_in.unwrap_or(interval).min(interval).max(SLACK);
                Ok(Some(Phase::Waiting(Instant::now() + wait)))
            }
            Phase::Items => {
                let removed = transactions.run(|| self.remove_items.execute([]))?;
                tracing::debug!(removed, "removed items that had ended");
                Ok(Some(if removed < ITEMS {
                    Phase::ContentTypes { after: String::new() }
                } else {
                    Phase::Items
                }))
            }
            Phase::ContentTypes { after } => {
                let last = transactions.run(|| {
                    let last: Option<Option<String>> =
                        self.last_of_next.query_row([after], |row| row.get(0)).optional()?;
                    let Some(last) = last.flatten() else { return Ok(None) };
                    self.remove_content_types.execute([after, &last])?;
                    Ok(Some(last))
                })?;
                Ok(last.map(|after| Phase::ContentTypes { after }))
            }
        }
    }
}
