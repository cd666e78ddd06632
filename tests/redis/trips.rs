//! Round trips: what one call asks of the server, as the server counts it.

use crate::ground::{Ground, app, item, settings};
use crate::waits_once::waits_once;
use dapr_blocks::state::{
    Condition, Consistency, ContentType, DeleteItem, GetOptions, Metadata, Operation, PageLimit, SetItem, Ttl,
};
use dapr_components::state::redis::{Address, RedisStore};
use dapr_wasm_tests::servers::{Kind, Proxy, Setup};
use dapr_wasm_tests::{PATIENCE, until};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The commands that the server was sent since it was asked last, and how often. What scripts do is not among them.
fn commands(ground: &Ground) -> BTreeMap<String, u64> {
    let printed = ground.server.client(&["INFO", "commandstats"]);
    ground.server.client(&["CONFIG", "RESETSTAT"]);
    let called = |line: &str| {
        let (name, counts) = line.trim().strip_prefix("cmdstat_")?.split_once(':')?;
        let calls = counts.strip_prefix("calls=")?.split(',').next()?;
        Some((name.to_owned(), calls.parse().unwrap()))
    };
    let counted = printed.lines().filter_map(called);
    counted.filter(|(name, _)| SENT.contains(&name.as_str())).collect()
}

/// Commands that only a client sends, not a script.
const SENT: [&str; 9] = [
    "evalsha",
    "eval",
    "script|load",
    "scan",
    "wait",
    "multi",
    "exec",
    "auth",
    "select",
];

fn only(name: &str, calls: u64) -> BTreeMap<String, u64> {
    [(name.to_owned(), calls)].into()
}

#[tokio::test]
async fn each_operation_is_one_script_and_one_round_trip() {
    let ground = Ground::new().await;
    let keys: Vec<_> = (0..100).map(|index| index.to_string()).collect();
    let items = || keys.iter().map(|key| item(key, "v")).collect::<Vec<_>>();
    let one = only("evalsha", 1);
    commands(&ground);

    ground.set("k", "v").await;
    assert_eq!(commands(&ground), one, "set");
    let etag = ground.etag("k").await;
    assert_eq!(commands(&ground), one, "get");
    let conditional = SetItem {
        condition: Condition::Matches(etag),
        ttl: Ttl::new(100).ok(),
        ..item("k", "v")
    };
    ground.app.set(conditional).await.unwrap();
    assert_eq!(commands(&ground), one, "set with an etag and a TTL");
    ground.app.delete(DeleteItem::new("k".to_owned())).await.unwrap();
    assert_eq!(commands(&ground), one, "delete");
    ground.app.bulk_set(items()).await.unwrap();
    assert_eq!(commands(&ground), one, "bulk set");
    ground.app.bulk_get(&keys, &GetOptions::default()).await.unwrap();
    assert_eq!(commands(&ground), one, "bulk get");
    let operations = items().into_iter().map(Operation::Set).collect();
    ground.app.transact(operations, &Metadata::default()).await.unwrap();
    assert_eq!(commands(&ground), one, "transact");
    let deletes = keys.iter().map(|key| DeleteItem::new(key.clone())).collect();
    ground.app.bulk_delete(deletes).await.unwrap();
    assert_eq!(commands(&ground), one, "bulk delete");
    ground.app.list_keys("", PageLimit::default(), None).await.unwrap();
    assert_eq!(commands(&ground), only("scan", 1), "a page of a small database");
}

/// What the server counts does not tell a command that a client sends from one in a script.
#[tokio::test(flavor = "multi_thread")]
async fn each_operation_says_all_that_it_has_to_before_it_hears_anything() {
    let server = Setup::of(Kind::Redis).start();
    let proxy = Proxy::before(server.port());
    let mut settings = settings(&server);
    settings.address = Address::new("127.0.0.1", proxy.port());
    let app = app(&Arc::new(RedisStore::open(&settings).await.unwrap()));
    let keys: Vec<_> = (0..100).map(|index| index.to_string()).collect();
    let items = || keys.iter().map(|key| item(key, "v")).collect::<Vec<_>>();
    let options = GetOptions::default();

    waits_once("set", &proxy, app.set(item("k", "v"))).await.unwrap();
    let found = waits_once("get", &proxy, app.get("k", &options)).await.unwrap();
    let full = SetItem {
        condition: Condition::Matches(found.unwrap().etag.unwrap()),
        ttl: Ttl::new(100).ok(),
        content_type: Some(ContentType::new("text/xml").unwrap()),
        ..item("k", "v")
    };
    let done = waits_once("set with all that there is", &proxy, app.set(full)).await;
    done.unwrap();
    let done = waits_once("delete", &proxy, app.delete(DeleteItem::new("k".to_owned()))).await;
    done.unwrap();
    waits_once("bulk set", &proxy, app.bulk_set(items())).await.unwrap();
    let found = waits_once("bulk get", &proxy, app.bulk_get(&keys, &options)).await;
    found.unwrap();
    let operations = items().into_iter().map(Operation::Set).collect();
    let metadata = Metadata::default();
    let done = waits_once("transact", &proxy, app.transact(operations, &metadata)).await;
    done.unwrap();
    let page = waits_once("page", &proxy, app.list_keys("", PageLimit::default(), None)).await;
    page.unwrap();
    let deletes = keys.iter().map(|key| DeleteItem::new(key.clone())).collect();
    let done = waits_once("bulk delete", &proxy, app.bulk_delete(deletes)).await;
    done.unwrap();
    assert_eq!(proxy.connections(), 1);
}

#[tokio::test]
async fn a_script_that_the_server_forgot_is_a_round_trip_more_once() {
    let ground = Ground::new().await;
    ground.server.client(&["SCRIPT", "FLUSH"]);
    commands(&ground);
    ground.set("k", "v").await;
    let twice = [("evalsha".to_owned(), 2), ("script|load".to_owned(), 1)];
    assert_eq!(commands(&ground), twice.into());
    ground.set("k", "w").await;
    assert_eq!(commands(&ground), only("evalsha", 1));
    assert_eq!(ground.value("k").await.as_deref(), Some("w"));
}

#[tokio::test]
async fn a_write_with_strong_consistency_waits_for_replicas_and_no_other_does() {
    let primary = Setup::of(Kind::Redis).start();
    let replica = Setup::of(Kind::Redis).start();
    let port = primary.port().to_string();
    replica.client(&["REPLICAOF", "127.0.0.1", &port]);
    until("the replica to be there", PATIENCE, || {
        replica
            .client(&["INFO", "replication"])
            .contains("master_link_status:up")
            .then_some(())
    });
    let ground = Ground::of(primary).await;
    let strong = |key: &str| SetItem {
        consistency: Some(Consistency::Strong),
        ..item(key, "v")
    };
    // The first one makes its connection.
    ground.app.set(strong("first")).await.unwrap();
    commands(&ground);
    ground.app.set(strong("k")).await.unwrap();
    // It is there without waiting for it.
    assert_eq!(replica.client(&["HGET", "app||k", "data"]), "v");
    let expected = [("evalsha".to_owned(), 1), ("wait".to_owned(), 1)];
    assert_eq!(commands(&ground), expected.into());
    ground.set("k", "v").await;
    assert_eq!(commands(&ground), only("evalsha", 1));
}

#[tokio::test]
async fn without_replicas_strong_consistency_costs_nothing() {
    let ground = Ground::new().await;
    commands(&ground);
    let strong = SetItem {
        consistency: Some(Consistency::Strong),
        ..item("k", "v")
    };
    ground.app.set(strong).await.unwrap();
    assert_eq!(commands(&ground), only("evalsha", 1));
}
