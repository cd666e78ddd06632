//! The thread that writes.
//!
//! It takes what is queued, does it in one transaction, commits, and only then answers: an acknowledged write is on disk.
//! While a commit waits for the disk, the next group gathers in the queue, so more writers make larger groups instead of
//! longer waits.
//!
//! Jobs do not disturb each other. Conditions are checked before anything is changed, so a job that mismatches has nothing
//! to undo. Where a change fails otherwise (a constraint that somebody added, no space), the group is rolled back and its
//! changes are done again, each in a transaction of its own.

use super::change::{Change, Changes};
use super::cleanup::Cleanup;
use super::queue::{Capacity, Queue, Taken};
use super::settings::SqliteSettings;
use super::transaction::Transactions;
use dapr_blocks::state::StateError;
use rusqlite::Connection;
use std::slice;
use std::time::SystemTime;
use tokio::sync::oneshot;

/// What a group holds. Its bytes are in memory until the commit, and in the log until a checkpoint.
const GROUP: Capacity = Capacity { jobs: 512, bytes: 16 << 20 };

/// Changes that a call asks for.
pub(super) enum Work {
    /// Each on its own.
    Each(Vec<Change>),
    /// All or none.
    All(Vec<Change>),
}

impl Work {
    /// About how many bytes it takes in the queue and in the log.
    pub(super) fn size(&self) -> usize {
        let (Self::Each(changes) | Self::All(changes)) = self;
        changes.iter().map(Change::size).sum()
    }
}

/// What became of a call's changes: a result for each of [`Work::Each`], one for [`Work::All`].
pub(super) type Outcome = Vec<Result<(), StateError>>;

/// A call's changes, and who waits for them.
pub(super) struct Job {
    pub(super) work: Work,
    /// An error is one of the whole call.
    pub(super) reply: oneshot::Sender<Result<Outcome, StateError>>,
}

/// Writes what is queued, until the queue is closed.
pub(super) struct Writer<'c> {
    transactions: Transactions<'c>,
    changes: Changes<'c>,
    cleanup: Cleanup<'c>,
}

impl<'c> Writer<'c> {
    pub(super) fn new(connection: &'c Connection, settings: &SqliteSettings) -> rusqlite::Result<Self> {
        Ok(Self {
            transactions: Transactions::new(connection, settings)?,
            changes: Changes::new(connection, settings)?,
            cleanup: Cleanup::new(connection, settings)?,
        })
    }

    pub(super) fn serve(&mut self, queue: &Queue<Job>) {
        loop {
            match queue.take(GROUP, self.cleanup.due()) {
                Taken::Jobs(jobs) => self.write(jobs),
                Taken::Nothing => {}
                Taken::Closed => return,
            }
            self.cleanup.step(&mut self.transactions);
        }
    }

    fn write(&mut self, mut jobs: Vec<Job>) {
        // Whoever has gone was told that the outcome is unknown, and so may be spared the write.
        jobs.retain(|job| !job.reply.is_closed());
        if jobs.is_empty() {
            return;
        }
        let done = self.transactions.run(|| {
            // The clock is read with the file in hand: time spent waiting for it is not taken off an item's TTL.
            let now = SystemTime::now();
            jobs.iter().map(|job| work(&mut self.changes, &job.work, now)).collect::<Result<Vec<_>, _>>()
        });
        match done {
            Ok(outcomes) => {
                for (job, outcome) in jobs.into_iter().zip(outcomes) {
                    answer(job, Ok(outcome));
                }
            }
            Err(fault) if fault.may_be_of_one_change() => self.write_one_by_one(jobs),
            Err(fault) => {
                for job in jobs {
                    answer(job, Err(fault.to_error()));
                }
            }
        }
    }

    fn write_one_by_one(&mut self, jobs: Vec<Job>) {
        for job in jobs {
            let outcome = match &job.work {
                Work::Each(changes) => changes.iter().map(|change| self.write_alone(slice::from_ref(change))).collect(),
                Work::All(changes) => vec![self.write_alone(changes)],
            };
            answer(job, Ok(outcome));
        }
    }

    fn write_alone(&mut self, changes: &[Change]) -> Result<(), StateError> {
        let done = self.transactions.run(|| self.changes.apply(changes, SystemTime::now()));
        done.unwrap_or_else(|fault| Err(fault.to_error()))
    }
}

fn work(statements: &mut Changes<'_>, work: &Work, now: SystemTime) -> rusqlite::Result<Outcome> {
    match work {
        Work::Each(changes) => changes.iter().map(|change| statements.apply(slice::from_ref(change), now)).collect(),
        Work::All(changes) => Ok(vec![statements.apply(changes, now)?]),
    }
}

fn answer(job: Job, outcome: Result<Outcome, StateError>) {
    // Whoever waited may have gone in the meantime.
    let _ = job.reply.send(outcome);
}
