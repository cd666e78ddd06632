//! The thread that writes.
//!
//! It takes what is queued, does it in one transaction, commits, and only then answers: an acknowledged write is on disk.
//! While a commit waits for the disk, the next group gathers in the queue, so more writers make larger groups instead of
//! longer waits. Callers that were just answered often write again at once. Without waiting for them a moment, one of them
//! would get a commit of its own, and all others the next: twice the commits for as many writes.
//!
//! Jobs do not disturb each other. Conditions are checked before anything is changed, so a job that mismatches has nothing
//! to undo. Where a change fails otherwise, the group is rolled back and done again:
//!
//! | what fails | then |
//! |---|---|
//! | a change (a constraint that somebody added, no space under `maxSize`) | one transaction again, in which each change can be undone: two attempts and one sync, however many changes fail |
//! | the commit, for what may be one change's doing (a disk that is full) | each change in a transaction of its own |
//! | anything else | nothing: whoever waits is told |

use super::change::{Change, Changes};
use super::cleanup::Cleanup;
use super::fault::Fault;
use super::log::Log;
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

    /// The changes, in parts that are done or not done as a whole.
    fn parts(&self) -> slice::Chunks<'_, Change> {
        match self {
            Self::Each(changes) => changes.chunks(1),
            Self::All(changes) => changes.chunks(changes.len().max(1)),
        }
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
    log: Log<'c>,
    /// The jobs that the next group may have, if callers come again.
    gathering: Gathering,
}

impl<'c> Writer<'c> {
    pub(super) fn new(connection: &'c Connection, settings: &SqliteSettings) -> rusqlite::Result<Self> {
        Ok(Self {
            transactions: Transactions::new(connection, settings)?,
            changes: Changes::new(connection, settings)?,
            cleanup: Cleanup::new(connection, settings)?,
            log: Log::new(connection, settings)?,
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
            self.log.bound();
        }
    }

    fn write(&mut self, jobs: Vec<Job>, queue: &Queue<Job>) {
        let began = Instant::now();
        let mut done = self.write_together(&jobs, Changes::apply);
        self.gathering = Gathering {
            jobs: queue.len() + jobs.len(),
            at_most: (began.elapsed() / GATHERING_SHARE).min(MAX_GATHERING),
        };
        if done.as_ref().is_err_and(Fault::may_be_of_one_change) {
            done = self.write_together(&jobs, Changes::apply_or_undo);
        }
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

    /// Does the jobs in one transaction.
    fn write_together(&mut self, jobs: &[Job], apply: Apply<'c>) -> Result<Vec<Outcome>, Fault> {
        let changes = &mut self.changes;
        self.transactions.run(|| {
            // The clock is read with the file in hand: time spent waiting for it is not taken off an item's TTL.
            let now = SystemTime::now();
            let outcomes = jobs.iter().map(|job| {
                if !job.is_awaited() {
                    return Ok(Vec::new());
                }
                job.work.parts().map(|part| apply(changes, part, now)).collect()
            });
            outcomes.collect()
        })
    }

    /// Does the jobs in as many transactions as they have parts, until something fails that no later part would escape.
    fn write_one_by_one(&mut self, jobs: Vec<Job>) {
        let mut stopped = None;
        for job in jobs {
            let mut outcome = Outcome::new();
            for part in job.work.parts().take_while(|_| job.is_awaited()) {
                outcome.push(self.write_alone(part, &mut stopped));
            }
            answer(job, Ok(outcome));
        }
    }

    /// Does some changes in a transaction of their own, unless something `stopped` it. What will stop others is noted there.
    fn write_alone(&mut self, part: &[Change], stopped: &mut Option<Fault>) -> Result<(), StateError> {
        if let Some(fault) = stopped {
            return Err(fault.to_error());
        }
        let done = self.transactions.run(|| self.changes.apply(part, SystemTime::now()));
        done.unwrap_or_else(|fault| {
            let error = fault.to_error();
            if !fault.may_be_of_one_change() {
                *stopped = Some(fault.of_untried());
            }
            Err(error)
        })
    }
}

/// A way to do changes in a transaction.
type Apply<'c> = fn(&mut Changes<'c>, &[Change], SystemTime) -> rusqlite::Result<Result<(), StateError>>;

pub(super) fn answer(job: Job, outcome: Result<Outcome, StateError>) {
    // Whoever waited may have gone in the meantime.
    let _ = job.reply.send(outcome);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::sqlite::{file, schema};
    use dapr_blocks::state::{Key, KeyPrefix, Limits, SetItem};
    use std::error::Error;
    use std::sync::Arc;
    use tempfile::TempDir;

    type Answer = oneshot::Receiver<Result<Outcome, StateError>>;

    fn file(folder: &TempDir) -> (SqliteSettings, Connection) {
        let mut settings = SqliteSettings::at(folder.path().join("state.db"));
        settings.busy_timeout = Duration::ZERO;
        file::create(&settings.path).unwrap();
        let connection = file::connect(&settings).unwrap();
        schema::migrate(&connection, &settings).unwrap();
        file::prepare_for_writing(&connection, &settings).unwrap();
        (settings, connection)
    }

    fn job(names: &[&str]) -> (Job, Answer) {
        let (reply, answer) = oneshot::channel();
        let key = |name: &str| -> Key {
            let keys = KeyPrefix::None.resolve("", "", None);
            keys.key(name, &Limits::default()).unwrap()
        };
        let changes = names.iter().map(|name| Change::from(SetItem::new(key(name), "v")));
        let work = Work::Each(changes.collect());
        (Job { work, reply }, answer)
    }

    fn keys(connection: &Connection) -> Vec<String> {
        let mut statement = connection.prepare("SELECT key FROM state ORDER BY key").unwrap();
        let keys = statement.query_map([], |row| row.get(0)).unwrap();
        keys.collect::<Result<_, _>>().unwrap()
    }

    /// What SQLite said, as the one value that it is.
    fn cause(error: &StateError) -> Arc<rusqlite::Error> {
        let cause = error.source().unwrap().downcast_ref::<Arc<rusqlite::Error>>();
        Arc::clone(cause.unwrap())
    }

    #[test]
    fn what_no_change_would_escape_is_tried_once() {
        let folder = TempDir::new().unwrap();
        let (settings, connection) = file(&folder);
        let mut writer = Writer::new(&connection, &settings).unwrap();
        let other = Connection::open(&settings.path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let ((one, mut first), (two, mut second)) = (job(&["a", "b"]), job(&["c"]));
        writer.write_one_by_one(vec![one, two]);
        let outcomes = [first.try_recv(), second.try_recv()].map(|outcome| outcome.unwrap().unwrap());
        let errors: Vec<_> = outcomes.into_iter().flatten().map(Result::unwrap_err).collect();
        assert_eq!(errors.len(), 3);
        for error in &errors {
            assert_eq!(error.case(), "unavailable");
            assert!(
                Arc::ptr_eq(&cause(error), &cause(&errors[0])),
                "there was another attempt"
            );
        }
    }

    #[test]
    fn what_nobody_waits_for_any_more_is_not_tried() {
        let folder = TempDir::new().unwrap();
        let (settings, connection) = file(&folder);
        let mut writer = Writer::new(&connection, &settings).unwrap();
        let ((gone, _), (waits, mut answer)) = (job(&["a", "b"]), job(&["c"]));
        writer.write_one_by_one(vec![gone, waits]);
        assert!(answer.try_recv().unwrap().unwrap()[0].is_ok());
        assert_eq!(keys(&connection), ["c"]);
    }
}
