//! A server, and stores on it.

use dapr_blocks::config::{ComponentVersion, Environment, Source, Table};
use dapr_blocks::state::{
    AppStore, AppStores, Entry, GetOptions, KeyPrefix, Limits, SetItem, StateError, StateStore, StoreSettings,
};
use dapr_components::state::postgresql::{PostgresqlSettings, PostgresqlStore};
use dapr_wasm_tests::servers::{Kind, Server, Setup};
use std::sync::Arc;
use std::time::Duration;

/// Both of Dapr's layouts.
pub(crate) const VERSIONS: [Version; 2] = [Version::V1, Version::V2];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V1,
    V2,
}

impl Version {
    pub(crate) fn number(self) -> ComponentVersion {
        match self {
            Self::V1 => ComponentVersion::V1,
            Self::V2 => ComponentVersion::V2,
        }
    }

    /// The column with an item's end.
    pub(crate) fn end(self) -> &'static str {
        match self {
            Self::V1 => "expiredate",
            Self::V2 => "expires_at",
        }
    }

    /// What Dapr's own code is called in the native program.
    #[cfg(feature = "go")]
    pub(crate) fn native(self) -> &'static str {
        match self {
            Self::V1 => "state.postgresql/v1",
            Self::V2 => "state.postgresql",
        }
    }
}

/// A new server.
pub(crate) fn serve() -> Server {
    Setup::of(Kind::Postgresql).start()
}

/// A connection string for a server at this address.
pub(crate) fn url(server: &Server, address: &str) -> String {
    let (user, password) = (server.user().unwrap(), server.password().unwrap());
    format!("postgres://{user}:{password}@{address}/postgres?sslmode=disable")
}

/// The settings in these lines of TOML.
pub(crate) fn settings(version: Version, lines: &str) -> PostgresqlSettings {
    let source = Source::new("components.toml", "/", lines);
    let table = Table::parse(source, Environment::default()).unwrap();
    let read = table.read(|table| PostgresqlSettings::read(version.number(), table));
    read.unwrap_or_else(|errors| panic!("{errors:#}"))
}

/// A store on a server at this address, with more settings.
pub(crate) async fn open_at(version: Version, server: &Server, address: &str, more: &str) -> Arc<PostgresqlStore> {
    let lines = format!("connectionString = \"{}\"\n{more}", url(server, address));
    let store = PostgresqlStore::open(&settings(version, &lines)).await;
    Arc::new(store.unwrap_or_else(|error| panic!("{error}: {:?}", std::error::Error::source(&error))))
}

/// A store on a server.
pub(crate) async fn open(version: Version, server: &Server) -> Arc<PostgresqlStore> {
    open_at(version, server, &server.address(), "").await
}

/// The store as the app `app` sees it.
pub(crate) fn app(store: &Arc<PostgresqlStore>) -> AppStore {
    let store: Arc<dyn StateStore> = store.clone();
    let settings = StoreSettings {
        key_prefix: KeyPrefix::AppId,
        deadline: Duration::from_secs(60),
        limits: Limits::default(),
        guard: None,
    };
    let mut stores = AppStores::default();
    stores.insert("statestore", store, &settings, "app", None);
    stores.get("statestore").unwrap().clone()
}

pub(crate) async fn put(app: &AppStore, key: &str, value: impl Into<Vec<u8>>) -> Result<(), StateError> {
    app.set(SetItem::new(key.to_owned(), value)).await
}

pub(crate) async fn read(app: &AppStore, key: &str) -> Option<Entry> {
    app.get(key, &GetOptions::default()).await.unwrap()
}

pub(crate) async fn etag(app: &AppStore, key: &str) -> String {
    read(app, key).await.unwrap().etag.unwrap().into_string()
}
