//! The rules of all stores.

use crate::ground::settings;
use dapr_blocks::state::{Limits, StateStore, conformance};
use dapr_components::state::redis::{OpenError, RedisSettings, RedisStore};
use dapr_wasm_tests::servers::{Kind, Setup};
use std::sync::Arc;

async fn conforms(settings: &RedisSettings) {
    let store: Arc<dyn StateStore> = Arc::new(RedisStore::open(settings).await.unwrap());
    let report = conformance::run(Arc::clone(&store), Limits::default()).await;
    store.close().await;
    let report = report.into_result().unwrap();
    assert!(report.left_out.is_empty(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_conforms() {
    let server = Setup::of(Kind::Redis).start();
    conforms(&settings(&server)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_conforms_with_a_user_a_password_tls_and_a_database() {
    let server = Setup::of(Kind::Redis).user().tls().start();
    let mut settings = settings(&server);
    settings.database = 3;
    conforms(&settings).await;
    // Nothing of it went elsewhere.
    assert_eq!(server.client(&["DBSIZE"]), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_conforms_across_reopening() {
    let server = Setup::of(Kind::Redis).password().start();
    let settings = settings(&server);
    let open = || async { Ok::<_, OpenError>(Arc::new(RedisStore::open(&settings).await?) as Arc<dyn StateStore>) };
    let report = conformance::run_reopening(open, Limits::default()).await;
    let report = report.into_result().unwrap();
    assert!(report.left_out.is_empty(), "{report}");
}
