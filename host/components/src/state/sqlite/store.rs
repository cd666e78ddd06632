//! The store: queues, and the threads behind them.

use super::change::Change;
use super::fault::unavailable;
use super::open_error::OpenError;
use super::queue::{Capacity, Queue, Refused, Served};
use super::reader::{Read, Reader};
use super::settings::SqliteSettings;
use super::writer::{Job, Outcome, Work, Writer, answer};
use super::{file, schema};
use crate::state::walk::{Turn, Walk};
use async_trait::async_trait;
use dapr_blocks::config::ByteSize;
use dapr_blocks::state::{
    BulkError, DeleteItem, Entry, Features, GetOptions, Key, Listing, Metadata, Operation, SetItem, StateError,
    StateStore, StoredPage,
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

/// Reads that wait. Their bytes are those of their keys, prefixes and cursors.
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
        // First, because a file that this host cannot use is to stay as it is.
        schema::migrate(&writer, settings)?;
        file::prepare_for_writing(&writer, settings)?;
        let (writes, reads) = (Arc::new(Queue::new(WRITES)), Arc::new(Queue::new(READS)));
        let store = Self {
            writes: Arc::clone(&writes),
            reads: Arc::clone(&reads),
            threads: Mutex::default(),
            timeout: settings.timeout,
        };
        let writes = Served::new(writes, refuse);
        // Whoever waits hears that its job is gone.
        let reads = Served::new(reads, drop);
        // If one of these fails, dropping the store ends those before.
        store.threads().writer = Some(start(
            "sqlite-writer",
            writer,
            settings,
            move |connection, settings, ready| {
                if let Some(mut writer) = ready.tell(Writer::new(connection, settings)) {
                    writer.serve(writes.queue());
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
                        reader.serve(reads.queue());
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

/// Tells whoever waits that nothing was written.
fn refuse(job: Job) {
    answer(job, Err(unavailable("it ended before it wrote", None)));
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

    fn bounds(&self) -> Option<String> {
        let bytes = ByteSize::bytes(WRITES.bytes as u64);
        let (writes, reads) = (WRITES.jobs, READS.jobs);
        Some(format!("{writes} writes of {bytes} and {reads} reads wait at most"))
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

    async fn list_keys(&self, listing: &Listing) -> Result<StoredPage, StateError> {
        let mut walk = Walk::new(listing);
        let size = listing.prefix().len() + walk.from().len();
        loop {
            // At each pause it queues up again behind all others, unless nobody waits for it any more.
            match self.read(size, move |reader| reader.walk(walk)).await? {
                Turn::Page(page) => return Ok(page),
                Turn::Paused(paused) => walk = paused,
            }
        }
    }

    async fn close(&self) {
        // Should the runtime end meanwhile, it waits for this.
        let _ = tokio::task::spawn_blocking(self.ending()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dapr_blocks::state::{AppStores, KeyPrefix, Limits, PageLimit, StoreSettings};
    use tempfile::TempDir;

    /// A store that waits long for its threads, so that an answer within a test is none of its timeout.
    async fn store(folder: &TempDir) -> Arc<SqliteStore> {
        let mut settings = SqliteSettings::at(folder.path().join("state.db"));
        settings.timeout = Duration::from_secs(3600);
        Arc::new(SqliteStore::open(&settings).await.unwrap())
    }

    fn key(name: &str) -> Key {
        KeyPrefix::None
            .resolve("", "", None)
            .key(name, &Limits::default())
            .unwrap()
    }

    #[tokio::test]
    async fn when_all_readers_have_panicked_callers_hear_so_at_once() {
        let folder = TempDir::new().unwrap();
        let store = store(&folder).await;
        for _ in 0..READERS {
            let read: Result<(), _> = store.read(0, |_| panic!("a test's")).await;
            assert_eq!(read.unwrap_err().case(), "unavailable");
        }
        // The last one may still be on its way out, and then this call waits in the queue.
        let read = store.get(&key("k"), &GetOptions::default()).await;
        assert_eq!(read.unwrap_err().case(), "unavailable");
        // The writer is whole.
        store.set(SetItem::new(key("k"), "v")).await.unwrap();
    }

    #[tokio::test]
    async fn when_the_writer_has_panicked_what_is_queued_is_unavailable_and_what_was_under_way_in_doubt() {
        let queue = Arc::new(Queue::new(WRITES));
        let served = Served::new(Arc::clone(&queue), refuse);
        let job = || {
            let (reply, answer) = oneshot::channel();
            let work = Work::Each(Vec::new());
            queue.push(Job { work, reply }, 0).unwrap();
            answer
        };
        let (under_way, queued) = (job(), job());
        let thread = thread::spawn(move || {
            let _under_way = served.queue().pop();
            panic!("a test's");
        });
        assert!(thread.join().is_err());
        // No answer, which `write` takes for doubt.
        assert!(under_way.await.is_err());
        assert_eq!(queued.await.unwrap().unwrap_err().case(), "unavailable");
        let (reply, _answer) = oneshot::channel();
        let work = Work::Each(Vec::new());
        assert_eq!(queue.push(Job { work, reply }, 0), Err(Refused::Closed));
    }

    #[tokio::test]
    async fn a_cursor_counts_towards_what_waits() {
        let folder = TempDir::new().unwrap();
        let store = store(&folder).await;
        let listing = second_page(&store).await;
        // Each reader is held by a call that waits for its gate, which opens when it is dropped.
        let mut gates = Vec::new();
        for _ in 0..READERS {
            let (gate, closed) = mpsc::channel::<()>();
            let (begun, begins) = oneshot::channel();
            let held = Arc::clone(&store);
            let call = tokio::spawn(async move {
                held.read(0, move |_| {
                    let _ = begun.send(());
                    let _ = closed.recv();
                    Ok(())
                })
                .await
            });
            begins.await.unwrap();
            gates.push((gate, call));
        }
        let waiting = Arc::clone(&store);
        let waits = tokio::spawn(async move { waiting.read(READS.bytes, |_| Ok(())).await });
        tokio::task::yield_now().await;
        assert_eq!(store.list_keys(&listing).await.unwrap_err().case(), "throttled");
        for (gate, call) in gates {
            drop(gate);
            call.await.unwrap().unwrap();
        }
        waits.await.unwrap().unwrap();
        assert_eq!(store.list_keys(&listing).await.unwrap().keys, ["b"]);
    }

    /// What an app without prefix asks for after the first of two keys, `a` and `b`.
    async fn second_page(store: &Arc<SqliteStore>) -> Listing {
        for name in ["a", "b"] {
            store.set(SetItem::new(key(name), "v")).await.unwrap();
        }
        let settings = StoreSettings {
            key_prefix: KeyPrefix::None,
            deadline: Duration::from_secs(60),
            limits: Limits::default(),
            guard: None,
        };
        let mut stores = AppStores::default();
        stores.insert("s", store.clone(), &settings, "app", None);
        let one = PageLimit::new(1).unwrap();
        let page = stores.get("s").unwrap().list_keys("", one, None).await.unwrap();
        let listing = KeyPrefix::None
            .resolve("app", "s", None)
            .listing("", &Limits::default());
        listing.unwrap().page(one, page.cursor.as_ref()).unwrap()
    }
}
