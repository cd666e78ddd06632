//! The store: queues, and the threads behind them.

use super::change::Change;
use super::fault::unavailable;
use super::open_error::OpenError;
use super::queue::{Capacity, Queue, Refused};
use super::reader::{Read, Reader};
use super::settings::SqliteSettings;
use super::writer::{Job, Outcome, Work, Writer};
use super::{file, schema};
use async_trait::async_trait;
use dapr_blocks::state::{
    BulkError, Cursor, DeleteItem, Entry, Features, GetOptions, Key, KeyPage, Metadata, Operation, PageLimit, SetItem,
    StateError, StateStore,
};
use rusqlite::Connection;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::oneshot;

/// Writes that wait: enough for every request that a busy host has under way, and at most so much of its memory.
const WRITES: Capacity = Capacity {
    jobs: 4096,
    bytes: 64 << 20,
};

/// Reads that wait. Their bytes are those of their keys.
const READS: Capacity = Capacity {
    jobs: 4096,
    bytes: 16 << 20,
};

/// Threads that read. A read that finds its pages in memory takes a few microseconds, so these are for those that do not.
const READERS: usize = 3;

/// A store in a SQLite file.
pub struct SqliteStore {
    writes: Arc<Queue<Job>>,
    reads: Arc<Queue<Read>>,
    threads: Mutex<Threads>,
    timeout: Duration,
}

/// The threads of a store, and the queues that they serve.
#[derive(Default)]
struct Threads {
    writer: Option<JoinHandle<()>>,
    readers: Vec<JoinHandle<()>>,
}

impl SqliteStore {
    /// Opens the file, and creates it if it is not there.
    ///
    /// # Errors
    ///
    /// [`OpenError`] names what is wrong with the file.
    pub async fn open(settings: &SqliteSettings) -> Result<Self, OpenError> {
        let (path, settings) = (settings.path.clone(), settings.clone());
        match tokio::task::spawn_blocking(move || Self::open_blocking(&settings)).await {
            Ok(opened) => opened,
            Err(error) => Err(OpenError::Thread {
                path,
                source: io::Error::other(error),
            }),
        }
    }

    fn open_blocking(settings: &SqliteSettings) -> Result<Self, OpenError> {
        file::create(&settings.path)?;
        let writer = file::connect(settings)?;
        file::prepare_for_writing(&writer, settings)?;
        schema::migrate(&writer, settings)?;
        let (writes, reads) = (Arc::new(Queue::new(WRITES)), Arc::new(Queue::new(READS)));
        let store = Self {
            writes: Arc::clone(&writes),
            reads: Arc::clone(&reads),
            threads: Mutex::default(),
            timeout: settings.timeout,
        };
        // If one of these fails, dropping the store ends those before.
        store.threads().writer = Some(start(
            "sqlite-writer",
            writer,
            settings,
            move |connection, settings, ready| {
                if let Some(mut writer) = ready.tell(Writer::new(connection, settings)) {
                    writer.serve(&writes);
                }
            },
        )?);
        for _ in 0..READERS {
            let (reads, connection) = (Arc::clone(&reads), file::connect(settings)?);
            let reader = start(
                "sqlite-reader",
                connection,
                settings,
                move |connection, settings, ready| {
                    if let Some(mut reader) = ready.tell(Reader::new(connection, settings)) {
                        reader.serve(&reads);
                    }
                },
            )?;
            store.threads().readers.push(reader);
        }
        Ok(store)
    }

    async fn write(&self, work: Work) -> Result<Outcome, StateError> {
        let (reply, answer) = oneshot::channel();
        let size = work.size();
        self.writes.push(Job { work, reply }, size).map_err(refused)?;
        match tokio::time::timeout(self.timeout, answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(in_doubt("the store ended before it answered".to_owned())),
            Err(_) => Err(in_doubt(format!(
                "no answer within the store's timeout of {:?}",
                self.timeout
            ))),
        }
    }

    async fn read<T: Send + 'static>(
        &self,
        size: usize,
        read: impl FnOnce(&mut Reader<'_>) -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, StateError> {
        let (reply, answer) = oneshot::channel();
        let job = move |reader: &mut Reader<'_>| {
            // Whoever waited may have gone, before or in the meantime.
            if !reply.is_closed() {
                let _ = reply.send(read(reader));
            }
        };
        self.reads.push(Box::new(job), size).map_err(refused)?;
        match tokio::time::timeout(self.timeout, answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(unavailable("it ended before it answered", None)),
            Err(_) => Err(unavailable(
                &format!("no answer within its timeout of {:?}", self.timeout),
                None,
            )),
        }
    }

    /// What ends the threads, after they have done what is queued. It blocks until then.
    fn ending(&self) -> impl FnOnce() + Send + 'static {
        let Threads { writer, readers } = std::mem::take(&mut *self.threads());
        let (writes, reads) = (Arc::clone(&self.writes), Arc::clone(&self.reads));
        move || {
            reads.close();
            join(readers);
            // The writer's connection is the last to close, and so the one that moves the log into the file. Of two that
            // close at the same time, neither would take itself for the last.
            writes.close();
            join(writer);
        }
    }

    // Nothing panics while it holds the lock.
    fn threads(&self) -> MutexGuard<'_, Threads> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    for thread in threads {
        // A thread that panicked has told so on stderr, and there is nothing left to wait for.
        let _ = thread.join();
    }
}

/// Starts a thread with a connection of its own, and waits until it has prepared its statements.
fn start(
    name: &str,
    connection: Connection,
    settings: &SqliteSettings,
    body: impl FnOnce(&Connection, &SqliteSettings, Ready) + Send + 'static,
) -> Result<JoinHandle<()>, OpenError> {
    let (sender, receiver) = mpsc::channel();
    let own = settings.clone();
    let thread = thread::Builder::new().name(name.to_owned());
    let thread = thread.spawn(move || body(&connection, &own, Ready(sender)));
    let failed = |source| OpenError::Thread {
        path: settings.path.clone(),
        source,
    };
    let thread = thread.map_err(failed)?;
    let prepared = match receiver.recv() {
        Ok(prepared) => prepared.map_err(|error| schema::wrong_tables(settings, error)),
        Err(error) => Err(failed(io::Error::other(error))),
    };
    match prepared {
        Ok(()) => Ok(thread),
        Err(error) => {
            join([thread]);
            Err(error)
        }
    }
}

/// Tells whoever starts a thread whether it can work.
struct Ready(mpsc::Sender<rusqlite::Result<()>>);

impl Ready {
    fn tell<T>(self, prepared: rusqlite::Result<T>) -> Option<T> {
        let (told, prepared) = match prepared {
            Ok(prepared) => (Ok(()), Some(prepared)),
            Err(error) => (Err(error), None),
        };
        // Who starts the thread waits for this.
        let _ = self.0.send(told);
        prepared
    }
}

fn refused(refused: Refused) -> StateError {
    match refused {
        Refused::Full => StateError::Throttled,
        Refused::Closed => unavailable("it is closed", None),
    }
}

fn in_doubt(reason: String) -> StateError {
    StateError::OutcomeUnknown { reason, source: None }
}

/// Ends the threads, after they have done what is queued. [`StateStore::close`] does the same without blocking.
impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.ending()();
    }
}

#[async_trait]
impl StateStore for SqliteStore {
    fn features(&self) -> Features {
        Features::ALL
    }

    async fn get(&self, key: &Key, _options: &GetOptions) -> Result<Option<Entry>, StateError> {
        let key = key.clone();
        self.read(key.as_str().len(), move |reader| reader.get(&key)).await
    }

    /// Answers one state of the file: no write comes between two of the items.
    async fn bulk_get(
        &self,
        keys: &[Key],
        _options: &GetOptions,
        max_bytes: usize,
    ) -> Result<Vec<Option<Entry>>, StateError> {
        let keys = keys.to_vec();
        let size = keys.iter().map(|key| key.as_str().len()).sum();
        self.read(size, move |reader| reader.bulk_get(&keys, max_bytes)).await
    }

    async fn set(&self, item: SetItem) -> Result<(), StateError> {
        self.write(Work::Each(vec![item.into()])).await?.into_iter().collect()
    }

    async fn bulk_set(&self, items: Vec<SetItem>) -> Result<(), BulkError> {
        let changes = items.into_iter().map(Change::from).collect();
        BulkError::from_results(self.write(Work::Each(changes)).await?)
    }

    async fn delete(&self, item: DeleteItem) -> Result<(), StateError> {
        self.write(Work::Each(vec![item.into()])).await?.into_iter().collect()
    }

    async fn bulk_delete(&self, items: Vec<DeleteItem>) -> Result<(), BulkError> {
        let changes = items.into_iter().map(Change::from).collect();
        BulkError::from_results(self.write(Work::Each(changes)).await?)
    }

    async fn transact(&self, operations: Vec<Operation>, _metadata: &Metadata) -> Result<(), StateError> {
        let changes = operations.into_iter().map(|operation| match operation {
            Operation::Set(item) => Change::from(item),
            Operation::Delete(item) => Change::from(item),
        });
        self.write(Work::All(changes.collect())).await?.into_iter().collect()
    }

    async fn list_keys(&self, prefix: &str, limit: PageLimit, cursor: Option<&Cursor>) -> Result<KeyPage, StateError> {
        let (prefix, cursor) = (prefix.to_owned(), cursor.cloned());
        self.read(prefix.len(), move |reader| {
            reader.list_keys(&prefix, limit, cursor.as_ref())
        })
        .await
    }

    async fn close(&self) {
        // Should the runtime end meanwhile, it waits for this.
        let _ = tokio::task::spawn_blocking(self.ending()).await;
    }
}
