//! daprd's side of a file: its statements, word for word (dapr/components-contrib `c23900d2`, `state/sqlite` and
//! `common/component/sql/migrations/sqlite`), with its connection's pragmas.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rusqlite::{Connection, OptionalExtension};
use std::path::Path;

pub(crate) struct Daprd(Connection);

/// A value as daprd's API takes it.
pub(crate) enum Value<'a> {
    /// Over HTTP: always JSON.
    Json(&'a str),
    /// Over gRPC.
    Bytes(&'a [u8]),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) data: Vec<u8>,
    pub(crate) etag: String,
    pub(crate) expires: Option<String>,
}

impl Daprd {
    /// Opens the file and brings it to daprd's layout.
    pub(crate) fn open(path: &Path) -> Self {
        let connection = Connection::open(path).unwrap();
        connection
            .execute_batch("PRAGMA busy_timeout(10000); PRAGMA journal_mode(WAL)")
            .unwrap();
        connection.execute_batch("BEGIN EXCLUSIVE TRANSACTION").unwrap();
        let exists: String = connection
            .query_row(
                "SELECT CAST(EXISTS (
                    SELECT name FROM sqlite_master WHERE type='table' AND name = ?
                ) AS TEXT) AS 'exists'",
                ["metadata"],
                |row| row.get(0),
            )
            .unwrap();
        if exists != "1" {
            connection
                .execute_batch(
                    "CREATE TABLE IF NOT EXISTS metadata (
                        key text NOT NULL PRIMARY KEY,
                        value text NOT NULL
                    )",
                )
                .unwrap();
        }
        let level: Option<String> = connection
            .query_row("SELECT value FROM metadata WHERE key = 'migrations'", [], |row| {
                row.get(0)
            })
            .optional()
            .unwrap();
        if level.map_or(0, |level| level.parse::<i64>().unwrap()) < 1 {
            connection
                .execute_batch(
                    "CREATE TABLE IF NOT EXISTS state (
                            key TEXT NOT NULL PRIMARY KEY,
                            value TEXT NOT NULL,
                            is_binary BOOLEAN NOT NULL,
                            etag TEXT NOT NULL,
                            expiration_time TIMESTAMP DEFAULT NULL,
                            update_time TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
                        )",
                )
                .unwrap();
            connection
                .execute("REPLACE INTO metadata (key, value) VALUES ('migrations', ?)", ["1"])
                .unwrap();
        }
        connection.execute_batch("COMMIT TRANSACTION").unwrap();
        Self(connection)
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.0
    }

    pub(crate) fn set(&self, key: &str, value: &Value<'_>, ttl: Option<i64>) -> String {
        let (text, is_binary, etag) = encoded(value);
        let statement = format!(
            "INSERT OR REPLACE INTO state
                (key, value, is_binary, etag, update_time, expiration_time)
            VALUES(?, ?, ?, ?, CURRENT_TIMESTAMP, {})",
            expiration(ttl)
        );
        self.0.execute(&statement, (key, text, is_binary, &etag)).unwrap();
        etag
    }

    /// Whether the item was created.
    pub(crate) fn first_write(&self, key: &str, value: &Value<'_>) -> bool {
        let (text, is_binary, etag) = encoded(value);
        let statement = "WITH a AS (
                SELECT
                    ?, ?, ?, ?, NULL, CURRENT_TIMESTAMP
                WHERE NOT EXISTS (
                    SELECT 1
                    FROM state
                    WHERE key = ?
                        AND (expiration_time IS NULL OR expiration_time > CURRENT_TIMESTAMP)
                )
            )
            INSERT OR REPLACE INTO state
            SELECT * FROM a
            RETURNING 1";
        let created = self
            .0
            .query_row(statement, (key, text, is_binary, etag, key), |_| Ok(()))
            .optional();
        created.unwrap().is_some()
    }

    /// Whether the etag matched.
    pub(crate) fn set_with_etag(&self, key: &str, value: &Value<'_>, etag: &str) -> bool {
        let (text, is_binary, new_etag) = encoded(value);
        let statement = "UPDATE state SET
                value = ?,
                etag = ?,
                is_binary = ?,
                update_time = CURRENT_TIMESTAMP,
                expiration_time = NULL
            WHERE
                key = ?
                AND etag = ?
                AND (expiration_time IS NULL OR expiration_time > CURRENT_TIMESTAMP)";
        self.0
            .execute(statement, (text, new_etag, is_binary, key, etag))
            .unwrap()
            == 1
    }

    pub(crate) fn delete(&self, key: &str) {
        self.0.execute("DELETE FROM state WHERE key = ?", [key]).unwrap();
    }

    pub(crate) fn get(&self, key: &str) -> Option<Found> {
        let statement = "SELECT key, value, is_binary, etag, expiration_time FROM state
            WHERE
                key = ?
                AND (expiration_time IS NULL OR expiration_time > CURRENT_TIMESTAMP)";
        let found = self.0.query_row(statement, [key], |row| {
            let (text, is_binary): (String, bool) = (row.get(1)?, row.get(2)?);
            let data = if is_binary {
                STANDARD.decode(text).unwrap()
            } else {
                text.into_bytes()
            };
            Ok(Found {
                data,
                etag: row.get(3)?,
                expires: row.get(4)?,
            })
        });
        found.optional().unwrap()
    }

    pub(crate) fn keys_like(&self, pattern: &str) -> Vec<String> {
        let statement = r"SELECT key, rowid
            FROM state
            WHERE key LIKE ? ESCAPE '\' AND (expiration_time IS NULL OR expiration_time > CURRENT_TIMESTAMP)
            ORDER BY rowid ASC";
        let mut statement = self.0.prepare(statement).unwrap();
        let keys = statement.query_map([pattern], |row| row.get(0)).unwrap();
        keys.collect::<Result<_, _>>().unwrap()
    }

    pub(crate) fn clean_up(&self) {
        let statement = "DELETE FROM state
        WHERE
            expiration_time IS NOT NULL
            AND expiration_time < CURRENT_TIMESTAMP";
        self.0.execute(statement, []).unwrap();
    }
}

fn encoded(value: &Value<'_>) -> (String, bool, String) {
    let etag = uuid::Uuid::new_v4().to_string();
    match value {
        Value::Json(text) => ((*text).to_owned(), false, etag),
        Value::Bytes(bytes) => (STANDARD.encode(bytes), true, etag),
    }
}

fn expiration(ttl: Option<i64>) -> String {
    ttl.map_or("NULL".to_owned(), |ttl| {
        format!("DATETIME(CURRENT_TIMESTAMP, '+{ttl} seconds')")
    })
}
