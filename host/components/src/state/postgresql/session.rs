//! A connection to the server, with its statements.

use super::server::Connector;
use super::settings::PostgresqlSettings;
use super::statements::Statements;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Error};

/// A connection that is ready for requests. Dropping it closes the socket at once: what was sent may still be done.
pub(super) struct Session {
    client: Client,
    pub(super) statements: Statements,
    _connection: Connection,
}

/// A connection before the tables are known to be there.
pub(super) struct Bare {
    pub(super) client: Client,
    connection: Connection,
}

/// What reads and writes the socket.
struct Connection(JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Bare {
    /// Connects.
    pub(super) async fn connect(connector: &Connector) -> Result<Self, Error> {
        let (client, connection) = connector.config.connect(connector.tls.clone()).await?;
        let task = tokio::spawn(async move {
            if let Err(error) = connection.await {
                // Whoever waits for an answer hears of it, too.
                tracing::debug!(%error, "a connection to PostgreSQL ended");
            }
        });
        Ok(Self {
            client,
            connection: Connection(task),
        })
    }

    /// Makes it ready for requests, in one round trip.
    pub(super) async fn prepare(self, settings: &PostgresqlSettings) -> Result<Session, Error> {
        let set_up = set_up(settings);
        let (_, statements) = tokio::try_join!(
            self.client.batch_execute(&set_up),
            Statements::prepare(&self.client, settings)
        )?;
        Ok(Session {
            client: self.client,
            statements,
            _connection: self.connection,
        })
    }
}

impl Session {
    /// Connects, and makes it ready.
    pub(super) async fn open(connector: &Connector, settings: &PostgresqlSettings) -> Result<Self, Error> {
        Bare::connect(connector).await?.prepare(settings).await
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Whether the server, or the way to it, has gone.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }
}

/// What every statement runs under, whatever the database's own settings.
///
/// | setting | without it |
/// |---|---|
/// | isolation | a database that is set to a stricter level answers an error to each write that meets another |
/// | timeout | what nobody waits for any more goes on, and is done later. An eighth less than the store's own, so that who waits still hears that it was not done |
/// | no scans | while a table is new, PostgreSQL thinks it small and would read all of it for a key, and keeps to that |
fn set_up(settings: &PostgresqlSettings) -> String {
    let timeout = (settings.timeout - settings.timeout / 8).as_millis();
    format!(
        "SET default_transaction_isolation = 'read committed'; SET statement_timeout = {timeout}; SET enable_seqscan = off"
    )
}
