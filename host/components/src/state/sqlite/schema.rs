//! daprd's tables, and what stands beside them.
//!
//! daprd makes two tables (dapr/components-contrib `state/sqlite/sqlite_migrations.go`,
//! `common/component/sql/migrations/sqlite`): the items, and a table of names and values whose row `migrations` is the version
//! of the layout. This host makes the same, and two things that daprd does not look at:
//!
//! | what | why |
//! |---|---|
//! | table `TABLE_content_type` | an item's content type, for which daprd's row has no place. Its etag ties it to one write of the item: when daprd has written since, it is ignored |
//! | index `TABLE_expiration` | the items that end, so that cleaning up and listing need not read all items' values |

use super::open_error::{OpenError, Said};
use super::reader::Reader;
use super::settings::SqliteSettings;
use super::writer::Writer;
use rusqlite::{Connection, ErrorCode, OptionalExtension};

/// The version of daprd's layout that this host reads and writes: `migrations` in the metadata table.
const LAYOUT: u32 = 1;

/// Brings the tables to the layout that this host knows, if they are older, under the lock that daprd takes for it. A file
/// with tables of another kind is refused before the commit, and so stays as it is.
pub(super) fn migrate(connection: &Connection, settings: &SqliteSettings) -> Result<(), OpenError> {
    let failed = |error| OpenError::sqlite(&settings.path, error);
    // Reads the header, so that what is no database is told apart before anything is changed.
    connection
        .pragma_query_value(None, "schema_version", |_| Ok(()))
        .map_err(failed)?;
    connection
        .execute_batch("BEGIN EXCLUSIVE TRANSACTION")
        .map_err(failed)?;
    let migrated = migrate_locked(connection, settings)
        .and_then(|()| check(connection, settings))
        .and_then(|()| connection.execute_batch("COMMIT TRANSACTION").map_err(failed));
    if migrated.is_err() && !connection.is_autocommit() {
        // The first error is the one to report; without the commit, the file keeps what it had.
        let _ = connection.execute_batch("ROLLBACK TRANSACTION");
    }
    migrated
}

fn migrate_locked(connection: &Connection, settings: &SqliteSettings) -> Result<(), OpenError> {
    let failed = |error| wrong_tables(settings, error);
    let (state, metadata) = (settings.table.as_str(), settings.metadata_table.as_str());
    let create_metadata = format!(
        "CREATE TABLE IF NOT EXISTS \"{metadata}\" (
            key text NOT NULL PRIMARY KEY,
            value text NOT NULL
        )"
    );
    connection.execute_batch(&create_metadata).map_err(failed)?;
    if layout(connection, settings)? < LAYOUT {
        let create_state = format!(
            "CREATE TABLE IF NOT EXISTS \"{state}\" (
                key TEXT NOT NULL PRIMARY KEY,
                value TEXT NOT NULL,
                is_binary BOOLEAN NOT NULL,
                etag TEXT NOT NULL,
                expiration_time TIMESTAMP DEFAULT NULL,
                update_time TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
            )"
        );
        connection.execute_batch(&create_state).map_err(failed)?;
        let record = format!("REPLACE INTO \"{metadata}\" (key, value) VALUES ('migrations', ?1)");
        connection.execute(&record, [LAYOUT.to_string()]).map_err(failed)?;
    }
    let (content_type, expiration) = (settings.content_type_table(), settings.expiration_index());
    let beside = format!(
        "CREATE TABLE IF NOT EXISTS \"{content_type}\" (
            key TEXT NOT NULL PRIMARY KEY,
            etag TEXT NOT NULL,
            content_type TEXT NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS \"{expiration}\" ON \"{state}\" (expiration_time)
            WHERE expiration_time IS NOT NULL"
    );
    connection.execute_batch(&beside).map_err(failed)
}

/// That the tables have what will be asked of them.
fn check(connection: &Connection, settings: &SqliteSettings) -> Result<(), OpenError> {
    let failed = |error| wrong_tables(settings, error);
    Writer::new(connection, settings).map_err(failed)?;
    Reader::new(connection, settings).map_err(failed)?;
    Ok(())
}

/// The version of the layout that the metadata table names, 0 if it names none.
fn layout(connection: &Connection, settings: &SqliteSettings) -> Result<u32, OpenError> {
    let table = settings.metadata_table.as_str();
    let query = format!("SELECT CAST(value AS TEXT) FROM \"{table}\" WHERE key = 'migrations'");
    let found = connection
        .query_row(&query, [], |row| row.get::<_, String>(0))
        .optional();
    let Some(found) = found.map_err(|error| wrong_tables(settings, error))? else {
        return Ok(0);
    };
    match found.parse() {
        Ok(layout) if layout <= LAYOUT => Ok(layout),
        _ => Err(OpenError::LaterLayout {
            path: settings.path.clone(),
            table: table.to_owned(),
            found,
            known: LAYOUT,
        }),
    }
}

/// A statement that names a table or column which is not there finds tables of another kind.
pub(super) fn wrong_tables(settings: &SqliteSettings, error: rusqlite::Error) -> OpenError {
    let is_about_tables = match &error {
        rusqlite::Error::SqlInputError { .. } => true,
        error => error.sqlite_error_code() == Some(ErrorCode::Unknown),
    };
    if is_about_tables {
        return OpenError::OtherTables {
            path: settings.path.clone(),
            source: Said(error),
        };
    }
    OpenError::sqlite(&settings.path, error)
}
