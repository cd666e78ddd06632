//! A server, the store on it as an app sees it, and the app `kv` on a host with it.

use dapr_blocks::secrets::Secret;
use dapr_blocks::state::{
    AppStore, AppStores, Entry, Etag, GetOptions, KeyPrefix, Limits, SetItem, StateStore, StoreSettings,
};
use dapr_components::state::redis::{Address, RedisSettings, RedisStore, Tls, Verify};
use dapr_wasm_tests::servers::{Kind, Server, Setup};
use dapr_wasm_tests::{Launch, built};
use std::sync::Arc;
use std::time::Duration;

/// What the store is told of a server. Of one with TLS, to trust it: in this process nobody can name its CA.
pub(crate) fn settings(server: &Server) -> RedisSettings {
    let mut settings = RedisSettings::at(Address::new("127.0.0.1", server.port()));
    settings.username = server.user().map(str::to_owned);
    settings.password = server.password().map(str::to_owned).map(Secret::new);
    settings.tls = server.ca().map(|_| Tls::new(Verify::Nothing, None));
    settings
}

/// A server, and the store on it.
pub(crate) struct Ground {
    pub(crate) server: Server,
    pub(crate) store: Arc<RedisStore>,
    /// The store as the app `app` sees it.
    pub(crate) app: AppStore,
}

impl Ground {
    pub(crate) async fn new() -> Self {
        Self::on(Setup::of(Kind::Redis)).await
    }

    pub(crate) async fn on(setup: Setup) -> Self {
        Self::of(setup.start()).await
    }

    /// The store on a server that runs.
    pub(crate) async fn of(server: Server) -> Self {
        let store = Arc::new(RedisStore::open(&settings(&server)).await.unwrap());
        let app = app(&store);
        Self { server, store, app }
    }

    pub(crate) async fn set(&self, key: &str, value: &str) {
        self.app.set(item(key, value)).await.unwrap();
    }

    pub(crate) async fn get(&self, key: &str) -> Option<Entry> {
        self.app.get(key, &GetOptions::default()).await.unwrap()
    }

    pub(crate) async fn value(&self, key: &str) -> Option<String> {
        let entry = self.get(key).await?;
        Some(String::from_utf8(entry.value).unwrap())
    }

    pub(crate) async fn etag(&self, key: &str) -> Etag {
        self.get(key).await.unwrap().etag.unwrap()
    }
}

pub(crate) fn item(key: &str, value: impl Into<Vec<u8>>) -> SetItem<String> {
    SetItem::new(key.to_owned(), value)
}

/// The store as the app `app` sees it.
pub(crate) fn app(store: &Arc<RedisStore>) -> AppStore {
    let store: Arc<dyn StateStore> = store.clone();
    let mut stores = AppStores::default();
    let settings = StoreSettings {
        key_prefix: KeyPrefix::AppId,
        deadline: Duration::from_secs(60),
        limits: Limits::default(),
        guard: None,
    };
    stores.insert("statestore", store, &settings, "app", None);
    stores.get("statestore").unwrap().clone()
}

/// The app `kv` on the store, whose server is reached at this address, with more settings.
pub(crate) fn launch(address: &str, more: &str) -> Launch {
    let table = format!("[state.statestore]\ntype = \"redis\"\nredisHost = {address:?}\n{more}\n");
    Launch::guest("kv")
        .components(&table)
        .env("XDG_DATA_HOME", built::data_home().to_str().unwrap())
}
