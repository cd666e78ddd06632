//! The thread that writes.
//!
//! It takes what is queued, does it in one transaction, commits, and only then answers: an acknowledged write is on disk.
//! While a commit waits for the disk, the next group gathers in the queue, so more writers make larger groups instead of
//! longer waits. Callers that were just answered often write again at once. Without waiting for them a moment, one of them
//! would get a commit of its own, and all others the next: twice the commits for as many writes.
//!
//! Jobs do not disturb each other. Conditions are checked before anything is changed, so a job that mismatches has nothing
//! to undo. Where a change fails otherwise (a constraint that somebody added, no space), the group is rolled back and its
//! changes are done again, each in a transaction of its own.

use super::change::{Change, Changes};
use super::cleanup::Cleanup;
use super::queue::{Capacity, Gathering, Queue, Taken};
use super::settings::SqliteSettings;
use super::transaction::Transactions;
use dapr_blocks::state::StateError;
use rusqlite::Connection;
use std::slice;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::oneshot;

/// What a group holds. Its bytes are in memory until the commit, and in the log until a checkpoint.
const GROUP: Capacity = Capacity {
    jobs: 512,
    bytes: 16 << 20,
};

/// The part of a transaction's time that it is worth to wait for more to come along: what it saves when they come is much
/// more than what it costs when they do not. Where a transaction takes microseconds, this is nothing.
const GATHERING_SHARE: u32 = 8;

/// The longest wait for more to come along, however slow the disk.
const MAX_GATHERING: Duration = Duration::from_micros(500);

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

impl Job {
    /// Whoever has gone was told that the outcome is unknown, and so may be spared the write.
    fn is_awaited(&self) -> bool {
        !self.reply.is_closed()
    }
}

/// Writes what is queued, until the queue is closed.
pub(super) struct Writer<'c> {
    transactions: Transactions<'c>,
    changes: Changes<'c>,
    cleanup: Cleanup<'c>,
    /// The jobs that the next group may have, if callers come again.
    gathering: Gathering,
}

impl<'c> Writer<'c> {
    pub(super) fn new(connection: &'c Connection, settings: &SqliteSettings) -> rusqlite::Result<Self> {
        Ok(Self {
            transactions: Transactions::new(connection)?,
            changes: Changes::new(connection, settings)?,
            cleanup: Cleanup::new(connection, settings)?,
            gathering: Gathering::default(),
        })
    }

    pub(super) fn serve(&mut self, queue: &Queue<Job>) {
        loop {
            match queue.take(GROUP, self.cleanup.due(), self.gathering) {
                Taken::Jobs(jobs) => self.write(jobs, queue),
                Taken::Nothing => {}
                Taken::Closed => return,
            }
            self.cleanup.step(&mut self.transactions);
        }
    }

    fn write(&mut self, jobs: Vec<Job>, queue: &Queue<Job>) {
        let began = Instant::now();
        let done = self.transactions.run(|| {
            // The clock is read with the file in hand: time spent waiting for it is not taken off an item's TTL.
            let now = SystemTime::now();
            jobs.iter()
                .map(|job| work(&mut self.changes, job, now))
                .collect::<Result<Vec<_>, _>>()
        });
        let at_most = (began.elapsed() / GATHERING_SHARE).min(MAX_GATHERING);
        self.gathering = Gathering {
            jobs: queue.len() + jobs.len(),
            at_most,
        };
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
        for job in jobs.into_iter().filter(Job::is_awaited) {
            let outcome = match &job.work {
                Work::Each(changes) => changes
                    .iter()
                    .map(|change| self.write_alone(slice::from_ref(change)))
                    .collect(),
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

fn work(statements: &mut Changes<'_>, job: &Job, now: SystemTime) -> rusqlite::Result<Outcome> {
    if !job.is_awaited() {
        return Ok(Vec::new());
    }
    match &job.work {
        Work::Each(changes) => changes
            .iter()
            .map(|change| statements.apply(slice::from_ref(change), now))
            .collect(),
        Work::All(changes) => Ok(vec![statements.apply(changes, now)?]),
    }
}

fn answer(job: Job, outcome: Result<Outcome, StateError>) {
    // Whoever waited may have gone in the meantime.
    let _ = job.reply.send(outcome);
}
