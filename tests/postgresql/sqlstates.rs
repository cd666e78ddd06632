//! What an app hears of the errors that the server answers, each raised by the server itself.

use crate::ground::{VERSIONS, Version, app, open, open_at, put, read, serve};
use dapr_blocks::state::{DeleteItem, GetOptions, Health, Metadata, Operation, SetItem, StateStore};
use dapr_wasm_tests::servers::{Proxy, Server};
use std::time::{Duration, Instant};

/// Has the server answer each write of an item whose key names a SQLSTATE with that error.
fn raise(server: &Server) {
    server.client(&[
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         RAISE EXCEPTION 'refused for a test' USING ERRCODE = right(NEW.key, 5); END $$",
        "CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON state FOR EACH ROW \
         WHEN (NEW.key LIKE 'app||raise-%') EXECUTE FUNCTION refuse()",
    ]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_error_of_the_server_is_the_case_that_fits_and_nothing_is_written() {
    for version in VERSIONS {
        let server = serve();
        let store = open(version, &server).await;
        let app = app(&store);
        raise(&server);
        for (state, expected) in [
            ("40001", "unavailable"),
            ("40P01", "unavailable"),
            ("57014", "unavailable"),
            ("55P03", "unavailable"),
            ("53100", "unavailable"),
            ("53200", "unavailable"),
            ("53300", "unavailable"),
            ("58030", "unavailable"),
            ("25006", "denied"),
            ("42501", "denied"),
            ("28P01", "denied"),
            ("54000", "too-large"),
            ("08006", "outcome-unknown"),
            ("22012", "internal"),
            ("23514", "internal"),
            ("XX001", "internal"),
        ] {
            let key = format!("raise-{state}");
            let items = || [SetItem::new("beside".to_owned(), "v"), SetItem::new(key.clone(), "v")];
            assert_eq!(
                put(&app, &key, "v").await.unwrap_err().case(),
                expected,
                "{version:?} {state}"
            );
            let operations = items().into_iter().map(Operation::Set).collect();
            let error = app.transact(operations, &Metadata::default()).await.unwrap_err();
            assert_eq!(error.case(), expected, "{version:?} {state}");
            let operations = items().into_iter().map(Operation::Set);
            let delete = Operation::Delete(DeleteItem::new("other".to_owned()));
            let operations = operations.chain([delete]).collect();
            let error = app.transact(operations, &Metadata::default()).await.unwrap_err();
            assert_eq!(error.case(), expected, "{version:?} {state}");
            assert!(app.bulk_set(items().into()).await.is_err(), "{version:?} {state}");
            assert_eq!(read(&app, "beside").await, None, "{version:?} {state}");
            assert_eq!(store.health(), Health::Well, "{version:?} {state}");
        }
        // The connection serves on.
        put(&app, "beside", "v").await.unwrap();
        let serving = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'dapr-wasm'";
        assert_eq!(server.client(&[serving]), "1", "{version:?}");
    }
}

/// A transaction of somebody else's that holds the row of a key for some seconds.
fn hold<'s>(server: &'s Server, scope: &'s std::thread::Scope<'s, '_>, seconds: u32) {
    scope.spawn(move || {
        let lock = "UPDATE state SET key = key WHERE key = 'app||held'".to_owned();
        server.client(&["BEGIN", &lock, &format!("SELECT pg_sleep({seconds})"), "COMMIT"]);
    });
    dapr_wasm_tests::until("the row to be held", dapr_wasm_tests::PATIENCE, || {
        let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'";
        (server.client(&[sleeping]) == "1").then_some(())
    });
}

#[test]
fn a_row_that_somebody_holds_and_a_pool_that_is_used_up_are_unavailable_in_time() {
    let server = serve();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = runtime.block_on(open_at(
        Version::V2,
        &server,
        &server.address(),
        "timeout = '2s'\nmaxConns = 1",
    ));
    let app = app(&store);
    runtime.block_on(put(&app, "held", "before")).unwrap();
    std::thread::scope(|scope| {
        hold(&server, scope, 10);
        let begun = Instant::now();
        let (held, waiting) = runtime.block_on(async {
            tokio::join!(put(&app, "held", "late"), async {
                tokio::task::yield_now().await;
                app.get("free", &GetOptions::default()).await
            })
        });
        // The server gives the write up a moment before the store does, so that it is known not to be done.
        assert_eq!(held.unwrap_err().case(), "unavailable");
        // The read has the connection after the write, or none in time.
        assert!(waiting.is_ok() || waiting.unwrap_err().case() == "unavailable");
        assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    });
    assert_eq!(runtime.block_on(read(&app, "held")).unwrap().value, b"before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_nobody_waits_for_any_more_takes_its_connection_with_it() {
    let server = serve();
    let proxy = Proxy::before(server.port());
    let store = open_at(Version::V2, &server, &proxy.address(), "").await;
    let app = app(&store);
    put(&app, "k", "v").await.unwrap();
    proxy.hold();
    let dropped = tokio::time::timeout(Duration::from_millis(200), app.get("k", &GetOptions::default())).await;
    assert!(dropped.is_err());
    proxy.release();
    // On another connection, and so not the answer to the first call.
    assert_eq!(read(&app, "k").await.unwrap().value, b"v");
    assert_eq!(read(&app, "other").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_the_server_ends_is_not_done_and_said_to_be_not_done() {
    for version in VERSIONS {
        let server = serve();
        let store = open(version, &server).await;
        let app = app(&store);
        put(&app, "there", "v").await.unwrap();
        server.client(&[
            "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(30); RETURN NEW; END $$",
            "CREATE TRIGGER wait BEFORE INSERT ON state FOR EACH ROW WHEN (NEW.key = 'app||slow') EXECUTE FUNCTION wait()",
        ]);
        let ended = tokio::task::spawn_blocking(move || {
            let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                       WHERE application_name = 'dapr-wasm' AND wait_event = 'PgSleep'";
            dapr_wasm_tests::until("the statement", dapr_wasm_tests::PATIENCE, || {
                (server.client(&[end]) == "1").then_some(())
            });
            server
        });
        let (error, server) = tokio::join!(put(&app, "slow", "v"), ended);
        assert_eq!(error.unwrap_err().case(), "unavailable", "{version:?}");
        assert_eq!(server.unwrap().client(&["SELECT count(*) FROM state"]), "1");
    }
}
