//! The rules of all stores.

use crate::ground::{Version, open_at, serve, settings};
use dapr_blocks::state::{Limits, StateStore, conformance};
use dapr_components::state::postgresql::{OpenError, PostgresqlSettings, PostgresqlStore};
use dapr_wasm_tests::servers::{Kind, Setup};
use std::sync::Arc;

async fn conforms(store: Arc<PostgresqlStore>) {
    let store: Arc<dyn StateStore> = store;
    let report = conformance::run(Arc::clone(&store), Limits::default()).await;
    store.close().await;
    let report = report.into_result().unwrap();
    assert!(report.left_out.is_empty(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn v1_conforms() {
    let server = serve();
    conforms(open_at(Version::V1, &server, &server.address(), "maxConns = 8").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn v2_conforms() {
    let server = serve();
    conforms(open_at(Version::V2, &server, &server.address(), "maxConns = 8").await).await;
}

/// By the host's name, which its certificate has.
fn verified(server: &dapr_wasm_tests::servers::Server) -> PostgresqlSettings {
    let lines = format!(
        "connectionString = \"postgres://localhost:{}/postgres?sslmode=verify-full\"\n\
         user = \"postgres\"\npassword = \"secret\"\nsslRootCert = {:?}",
        server.port(),
        server.ca().unwrap()
    );
    settings(Version::V2, &lines)
}

#[tokio::test(flavor = "multi_thread")]
async fn v2_conforms_with_tls_and_a_certificate_for_the_hosts_name() {
    let server = Setup::of(Kind::Postgresql).tls().start();
    conforms(Arc::new(PostgresqlStore::open(&verified(&server)).await.unwrap())).await;
}

async fn conforms_across_reopening(version: Version) {
    let server = serve();
    let open = || async {
        let lines = format!(
            "connectionString = \"{}\"",
            crate::ground::url(&server, &server.address())
        );
        let store = PostgresqlStore::open(&settings(version, &lines)).await?;
        Ok::<_, OpenError>(Arc::new(store) as Arc<dyn StateStore>)
    };
    let report = conformance::run_reopening(open, Limits::default()).await;
    let report = report.into_result().unwrap();
    assert!(report.left_out.is_empty(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn v1_conforms_across_reopening() {
    conforms_across_reopening(Version::V1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn v2_conforms_across_reopening() {
    conforms_across_reopening(Version::V2).await;
}
