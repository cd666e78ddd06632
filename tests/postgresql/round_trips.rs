//! How often an operation waits for the server: all that it says, it says before it has heard anything.

use crate::ground::{VERSIONS, Version, app, etag, open_at, put, read, serve};
use crate::waits_once::waits_once;
use dapr_blocks::state::{
    AppStore, Condition, ContentType, DeleteItem, Etag, GetOptions, Metadata, Operation, PageLimit, SetItem, Ttl,
};
use dapr_wasm_tests::servers::Proxy;

fn sets(count: usize) -> Vec<SetItem<String>> {
    (0..count).map(|index| SetItem::new(format!("k{index}"), "v")).collect()
}

fn keys(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("k{index}")).collect()
}

async fn each_waits_once(version: Version, proxy: &Proxy, app: &AppStore) {
    let what = |what: &str| format!("{version:?}: {what}");
    let metadata = Metadata::default();
    // What opening has left to say is said before.
    read(app, "k").await;
    waits_once(&what("get"), proxy, read(app, "k")).await;
    let (keys, options) = (keys(100), GetOptions::default());
    let found = waits_once(&what("bulk get"), proxy, app.bulk_get(&keys, &options)).await;
    found.unwrap();
    waits_once(&what("set"), proxy, put(app, "k", "v")).await.unwrap();
    let full = SetItem {
        ttl: Some(Ttl::new(100).unwrap()),
        content_type: Some(ContentType::new("text/xml").unwrap()),
        condition: Condition::Matches(Etag::new(etag(app, "k").await).unwrap()),
        ..SetItem::new("k".to_owned(), "v")
    };
    waits_once(&what("set with all that there is"), proxy, app.set(full))
        .await
        .unwrap();
    waits_once(&what("bulk set"), proxy, app.bulk_set(sets(100)))
        .await
        .unwrap();
    let operations = sets(100).into_iter().map(Operation::Set).collect();
    let done = waits_once(&what("transaction"), proxy, app.transact(operations, &metadata)).await;
    done.unwrap();
    let deletion = Operation::Delete(DeleteItem::new("x".to_owned()));
    let operations = sets(100).into_iter().map(Operation::Set).chain([deletion]).collect();
    let done = waits_once(
        &what("transaction that deletes"),
        proxy,
        app.transact(operations, &metadata),
    )
    .await;
    done.unwrap();
    let page = waits_once(
        &what("page of keys"),
        proxy,
        app.list_keys("k", PageLimit::default(), None),
    )
    .await;
    assert_eq!(page.unwrap().keys.len(), 100);
    let deleted = waits_once(&what("delete"), proxy, app.delete(DeleteItem::new("k".to_owned()))).await;
    deleted.unwrap();
    let deletes = keys.into_iter().map(DeleteItem::new).collect();
    waits_once(&what("bulk delete"), proxy, app.bulk_delete(deletes))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_operation_waits_once_on_a_connection_that_is_there() {
    for version in VERSIONS {
        let server = serve();
        let proxy = Proxy::before(server.port());
        let store = open_at(version, &server, &proxy.address(), "cleanupInterval = '0'").await;
        each_waits_once(version, &proxy, &app(&store)).await;
        assert_eq!(proxy.connections(), 1, "calls one after the other need one connection");
    }
}
