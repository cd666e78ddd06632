//! daprd's tables, and what stands beside them.
//!
//! daprd makes two tables (dapr/components-contrib `state/postgresql/v1/migrations.go`, `state/postgresql/v2/postgresql.go`,
//! `common/component/sql/migrations/postgres`): the items, and a table of names and values with the level of the layout and a
//! row that is the lock of migrations. This host makes the same, under that lock and in one transaction, and things that
//! daprd does not look at:
//!
//! | what | why |
//! |---|---|
//! | table `TABLE_content_type` | an item's content type, for which daprd's row has no place, and in v1 the bytes of JSON that `jsonb` does not hand back. Its etag ties it to one write of the item: when daprd has written since, it is ignored |
//! | index `TABLE_key_bytes` | keys in the order of their bytes, whatever the database's own, for listing |
//! | index `TABLE_expiration`, v1 | the items that end, for cleaning up; v2 has one of daprd's |

use super::identifier::Identifier;
use super::layout::Layout;
use super::open_error::OpenError;
use super::server::Connector;
use super::session::{Bare, Session};
use super::settings::PostgresqlSettings;
use std::time::Duration;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};

/// How often daprd tries to create the metadata table: of two that do at once, one is told that a name is taken.
const TRIES: usize = 3;

/// How long it waits in between.
const REST: Duration = Duration::from_millis(50);

/// Connects, and makes the tables if they are missing. A database with tables of another kind stays as it is.
pub(super) async fn open(connector: &Connector, settings: &PostgresqlSettings) -> Result<Session, OpenError> {
    let mut bare = connect(connector, settings).await?;
    let tables = Tables::new(settings);
    tables.migrate(&mut bare.client).await?;
    bare.prepare(settings).await.map_err(|error| tables.failed(error))
}

/// The same, but makes nothing: where something is missing, it only looks at whether it could be made, and answers none.
pub(super) async fn look(connector: &Connector, settings: &PostgresqlSettings) -> Result<Option<Session>, OpenError> {
    let bare = connect(connector, settings).await?;
    let tables = Tables::new(settings);
    if !tables.is_complete(&bare.client).await? {
        tables.can_be_made(&bare.client).await?;
        return Ok(None);
    }
    let prepared = bare.prepare(settings).await;
    prepared.map(Some).map_err(|error| tables.failed(error))
}

async fn connect(connector: &Connector, settings: &PostgresqlSettings) -> Result<Bare, OpenError> {
    let server = || settings.server.to_string();
    let failed = |error| OpenError::postgres(server(), error);
    let bare = Bare::connect(connector).await.map_err(failed)?;
    let row = bare
        .client
        .query_one("SHOW server_encoding", &[])
        .await
        .map_err(failed)?;
    let found: String = row.try_get(0).map_err(failed)?;
    match found.as_str() {
        "UTF8" => Ok(bare),
        _ => Err(OpenError::Encoding {
            server: server(),
            found,
        }),
    }
}

/// The names of what there is to be.
struct Tables<'a> {
    settings: &'a PostgresqlSettings,
    state: String,
    metadata: String,
    beside: String,
    indices: Vec<Index>,
}

/// An index of this host's own.
struct Index {
    /// With its schema, as a look-up needs it.
    name: String,
    create: String,
}

impl<'a> Tables<'a> {
    fn new(settings: &'a PostgresqlSettings) -> Self {
        let table = settings.layout.table();
        let index = |ending: &str, on: &str| {
            let index = table.beside(ending);
            Index {
                name: index.to_string(),
                create: format!("CREATE INDEX IF NOT EXISTS {} ON {table} {on}", index.name()),
            }
        };
        let mut indices = vec![index("_key_bytes", "(key COLLATE \"C\")")];
        if let Layout::V1 { .. } = settings.layout {
            indices.push(index("_expiration", "(expiredate) WHERE expiredate IS NOT NULL"));
        }
        Self {
            settings,
            state: table.to_string(),
            metadata: settings.metadata_table.to_string(),
            beside: settings.content_type_table().to_string(),
            indices,
        }
    }

    fn failed(&self, error: Error) -> OpenError {
        OpenError::postgres(self.settings.server.to_string(), error)
    }

    async fn migrate(&self, client: &mut Client) -> Result<(), OpenError> {
        if self.is_complete(client).await? {
            return Ok(());
        }
        self.create_metadata(client).await.map_err(|error| self.failed(error))?;
        let transaction = client.transaction().await.map_err(|error| self.failed(error))?;
        let lock = format!("SELECT value FROM {} WHERE key = 'lock' FOR UPDATE", self.metadata);
        transaction
            .query(&lock, &[])
            .await
            .map_err(|error| self.failed(error))?;
        // Who had the lock may have done all.
        let level = self.level(transaction.client()).await?;
        self.migrate_locked(transaction.client(), level)
            .await
            .map_err(|error| self.failed(error))?;
        transaction.commit().await.map_err(|error| self.failed(error))?;
        for index in &self.indices {
            self.create_index(client, index).await?;
        }
        Ok(())
    }

    /// Whether there is nothing to do, for which a user needs no rights but to read.
    async fn is_complete(&self, client: &Client) -> Result<bool, OpenError> {
        let names = [&self.metadata, &self.state, &self.beside]
            .into_iter()
            .chain(self.indices.iter().map(|index| &index.name))
            .collect::<Vec<_>>();
        let query = "SELECT bool_and(to_regclass(name) IS NOT NULL) FROM unnest($1::text[]) AS name";
        let row = client.query_one(query, &[&names]).await;
        let are_there: bool = row.and_then(|row| row.try_get(0)).map_err(|error| self.failed(error))?;
        Ok(are_there && self.level(client).await? == self.settings.layout.level())
    }

    /// Refuses what making the tables would be refused, as far as a look can tell.
    async fn can_be_made(&self, client: &Client) -> Result<(), OpenError> {
        let is_there = async |table: &String| {
            let row = client.query_one("SELECT to_regclass($1) IS NOT NULL", &[table]).await;
            row.and_then(|row| row.try_get::<_, bool>(0))
                .map_err(|error| self.failed(error))
        };
        if is_there(&self.metadata).await? {
            self.level(client).await?;
        }
        if is_there(&self.state).await? {
            let columns = format!("SELECT key, value FROM {} LIMIT 0", self.state);
            client
                .batch_execute(&columns)
                .await
                .map_err(|error| self.failed(error))?;
        }
        for table in [&self.settings.metadata_table, &self.settings.layout.table()] {
            self.may_create_beside(client, table).await?;
        }
        Ok(())
    }

    /// Refuses if nobody, or not this user, may make a table where this one is to be.
    async fn may_create_beside(&self, client: &Client, table: &Identifier) -> Result<(), OpenError> {
        // A schema that is not there is an error of the server's; none of a path without one is a null.
        let query = "SELECT has_schema_privilege(coalesce($1::text, current_schema()::text), 'CREATE'),
            current_setting('transaction_read_only')::boolean";
        let row = client.query_one(query, &[&table.schema()]).await;
        let found = row.and_then(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
        let (server, source) = (self.settings.server.to_string(), None);
        match found.map_err(|error| self.failed(error))? {
            (None, _) => Err(OpenError::NoSchema { server, source }),
            (Some(false), _) => Err(OpenError::NotAllowed { server, source }),
            (Some(true), true) => Err(OpenError::ReadOnly { server, source }),
            (Some(true), false) => Ok(()),
        }
    }

    async fn create_metadata(&self, client: &Client) -> Result<(), Error> {
        let metadata = &self.metadata;
        let create = format!(
            "CREATE TABLE IF NOT EXISTS {metadata} (
                key text NOT NULL PRIMARY KEY,
                value text NOT NULL
            )"
        );
        let mut tries = 1;
        while let Err(error) = client.batch_execute(&create).await {
            if tries == TRIES || error.code() != Some(&SqlState::UNIQUE_VIOLATION) {
                return Err(error);
            }
            tries += 1;
            tokio::time::sleep(REST).await;
        }
        let lock = format!("INSERT INTO {metadata} (key, value) VALUES ('lock', 'lock') ON CONFLICT (key) DO NOTHING");
        client.batch_execute(&lock).await
    }

    /// The level of the layout that the metadata table names, 0 if it names none.
    async fn level(&self, client: &Client) -> Result<u32, OpenError> {
        let (metadata, known) = (&self.metadata, self.settings.layout.level());
        let query = format!("SELECT value FROM {metadata} WHERE key = $1");
        let row = client
            .query_opt(&query, &[&self.settings.layout.migrations_row()])
            .await;
        let found: Option<String> = row
            .and_then(|row| row.map(|row| row.try_get(0)).transpose())
            .map_err(|error| self.failed(error))?;
        let Some(found) = found else { return Ok(0) };
        match found.parse() {
            Ok(level) if level <= known => Ok(level),
            _ => Err(OpenError::LaterLayout {
                server: self.settings.server.to_string(),
                table: metadata.clone(),
                found,
                known,
            }),
        }
    }

    /// daprd's migrations from this level on, and the table beside them.
    async fn migrate_locked(&self, client: &Client, from: u32) -> Result<(), Error> {
        let state = &self.state;
        let create = match self.settings.layout {
            Layout::V1 { .. } => [
                format!(
                    "CREATE TABLE IF NOT EXISTS {state} (
                        key text NOT NULL PRIMARY KEY,
                        value jsonb NOT NULL,
                        isbinary boolean NOT NULL,
                        insertdate TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW(),
                        updatedate TIMESTAMP WITH TIME ZONE NULL
                    )"
                ),
                format!("ALTER TABLE {state} ADD expiredate TIMESTAMP WITH TIME ZONE"),
            ]
            .to_vec(),
            Layout::V2 { .. } => [format!(
                "CREATE TABLE IF NOT EXISTS {state} (
                    key text NOT NULL PRIMARY KEY,
                    value bytea NOT NULL,
                    etag uuid NOT NULL DEFAULT gen_random_uuid(),
                    created_at timestamp with time zone NOT NULL DEFAULT now(),
                    updated_at timestamp with time zone,
                    expires_at timestamp with time zone
                );
                CREATE INDEX ON {state} (expires_at)"
            )]
            .to_vec(),
        };
        for statement in create.iter().skip(from as usize) {
            client.batch_execute(statement).await?;
        }
        if from < self.settings.layout.level() {
            self.number_rows(client).await?;
            let record = format!(
                "INSERT INTO {} (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = $2",
                self.metadata
            );
            let (row, level) = (
                self.settings.layout.migrations_row(),
                self.settings.layout.level().to_string(),
            );
            client.execute(&record, &[&row, &level]).await?;
        }
        let beside = format!(
            "CREATE TABLE IF NOT EXISTS {} (
                key text NOT NULL PRIMARY KEY,
                etag text NOT NULL,
                content_type text,
                original text
            )",
            self.beside
        );
        client.batch_execute(&beside).await
    }

    /// daprd's last migration of both layouts: the column `row_id`, by which it pages listings.
    async fn number_rows(&self, client: &Client) -> Result<(), Error> {
        let (state, created) = (&self.state, self.settings.layout.created());
        let has_column = client
            .query_opt(
                "SELECT attidentity::text FROM pg_attribute
                WHERE attrelid = to_regclass($1) AND attname = 'row_id' AND NOT attisdropped",
                &[state],
            )
            .await?;
        let identity: Option<String> = has_column.map(|row| row.try_get(0)).transpose()?;
        if identity.is_none() {
            client
                .batch_execute(&format!("ALTER TABLE {state} ADD COLUMN row_id BIGINT"))
                .await?;
        }
        let number = format!(
            "WITH ranked AS (
                SELECT key, ROW_NUMBER() OVER (ORDER BY {created} ASC, key ASC) AS rn FROM {state} WHERE row_id IS NULL
            ) UPDATE {state} AS t SET row_id = r.rn FROM ranked r WHERE r.key = t.key;
            ALTER TABLE {state} ALTER COLUMN row_id SET NOT NULL"
        );
        client.batch_execute(&number).await?;
        if identity.is_none_or(|identity| identity.is_empty()) {
            let identity = format!("ALTER TABLE {state} ALTER COLUMN row_id ADD GENERATED BY DEFAULT AS IDENTITY");
            client.batch_execute(&identity).await?;
        }
        let (table, index) = (
            self.settings.layout.table(),
            self.settings.layout.table().beside("_row_id_uidx"),
        );
        client
            .batch_execute(&format!(
                "SELECT setval(pg_get_serial_sequence('{table}', 'row_id'),
                    COALESCE((SELECT MAX(row_id) FROM {table}), 0) + 1, false);
                CREATE UNIQUE INDEX IF NOT EXISTS {} ON {table} (row_id)",
                index.name()
            ))
            .await
    }

    /// Makes an index of this host's own. It is for speed alone: where daprd's user owns the table and this one does not,
    /// it is done without.
    async fn create_index(&self, client: &Client, index: &Index) -> Result<(), OpenError> {
        match client.batch_execute(&index.create).await {
            Ok(()) => Ok(()),
            Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
                let (name, statement) = (&index.name, &index.create);
                tracing::warn!(
                    name,
                    statement,
                    "a PostgreSQL store has no index that it may not create: the owner of the table may"
                );
                Ok(())
            }
            Err(error) => Err(self.failed(error)),
        }
    }
}
