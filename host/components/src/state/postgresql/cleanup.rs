//! Removes items that have ended.
//!
//! Reads do not see them, so this is for space alone. As daprd does, a host takes the row `last-cleanup` first, so that of
//! several on one database only one cleans up each time. It works in steps of [`ITEMS`] rows, each a statement of its own, and
//! passes over items that somebody is writing.
//!
//! While the server is away, the task waits for it instead (`probe`).

use super::fault::{Fault, Stage};
use super::probe;
use super::session::Session;
use super::settings::PostgresqlSettings;
use super::store::{Request, Shared};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Rows that a step removes or looks at: some milliseconds' work.
const ITEMS: usize = 1000;

/// daprd's slack, so that two hosts of the same interval do not miss every second turn by a hair.
const SLACK: Duration = Duration::from_millis(100);

/// How often connections are looked at that nobody uses.
const PRUNE: Duration = Duration::from_secs(60);

/// The task, which ends with this.
pub(super) struct Cleanup(JoinHandle<()>);

impl Drop for Cleanup {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Cleanup {
    pub(super) fn start(shared: Arc<Shared>) -> Self {
        Self(tokio::spawn(async move { run(&shared).await }))
    }

    /// Ends it before.
    pub(super) fn stop(&self) {
        self.0.abort();
    }
}

async fn run(shared: &Shared) {
    let interval = shared.settings.cleanup_interval;
    let prune = PRUNE.min(shared.settings.max_idle);
    let mut due = interval.map(|_| Instant::now());
    loop {
        let next_prune = Instant::now() + prune;
        let next = due.map_or(next_prune, |due| due.min(next_prune));
        tokio::select! {
            () = tokio::time::sleep_until(next) => {}
            () = shared.pulse.lost() => {
                probe::until_well(shared).await;
                continue;
            }
        }
        shared.pool.prune();
        if let Some(interval) = interval
            && due.is_some_and(|due| due <= Instant::now())
        {
            let wait = clean(shared, interval).await.unwrap_or_else(|fault| {
                let error = fault.into_error();
                tracing::warn!(%error, "cleaning up a PostgreSQL store failed");
                interval
            });
            due = Some(Instant::now() + wait);
        }
    }
}

/// Cleans up if it is this host's turn; answers when to come again.
async fn clean(shared: &Shared, interval: Duration) -> Result<Duration, Fault> {
    let timeout = shared.settings.timeout;
    let turn = Turn {
        settings: &shared.settings,
        interval,
    };
    if let Some(due_in) = shared.ask(&turn, timeout).await? {
        return Ok(due_in.clamp(SLACK, interval.max(SLACK)));
    }
    let items = Items {
        statement: items(&shared.settings),
    };
    while shared.ask(&items, timeout).await? >= ITEMS as u64 {}
    let statement = content_types(&shared.settings);
    let mut after = Some(String::new());
    while let Some(key) = after {
        let statement = &statement;
        after = shared.ask(&ContentTypes { statement, after: key }, timeout).await?;
    }
    Ok(interval)
}

/// Takes the turn: none if it was due, else when it is.
struct Turn<'a> {
    settings: &'a PostgresqlSettings,
    interval: Duration,
}

impl Request for Turn<'_> {
    type Answer = Option<Duration>;
    // Whether a turn was taken twice harms nobody, but who does not know has not got it.
    const STAGE: Stage = Stage::Write;

    async fn ask(&self, session: &Session) -> Result<Self::Answer, Fault> {
        let failed = |error| Fault::new(error, Self::STAGE);
        let metadata = &self.settings.metadata_table;
        let row = self.settings.layout.cleanup_row();
        let millis = i64::try_from(self.interval.saturating_sub(SLACK).as_millis()).unwrap_or(i64::MAX);
        let since = "(extract(epoch FROM now() - m.value::timestamp with time zone) * 1000)::bigint";
        let take = format!(
            "INSERT INTO {metadata} AS m (key, value) VALUES ($1::text, now()::text)
            ON CONFLICT (key) DO UPDATE SET value = now()::text WHERE {since} > $2::bigint"
        );
        if session
            .client()
            .execute(&take, &[&row, &millis])
            .await
            .map_err(failed)?
            > 0
        {
            return Ok(None);
        }
        let due = format!("SELECT $2::bigint - {since} FROM {metadata} m WHERE m.key = $1::text");
        let due = session
            .client()
            .query_opt(&due, &[&row, &millis])
            .await
            .map_err(failed)?;
        let due: Option<i64> = due.map(|row| row.try_get(0)).transpose().map_err(failed)?;
        let due = due.and_then(|millis| u64::try_from(millis).ok());
        Ok(Some(due.map_or(self.interval, Duration::from_millis)))
    }
}

/// Items that have ended; answers how many it removed.
struct Items {
    statement: String,
}

impl Request for Items {
    type Answer = u64;
    // What is done twice is done once.
    const STAGE: Stage = Stage::Read;

    async fn ask(&self, session: &Session) -> Result<u64, Fault> {
        let removed = session.client().execute(&self.statement, &[]).await;
        removed.map_err(|error| Fault::new(error, Self::STAGE))
    }
}

/// Content types of items that are gone, among those behind a key; answers the last key that it looked at.
struct ContentTypes<'a> {
    statement: &'a str,
    after: String,
}

impl Request for ContentTypes<'_> {
    type Answer = Option<String>;
    const STAGE: Stage = Stage::Read;

    async fn ask(&self, session: &Session) -> Result<Option<String>, Fault> {
        let row = session.client().query_one(self.statement, &[&self.after]).await;
        row.and_then(|row| row.try_get(0))
            .map_err(|error| Fault::new(error, Self::STAGE))
    }
}

fn items(settings: &PostgresqlSettings) -> String {
    let (state, end) = (settings.layout.table(), settings.layout.end());
    format!(
        "DELETE FROM {state} WHERE key IN (
            SELECT key FROM {state} WHERE {end} IS NOT NULL AND {end} <= now() LIMIT {ITEMS} FOR UPDATE SKIP LOCKED)"
    )
}

/// What stands beside items that are gone: daprd, which deletes some, does not know that table. One that is written anew
/// meanwhile has another etag.
fn content_types(settings: &PostgresqlSettings) -> String {
    let (state, beside) = (settings.layout.table(), settings.content_type_table());
    format!(
        "WITH next AS MATERIALIZED (
            SELECT key, etag FROM {beside} WHERE key > $1::text ORDER BY key LIMIT {ITEMS}
        ), gone AS (
            DELETE FROM {beside} b USING next n WHERE b.key = n.key AND b.etag = n.etag
                AND NOT EXISTS (SELECT FROM {state} s WHERE s.key = n.key)
        ) SELECT max(key) FROM next"
    )
}
