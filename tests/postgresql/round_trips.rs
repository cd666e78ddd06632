//! How often an operation waits for the server, counted on the wire.

use crate::ground::{VERSIONS, Version, app, etag, open_at, put, read, serve};
use dapr_blocks::state::{
    AppStore, Condition, ContentType, DeleteItem, Etag, GetOptions, Metadata, Operation, PageLimit, SetItem, Ttl,
};
use dapr_wasm_tests::servers::Proxy;
use std::future::Future;

/// How many round trips this makes.
async fn counted<T>(proxy: &Proxy, work: impl Future<Output = T>) -> (usize, T) {
    let before = proxy.round_trips();
    let done = work.await;
    (proxy.round_trips() - before, done)
}

fn sets(count: usize) -> Vec<SetItem<String>> {
    (0..count).map(|index| SetItem::new(format!("k{index}"), "v")).collect()
}

fn keys(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("k{index}")).collect()
}

async fn each_is_one(version: Version, proxy: &Proxy, app: &AppStore) {
    let one = |what: &str, trips: usize| assert_eq!(trips, 1, "{version:?}: {what}");
    let metadata = Metadata::default();
    one("get", counted(proxy, read(app, "k")).await.0);
    one(
        "bulk get",
        counted(proxy, app.bulk_get(&keys(100), &GetOptions::default())).await.0,
    );
    one("set", counted(proxy, put(app, "k", "v")).await.0);
    let full = SetItem {
        ttl: Some(Ttl::new(100).unwrap()),
        content_type: Some(ContentType::new("text/xml").unwrap()),
        condition: Condition::Matches(Etag::new(etag(app, "k").await).unwrap()),
        ..SetItem::new("k".to_owned(), "v")
    };
    let (trips, done) = counted(proxy, app.set(full)).await;
    done.unwrap();
    one("set with all that there is", trips);
    let (trips, done) = counted(proxy, app.bulk_set(sets(100))).await;
    done.unwrap();
    one("bulk set", trips);
    let (trips, done) = counted(
        proxy,
        app.transact(sets(100).into_iter().map(Operation::Set).collect(), &metadata),
    )
    .await;
    done.unwrap();
    one("transaction", trips);
    let deletion = Operation::Delete(DeleteItem::new("x".to_owned()));
    let operations = sets(100).into_iter().map(Operation::Set).chain([deletion]).collect();
    let (trips, done) = counted(proxy, app.transact(operations, &metadata)).await;
    done.unwrap();
    one("transaction that deletes", trips);
    let (trips, page) = counted(proxy, app.list_keys("k", PageLimit::default(), None)).await;
    assert_eq!(page.unwrap().keys.len(), 100);
    one("page of keys", trips);
    one(
        "delete",
        counted(proxy, app.delete(DeleteItem::new("k".to_owned()))).await.0,
    );
    let deletes = keys(100).into_iter().map(DeleteItem::new).collect();
    one("bulk delete", counted(proxy, app.bulk_delete(deletes)).await.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_operation_is_one_round_trip_on_a_connection_that_is_there() {
    for version in VERSIONS {
        let server = serve();
        let proxy = Proxy::before(server.port());
        let store = open_at(version, &server, &proxy.address(), "cleanupInterval = '0'").await;
        each_is_one(version, &proxy, &app(&store)).await;
        assert_eq!(proxy.connections(), 1, "calls one after the other need one connection");
    }
}
