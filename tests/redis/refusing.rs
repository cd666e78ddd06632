//! Servers that refuse: full, a replica, with an access list.

use crate::ground::{Ground, app, item, settings};
use dapr_blocks::state::{
    BulkError, Consistency, DeleteItem, GetOptions, Metadata, Operation, PageLimit, SetItem, StateStore, Ttl,
};
use dapr_components::state::redis::RedisStore;
use dapr_wasm_tests::servers::{Kind, Setup};
use dapr_wasm_tests::{PATIENCE, until};
use std::sync::Arc;

fn size(ground: &Ground) -> usize {
    ground.server.client(&["DBSIZE"]).parse().unwrap()
}

/// Gives the server less memory than it has taken.
fn fill(ground: &Ground) {
    ground
        .server
        .client(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    ground.server.client(&["CONFIG", "SET", "maxmemory", "1mb"]);
}

#[tokio::test]
async fn a_full_server_does_no_part_of_a_write_and_still_reads_and_deletes() {
    let ground = Ground::new().await;
    ground.set("there", &"x".repeat(100_000)).await;
    ground.set("other", "before").await;
    fill(&ground);
    let set = |key: &str| Operation::Set(item(key, "new"));
    let refused = [
        ground.app.set(item("there", "new")).await.unwrap_err(),
        ground
            .app
            .transact(vec![set("there"), set("a"), set("b")], &Metadata::default())
            .await
            .unwrap_err(),
    ];
    for error in refused {
        assert_eq!(error.case(), "unavailable", "{error}");
        assert!(error.to_string().contains("Redis has no memory left"), "{error}");
    }
    let bulk = ground.app.bulk_set(vec![item("a", "new"), item("there", "new")]).await;
    assert!(matches!(bulk, Err(BulkError::Call(error)) if error.case() == "unavailable"));
    assert_eq!(size(&ground), 2);
    assert_eq!(ground.value("other").await.as_deref(), Some("before"));
    assert_eq!(ground.get("there").await.unwrap().value.len(), 100_000);

    // What begins with a delete is let through, and then to its end.
    let swap = vec![
        Operation::Delete(DeleteItem::new("other".to_owned())),
        set("a"),
        set("b"),
    ];
    let swapped = ground.app.transact(swap, &Metadata::default()).await;
    match swapped {
        Ok(()) => assert_eq!((size(&ground), ground.value("other").await), (3, None)),
        Err(error) => {
            assert_eq!(error.case(), "unavailable", "{error}");
            assert_eq!((size(&ground), ground.value("a").await), (2, None));
        }
    }
    ground.app.delete(DeleteItem::new("there".to_owned())).await.unwrap();
    ground.server.client(&["CONFIG", "SET", "maxmemory", "0"]);
    ground.set("there", "again").await;
}

#[tokio::test]
async fn a_full_server_replaces_nothing_of_another_kind_by_half() {
    let ground = Ground::new().await;
    ground.server.client(&["SET", "app||k", "plain"]);
    fill(&ground);
    // To replace a string it is removed first.
    match ground.app.set(item("k", "new")).await {
        Ok(()) => assert_eq!(ground.value("k").await.as_deref(), Some("new")),
        Err(error) => {
            assert_eq!(error.case(), "unavailable", "{error}");
            assert_eq!(ground.value("k").await.as_deref(), Some("plain"));
        }
    }
}

#[tokio::test]
async fn a_server_that_became_a_replica_takes_no_writes_and_answers_reads() {
    let ground = Ground::new().await;
    ground.set("k", "v").await;
    let primary = Setup::of(Kind::Redis).start();
    ground
        .server
        .client(&["CONFIG", "SET", "replica-serve-stale-data", "yes"]);
    // Of a primary that it cannot reach, so that it keeps what it has.
    let nobody = primary.port().to_string();
    drop(primary);
    ground.server.client(&["REPLICAOF", "127.0.0.1", &nobody]);
    let write = ground.app.set(item("k", "w")).await.unwrap_err();
    assert_eq!(write.case(), "unavailable", "{write}");
    assert_eq!(ground.value("k").await.as_deref(), Some("v"));
    ground.server.client(&["REPLICAOF", "NO", "ONE"]);
    ground.set("k", "w").await;
}

#[tokio::test]
async fn an_access_list_that_forbids_it_is_denied_and_one_that_forbids_a_part_leaves_doubt() {
    let ground = Ground::on(Setup::of(Kind::Redis).user()).await;
    ground.set("k", "v").await;
    let allow = |rule: &str| drop(ground.server.client(&["ACL", "SETUSER", "app", rule]));
    allow("-hset");
    let write = ground.app.set(item("k", "w")).await.unwrap_err();
    assert_eq!(write.case(), "denied", "{write}");
    assert_eq!(ground.value("k").await.as_deref(), Some("v"));
    allow("+hset");
    allow("-persist");
    let write = ground.app.set(item("k", "w")).await.unwrap_err();
    assert_eq!(write.case(), "outcome-unknown", "{write}");
    allow("+persist");
    allow("-evalsha");
    let read = ground.app.delete(DeleteItem::new("k".to_owned())).await.unwrap_err();
    assert_eq!(read.case(), "denied", "{read}");
    allow("+evalsha");
    ground.set("k", "v").await;
}

/// The commands that the documentation says a user needs.
fn documented() -> Vec<&'static str> {
    let (_, list) = include_str!("../../docs/state.md").split_once("`+evalsha").unwrap();
    let (list, _) = list.split_once('`').unwrap();
    std::iter::once("+evalsha").chain(list.split_whitespace()).collect()
}

#[tokio::test]
async fn a_user_with_the_documented_commands_and_the_keys_of_the_app_can_do_everything() {
    let server = Setup::of(Kind::Redis).user().start();
    let rules = ["ACL", "SETUSER", "few", "on", ">secret", "~app||*", "-@all"];
    server.client(&[rules.to_vec(), documented()].concat());
    let mut settings = settings(&server);
    settings.username = Some("few".to_owned());
    let store = Arc::new(RedisStore::open(&settings).await.unwrap());
    let app = app(&store);
    server.client(&["SET", "app||string", "plain"]);
    let set = |key: &str| SetItem {
        ttl: Ttl::new(100).ok(),
        consistency: Some(Consistency::Strong),
        ..item(key, "v")
    };
    app.bulk_set(vec![set("a"), item("b", "v"), item("string", "v")])
        .await
        .unwrap();
    let swap = vec![
        Operation::Set(item("a", "w")),
        Operation::Delete(DeleteItem::new("b".to_owned())),
    ];
    app.transact(swap, &Metadata::default()).await.unwrap();
    let keys = ["a", "b", "string"].map(str::to_owned);
    let found = app.bulk_get(&keys, &GetOptions::default()).await.unwrap();
    assert_eq!(found.iter().flatten().count(), 2);
    let page = app.list_keys("", PageLimit::default(), None).await.unwrap();
    assert_eq!(page.keys, ["a", "string"]);
    app.bulk_delete(vec![DeleteItem::new("a".to_owned())]).await.unwrap();
}

// The connection ends on a thread of its own, while this one waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_closed_store_does_nothing_more() {
    let ground = Ground::new().await;
    ground.set("k", "v").await;
    ground.store.close().await;
    let write = ground.app.set(item("k", "w")).await.unwrap_err();
    assert_eq!(write.to_string(), "the store is unavailable: it is closed");
    // The one who asks is the server's own client.
    until("the connection to end", PATIENCE, || {
        (ground.server.client(&["CLIENT", "LIST"]).lines().count() == 1).then_some(())
    });
    assert_eq!(ground.server.client(&["HGET", "app||k", "data"]), "v");
}
