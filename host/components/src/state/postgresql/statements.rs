//! What this host says to PostgreSQL about items, prepared once a connection.
//!
//! Each operation is one statement, and so one round trip and one transaction. Only a transaction with deletions is more:
//! `BEGIN`, two statements and `COMMIT`, sent together.
//!
//! What several rows have to do with each other is settled by locks in the order of keys, so that two hosts do not wait for
//! each other in a circle: conditional writes lock all their rows before they look at them, and rows are inserted in order.

use super::layout::Layout;
use super::settings::PostgresqlSettings;
use tokio_postgres::{Client, Error, Statement};

/// Conditions of a write, in the array of them.
pub(super) const ANY: i16 = 0;
pub(super) const ABSENT: i16 = 1;
pub(super) const MATCHES: i16 = 2;

/// All statements of a connection.
pub(super) struct Statements {
    /// key, most bytes -> value, etag, end, content type, bytes
    pub(super) get: Statement,
    /// keys, most bytes together -> key, value, etag, end, content type, bytes together
    pub(super) bulk_get: Statement,
    /// key, value, is JSON, TTL, content type, whether it must be absent -> rows
    pub(super) upsert: Statement,
    /// key, value, is JSON, TTL, content type, etag -> rows
    pub(super) update: Statement,
    /// key, etag or null -> rows
    pub(super) delete: Statement,
    /// The arrays of a write -> the numbers of those that were not done
    pub(super) write_each: Statement,
    /// The same, all or none -> the numbers of those whose condition does not hold
    pub(super) write_all: Statement,
    /// keys -> nothing
    pub(super) purge: Statement,
    /// keys, etags or null -> the numbers of those that were not done
    pub(super) delete_each: Statement,
    /// a key, whether that one too, a key behind, how many -> keys
    pub(super) keys: Statement,
}

impl Statements {
    /// Prepares them, all in one round trip.
    pub(super) async fn prepare(client: &Client, settings: &PostgresqlSettings) -> Result<Self, Error> {
        let texts = Texts::new(settings);
        let (get, bulk_get, upsert, update, delete) = (
            texts.get(),
            texts.bulk_get(),
            texts.upsert(),
            texts.update(),
            texts.delete(),
        );
        let (write_each, write_all) = (texts.write(Extent::Each), texts.write(Extent::All));
        let (purge, delete_each, keys) = (texts.purge(), texts.delete_each(), texts.keys());
        let (get, bulk_get, upsert, update, delete, write_each, write_all, purge, delete_each, keys) = tokio::try_join!(
            client.prepare(&get),
            client.prepare(&bulk_get),
            client.prepare(&upsert),
            client.prepare(&update),
            client.prepare(&delete),
            client.prepare(&write_each),
            client.prepare(&write_all),
            client.prepare(&purge),
            client.prepare(&delete_each),
            client.prepare(&keys),
        )?;
        Ok(Self {
            get,
            bulk_get,
            upsert,
            update,
            delete,
            write_each,
            write_all,
            purge,
            delete_each,
            keys,
        })
    }
}

/// Whether writes stand and fall each by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Each,
    All,
}

/// The statements as text.
struct Texts<'a> {
    layout: &'a Layout,
    /// The table of the items, `s`.
    state: String,
    /// The table beside it, `b`.
    beside: String,
}

/// The end of an item with the TTL `i.ttl`: a whole second, so that it lives at least its TTL and less than a second more.
const END: &str = "date_trunc('second', now()) + make_interval(secs => i.ttl::float8 + 1)";

/// Behind `END`: the whole seconds that a write has waited for the row.
const WAITED: &str = "(date_trunc('second', clock_timestamp()) - date_trunc('second', now()))";

/// What an item is deleted with in a transaction, until the purge: an end that lies before all times.
const DELETED: &str = "'-infinity'::timestamptz";

impl<'a> Texts<'a> {
    fn new(settings: &'a PostgresqlSettings) -> Self {
        let layout = &settings.layout;
        Self {
            state: layout.table().to_string(),
            beside: settings.content_type_table().to_string(),
            layout,
        }
    }

    /// The rows `s` that have not ended, with what stands beside them.
    fn live(&self) -> String {
        let (state, beside, etag, end) = (&self.state, &self.beside, self.layout.etag(), self.layout.end());
        format!(
            "FROM {state} s LEFT JOIN {beside} b ON b.key = s.key AND b.etag = {etag}
            WHERE (s.{end} IS NULL OR s.{end} > now())"
        )
    }

    /// Etag, end and content type of such a row.
    fn about(&self) -> String {
        let (etag, end, content_type) = (self.layout.etag(), self.layout.end(), self.layout.content_type());
        format!("{etag} AS etag, ceil(extract(epoch FROM s.{end}))::bigint AS ends, {content_type} AS content_type")
    }

    fn get(&self) -> String {
        let (value, size, about, live) = (self.layout.value(), self.layout.size(), self.about(), self.live());
        format!(
            "SELECT CASE WHEN {size} <= $2::bigint THEN {value} END, {about}, {size} AS bytes
            {live} AND s.key = $1::text"
        )
    }

    /// The sum is made before values are looked at, so that too many of them are neither read nor sent.
    fn bulk_get(&self) -> String {
        let (value, size, stored) = (self.layout.value(), self.layout.size(), self.layout.stored());
        let (about, live) = (self.about(), self.live());
        format!(
            "SELECT key, CASE WHEN bytes <= $2::bigint THEN {value} END, etag, ends, content_type, bytes
            FROM (
                SELECT s.key, {stored}, {about}, (sum({size}) OVER ())::bigint AS bytes {live} AND s.key = ANY($1::text[])
            ) found"
        )
    }

    /// What stands beside the rows in `written`, of items `i` that are joined to them by `from`.
    fn write_beside(&self, from: &str) -> String {
        let (beside, original) = (&self.beside, self.layout.original());
        format!(
            "INSERT INTO {beside} AS b (key, etag, content_type, original)
            SELECT * FROM (
                SELECT w.key, w.etag, i.content_type, {original} AS original FROM {from}
            ) new WHERE content_type IS NOT NULL OR original IS NOT NULL ORDER BY key
            ON CONFLICT (key) DO UPDATE SET
                etag = excluded.etag, content_type = excluded.content_type, original = excluded.original"
        )
    }

    fn upsert(&self) -> String {
        let Self { layout, state, .. } = self;
        let (columns, given, end) = (layout.columns(), layout.given(), layout.end());
        let (replaced, is_live, etag) = (layout.replaced("excluded.value"), layout.is_live(), layout.etag());
        let beside = self.write_beside("written w, input i");
        format!(
            "WITH input AS (
                SELECT $1::text AS key, $2::bytea AS value, $3::bool AS is_json, $4::int4 AS ttl, $5::text AS content_type
            ), written AS (
                INSERT INTO {state} AS s (key, {columns}, {end}) SELECT i.key, {given}, {END} FROM input i
                ON CONFLICT (key) DO UPDATE SET {replaced}, {end} = excluded.{end} + {WAITED}
                    WHERE NOT ($6::bool AND {is_live})
                RETURNING s.key, {etag} AS etag
            ), beside AS ({beside})
            SELECT count(*) FROM written"
        )
    }

    fn update(&self) -> String {
        let Self { layout, state, .. } = self;
        let (columns, given, end) = (layout.columns(), layout.given(), layout.end());
        let (replaced, is_live, etag) = (layout.replaced("excluded.value"), layout.is_live(), layout.etag());
        let beside = self.write_beside("written w, input i");
        format!(
            "WITH input AS (
                SELECT $1::text AS key, $2::bytea AS value, $3::bool AS is_json, $4::int4 AS ttl, $5::text AS content_type
            ), excluded ({columns}, {end}) AS (
                SELECT {given}, {END} FROM input i
            ), written AS (
                UPDATE {state} s SET {replaced}, {end} = excluded.{end} + {WAITED} FROM excluded
                WHERE s.key = $1 AND {etag} = $6::text AND {is_live}
                RETURNING s.key, {etag} AS etag
            ), beside AS ({beside})
            SELECT count(*) FROM written"
        )
    }

    fn delete(&self) -> String {
        let Self { layout, state, beside } = self;
        let (is_live, etag) = (layout.is_live(), layout.etag());
        format!(
            "WITH gone AS (
                DELETE FROM {state} s WHERE s.key = $1::text AND ($2::text IS NULL OR ({etag} = $2 AND {is_live}))
                RETURNING s.key
            ), beside AS (DELETE FROM {beside} b USING gone WHERE b.key = gone.key)
            SELECT count(*) FROM gone"
        )
    }

    /// Of several writes those whose condition holds, or all if all conditions hold.
    ///
    /// Rows with a condition are locked first; what is not there yet, nobody can lock, and so an item that must be absent is
    /// looked at again where it is inserted. By then others may be written. Of all or none, such a one ends all: it sets a
    /// column to null that cannot be.
    fn write(&self, extent: Extent) -> String {
        let Self { layout, state, .. } = self;
        let (columns, given, end) = (layout.columns(), layout.given(), layout.end());
        let (is_live, etag) = (layout.is_live(), layout.etag());
        let is_taken = format!("s.key = ANY($10::text[]) AND {is_live}");
        let (may_write, value, unless_taken, answer) = match extent {
            Extent::Each => (
                "i.n NOT IN (SELECT n FROM failed)",
                "excluded.value".to_owned(),
                format!("WHERE NOT ({is_taken})"),
                "SELECT i.n FROM input i WHERE NOT EXISTS (SELECT FROM written w WHERE w.key = i.key)",
            ),
            Extent::All => (
                "NOT EXISTS (SELECT FROM failed)",
                format!("CASE WHEN {is_taken} THEN NULL ELSE excluded.value END"),
                String::new(),
                "SELECT n FROM failed",
            ),
        };
        let replaced = layout.replaced(&value);
        let beside = self.write_beside("written w JOIN input i ON i.key = w.key");
        format!(
            "WITH input AS (
                SELECT * FROM unnest($1::text[], $2::bytea[], $3::bool[], $4::int4[], $5::text[], $6::int2[], $7::text[],
                    $8::bool[]) WITH ORDINALITY AS i (key, value, is_json, ttl, content_type, condition, etag, is_deletion, n)
            ), locked AS (
                SELECT s.key, {etag} AS etag, {is_live} AS is_live FROM {state} s WHERE s.key = ANY($9::text[])
                ORDER BY s.key FOR UPDATE
            ), failed AS MATERIALIZED (
                SELECT i.n FROM input i LEFT JOIN locked l ON l.key = i.key
                WHERE (i.condition = {MATCHES} AND (l.is_live AND l.etag = i.etag) IS NOT TRUE)
                    OR (i.condition = {ABSENT} AND l.is_live)
            ), written AS (
                INSERT INTO {state} AS s (key, {columns}, {end})
                SELECT i.key, {given}, CASE WHEN i.is_deletion THEN {DELETED} ELSE {END} END
                FROM input i WHERE {may_write} ORDER BY i.key
                ON CONFLICT (key) DO UPDATE SET {replaced}, {end} = excluded.{end} + {WAITED} {unless_taken}
                RETURNING s.key, {etag} AS etag
            ), beside AS ({beside})
            {answer}"
        )
    }

    fn purge(&self) -> String {
        let (Self { state, beside, .. }, end) = (self, self.layout.end());
        format!(
            "WITH gone AS (
                DELETE FROM {state} s WHERE s.key = ANY($1::text[]) AND s.{end} = {DELETED} RETURNING s.key
            ) DELETE FROM {beside} b USING gone WHERE b.key = gone.key"
        )
    }

    fn delete_each(&self) -> String {
        let Self { layout, state, beside } = self;
        let (is_live, etag) = (layout.is_live(), layout.etag());
        format!(
            "WITH input AS (
                SELECT * FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS i (key, etag, n)
            ), locked AS (
                SELECT s.key, {etag} AS etag, {is_live} AS is_live FROM {state} s WHERE s.key = ANY($1)
                ORDER BY s.key FOR UPDATE
            ), gone AS (
                DELETE FROM {state} s USING locked l, input i
                WHERE s.key = l.key AND i.key = l.key AND (i.etag IS NULL OR (l.is_live AND l.etag = i.etag))
                RETURNING s.key
            ), beside AS (DELETE FROM {beside} b USING gone WHERE b.key = gone.key)
            SELECT i.n FROM input i WHERE i.etag IS NOT NULL AND NOT EXISTS (SELECT FROM gone g WHERE g.key = i.key)"
        )
    }

    /// In the order of bytes, whatever the order of the database.
    fn keys(&self) -> String {
        let (Self { state, .. }, end) = (self, self.layout.end());
        format!(
            "SELECT s.key FROM {state} s
            WHERE s.key COLLATE \"C\" >= $1::text AND ($2::bool OR s.key <> $1) AND s.key COLLATE \"C\" < $3::text
                AND (s.{end} IS NULL OR s.{end} > now())
            ORDER BY s.key COLLATE \"C\" LIMIT $4::bigint"
        )
    }
}
