//! The store: what a call is in commands. Each is one script, and so one round trip.

use super::dial::Target;
use super::fault::{self, Call};
use super::layout::{self, Change};
use super::link::Link;
use super::listing::{self, Turn, Walk};
use super::open_error::OpenError;
use super::places::{Capacity, Place, Places, Refused};
use super::script::Script;
use super::settings::RedisSettings;
use super::wire::Wire;
use async_trait::async_trait;
use dapr_blocks::config::ByteSize;
use dapr_blocks::state::{
    BulkError, Consistency, DeleteItem, Entry, Features, GetOptions, Health, Key, Limits, Listing, Metadata, Operation,
    SetItem, StateError, StateStore, StoredPage, Ttl,
};
use redis::{Cmd, Pipeline, ServerErrorKind, Value};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout_at};

/// Calls that wait for the server: enough for every request that a busy host has under way, and at most so much of its
/// memory. Of reads, the bytes are those of their keys.
const WAITING: Capacity = Capacity {
    calls: 4096,
    bytes: 64 << 20,
};

/// How long replicas may take to have what was written with strong consistency: daprd's.
const REPLICATION: Duration = Duration::from_secs(1);

/// A timeout where there is none: the caller's own ends the call long before.
const FOREVER: Duration = Duration::from_secs(24 * 60 * 60);

/// A store on a Redis server.
pub struct RedisStore {
    target: Arc<Target>,
    link: Link,
    /// For writes with strong consistency, which keep their connection waiting. Made for the first of them.
    strong: OnceCell<Link>,
    places: Places,
    read_timeout: Duration,
    write_timeout: Duration,
    default_ttl: Option<Ttl>,
}

/// Whether changes stand and fall together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Together {
    All,
    Each,
}

impl RedisStore {
    /// Connects to the server.
    ///
    /// # Errors
    ///
    /// [`OpenError`] names what stands in the way.
    pub async fn open(settings: &RedisSettings) -> Result<Self, OpenError> {
        let target = Arc::new(Target::new(settings)?);
        let wire = target.dial().await.map_err(|source| OpenError::Dial {
            address: target.address().clone(),
            source,
        })?;
        Ok(Self {
            link: Link::new(Arc::clone(&target), wire),
            target,
            strong: OnceCell::new(),
            places: Places::new(WAITING),
            read_timeout: settings.read_timeout.unwrap_or(FOREVER),
            write_timeout: settings.write_timeout.unwrap_or(FOREVER),
            default_ttl: settings.ttl,
        })
    }

    fn place(&self, bytes: usize) -> Result<Place<'_>, StateError> {
        self.places.take(bytes).map_err(|refused| match refused {
            Refused::Full => StateError::Throttled,
            Refused::Closed => fault::closed(),
        })
    }

    // ---- reading ----

    async fn read(&self, keys: &[Key], max_bytes: usize) -> Result<Vec<Option<Entry>>, StateError> {
        let size = keys.iter().map(|key| key.as_str().len()).sum();
        let _place = self.place(size)?;
        let asked = Asked::now(Call::Read, self.read_timeout);
        let wire = asked.wire(&self.link).await?;
        let evaluated = |name: &str| {
            let mut command = evaluate(name, keys.iter(), size);
            command.arg(max_bytes).arg(Limits::default().value);
            command
        };
        let reply = asked.run(&wire, Script::Read, evaluated, &[]).await?;
        layout::entries(reply, keys.len())
    }

    /// One step through all keys: those that match, and the number of the next one.
    async fn scan(&self, step: u64, pattern: &str) -> Result<(u64, Vec<Vec<u8>>), StateError> {
        let _place = self.place(pattern.len())?;
        let asked = Asked::now(Call::Read, self.read_timeout);
        let wire = asked.wire(&self.link).await?;
        let mut command = redis::cmd("SCAN");
        command.arg(step).arg("MATCH").arg(pattern);
        command.arg("COUNT").arg(listing::STEP);
        layout::scanned(asked.one(&wire, command, &[]).await?)
    }

    // ---- writing ----

    /// The positions of the changes whose condition does not hold. With [`Together::All`] nothing was done if there are any.
    async fn write(
        &self,
        changes: &[Change<'_>],
        together: Together,
        consistency: Option<Consistency>,
    ) -> Result<Vec<usize>, StateError> {
        let size = changes.iter().map(Change::size).sum();
        let _place = self.place(size)?;
        let asked = Asked::now(Call::Write, self.write_timeout);
        let mut wire = asked.wire(&self.link).await?;
        let mut after = Vec::new();
        if consistency == Some(Consistency::Strong) && wire.replicas() > 0 {
            wire = asked.wire(self.strong_link(&asked).await?).await?;
            let mut wait = redis::cmd("WAIT");
            wait.arg(wire.replicas()).arg(REPLICATION.as_millis() as u64);
            after.push(wait);
        }
        let evaluated = |name: &str| {
            let mut command = evaluate(name, changes.iter().map(Change::key), size);
            command.arg(match together {
                Together::All => "all",
                Together::Each => "each",
            });
            for change in changes {
                let words = change.words(self.default_ttl);
                command.arg(words.condition).arg(words.action).arg(words.ttl);
                command.arg(words.content_type).arg(words.value);
            }
            command
        };
        let reply = asked.run(&wire, Script::Write, evaluated, &after).await?;
        layout::mismatches(reply, changes.len())
    }

    /// The connection of writes that wait for replicas: Redis does nothing else on it meanwhile.
    async fn strong_link(&self, asked: &Asked) -> Result<&Link, StateError> {
        let make = async {
            let wire = self.target.dial().await;
            wire.map(|wire| Link::new(Arc::clone(&self.target), wire))
        };
        let made = asked.in_time(self.strong.get_or_try_init(|| make)).await?;
        made.map_err(|error| fault::unavailable("there is no connection to Redis", Some(Box::new(error))))
    }

    /// All changes or none.
    async fn all(&self, changes: &[Change<'_>], consistency: Option<Consistency>) -> Result<(), StateError> {
        let mismatches = self.write(changes, Together::All, consistency).await?;
        match mismatches.first() {
            None => Ok(()),
            Some(position) => Err(mismatch(changes, *position)),
        }
    }

    /// Each change on its own.
    async fn each(&self, changes: &[Change<'_>], consistency: Option<Consistency>) -> Result<(), BulkError> {
        let mismatches = self.write(changes, Together::Each, consistency).await?;
        let mut results: Vec<_> = changes.iter().map(|_| Ok(())).collect();
        for position in mismatches {
            if let Some(result) = results.get_mut(position) {
                *result = Err(mismatch(changes, position));
            }
        }
        BulkError::from_results(results)
    }
}

fn mismatch(changes: &[Change<'_>], position: usize) -> StateError {
    StateError::EtagMismatch {
        key: changes.get(position).map(|change| change.key().as_str().to_owned()),
    }
}

/// The strongest that any of them asks for.
fn strongest(consistencies: impl Iterator<Item = Option<Consistency>>) -> Option<Consistency> {
    let mut strongest = None;
    for consistency in consistencies {
        if consistency == Some(Consistency::Strong) {
            return consistency;
        }
        strongest = strongest.or(consistency);
    }
    strongest
}

/// The command that runs a script on keys, without its further words.
fn evaluate<'a>(name: &str, keys: impl ExactSizeIterator<Item = &'a Key>, size: usize) -> Cmd {
    // Each change has five words besides its key.
    let count = keys.len();
    let mut command = Cmd::with_capacity(4 + 6 * count, size + 64 + 32 * count);
    command.arg("EVALSHA").arg(name).arg(count);
    for key in keys {
        command.arg(key.as_str());
    }
    command
}

/// A call that is under way, and until when.
struct Asked {
    call: Call,
    timeout: Duration,
    until: Instant,
}

impl Asked {
    fn now(call: Call, timeout: Duration) -> Self {
        Self {
            call,
            timeout,
            until: Instant::now() + timeout,
        }
    }

    /// What comes before anything is sent.
    async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T, StateError> {
        let done = timeout_at(self.until, work).await;
        done.map_err(|_| fault::of_no_link_in(self.timeout))
    }

    async fn wire(&self, link: &Link) -> Result<Arc<Wire>, StateError> {
        self.in_time(link.wire()).await?.map_err(fault::of_no_link)
    }

    /// Runs a script, and gives it to the server first if that has forgotten it: then nothing was done.
    async fn run(
        &self,
        wire: &Wire,
        script: Script,
        evaluated: impl Fn(&str) -> Cmd,
        after: &[Cmd],
    ) -> Result<Value, StateError> {
        let name = wire.name_of(script);
        let mut commands = Pipeline::with_capacity(2 + after.len());
        commands.add_command(evaluated(name));
        match self.reply(wire, commands, after).await? {
            Value::ServerError(error) if error.kind() == Some(ServerErrorKind::NoScript) => {
                let mut commands = Pipeline::with_capacity(3 + after.len());
                commands.cmd("SCRIPT").arg("LOAD").arg(script.text());
                commands.add_command(evaluated(name));
                accepted(wire, self.reply(wire, commands, after).await?)
            }
            reply => accepted(wire, reply),
        }
    }

    async fn one(&self, wire: &Wire, command: Cmd, after: &[Cmd]) -> Result<Value, StateError> {
        let mut commands = Pipeline::with_capacity(1 + after.len());
        commands.add_command(command);
        accepted(wire, self.reply(wire, commands, after).await?)
    }

    /// The reply to the last of these commands, when those that come after have theirs.
    async fn reply(&self, wire: &Wire, mut commands: Pipeline, after: &[Cmd]) -> Result<Value, StateError> {
        let wanted = commands.len() - 1;
        for command in after {
            commands.add_command(command.clone());
        }
        let asked = timeout_at(self.until, wire.ask(&commands)).await;
        let asked = asked.map_err(|_| fault::of_silence(self.call, self.timeout))?;
        let replies = asked.map_err(|error| fault::of_end(self.call, error))?;
        let reply = replies.into_iter().nth(wanted);
        reply.ok_or_else(|| layout::strange("fewer commands than it was sent"))
    }
}

/// The reply, unless it is an error.
fn accepted(wire: &Wire, reply: Value) -> Result<Value, StateError> {
    match reply {
        Value::ServerError(error) => {
            if fault::is_replica(&error) {
                wire.give_up();
            }
            Err(fault::of_server(&error))
        }
        reply => Ok(reply),
    }
}

#[async_trait]
impl StateStore for RedisStore {
    fn features(&self) -> Features {
        Features::ALL
    }

    fn bounds(&self) -> Option<String> {
        let (calls, bytes) = (WAITING.calls, ByteSize::bytes(WAITING.bytes.into()));
        Some(format!("{calls} calls of {bytes} wait at most"))
    }

    fn health(&self) -> Health {
        self.link.health()
    }

    async fn get(&self, key: &Key, _options: &GetOptions) -> Result<Option<Entry>, StateError> {
        let entries = self.read(std::slice::from_ref(key), usize::MAX).await?;
        Ok(entries.into_iter().next().flatten())
    }

    /// Answers one state of the database: no write comes between two of the items.
    async fn bulk_get(
        &self,
        keys: &[Key],
        _options: &GetOptions,
        max_bytes: usize,
    ) -> Result<Vec<Option<Entry>>, StateError> {
        self.read(keys, max_bytes).await
    }

    async fn set(&self, item: SetItem) -> Result<(), StateError> {
        self.all(&[Change::Set(&item)], item.consistency).await
    }

    async fn bulk_set(&self, items: Vec<SetItem>) -> Result<(), BulkError> {
        let changes: Vec<_> = items.iter().map(Change::Set).collect();
        self.each(&changes, strongest(items.iter().map(|item| item.consistency)))
            .await
    }

    async fn delete(&self, item: DeleteItem) -> Result<(), StateError> {
        self.all(&[Change::Delete(&item)], item.consistency).await
    }

    async fn bulk_delete(&self, items: Vec<DeleteItem>) -> Result<(), BulkError> {
        let changes: Vec<_> = items.iter().map(Change::Delete).collect();
        self.each(&changes, strongest(items.iter().map(|item| item.consistency)))
            .await
    }

    async fn transact(&self, operations: Vec<Operation>, _metadata: &Metadata) -> Result<(), StateError> {
        let changes: Vec<_> = operations.iter().map(Change::from).collect();
        let consistencies = operations.iter().map(|operation| match operation {
            Operation::Set(item) => item.consistency,
            Operation::Delete(item) => item.consistency,
        });
        self.all(&changes, strongest(consistencies)).await
    }

    async fn list_keys(&self, listing: &Listing) -> Result<StoredPage, StateError> {
        let mut walk = Walk::new(listing)?;
        let pattern = listing::pattern(listing.prefix());
        loop {
            let (next, keys) = self.scan(walk.step(), &pattern).await?;
            match walk.take(keys, next) {
                Turn::Page(page) => return Ok(page),
                Turn::Goes(on) => walk = on,
            }
        }
    }

    async fn close(&self) {
        // Whoever is under way has its own timeout.
        self.places.clear().await;
        self.link.close();
        if let Some(link) = self.strong.get() {
            link.close();
        }
    }
}
