//! What lies in the server: what daprd writes, and what it reads. The names are those of `components-contrib`, whose code this is.

use crate::ground::{Ground, assert_error};
use dapr_wasm_tests::servers::Kind;
use dapr_wasm_tests::{PATIENCE, until};

#[test]
fn an_item_in_redis_is_a_hash_of_data_and_version_behind_the_apps_id() {
    let ground = Ground::of(Kind::Redis);
    assert_eq!(ground.put("/k", "value").status, 204);
    assert_eq!(ground.server.client(&["HGET", "kv||k", "data"]).trim(), "value");
    assert_eq!(ground.server.client(&["HGET", "kv||k", "version"]).trim(), "1");
    assert_eq!(ground.put("/k", "other").status, 204);
    assert_eq!(ground.server.client(&["HGET", "kv||k", "version"]).trim(), "2");
    assert_eq!(ground.server.client(&["TTL", "kv||k"]).trim(), "-1");
}

#[test]
fn bytes_reach_redis_as_they_are() {
    let ground = Ground::of(Kind::Redis);
    let bytes: Vec<u8> = (0..=255).collect();
    assert_eq!(ground.host.client().put("/bytes", bytes.clone()).status, 204);
    assert_eq!(ground.server.client_bytes(&["HGET", "kv||bytes", "data"]), bytes);
    assert_eq!(ground.get("/bytes").body, bytes);
}

#[test]
fn what_daprd_wrote_to_redis_is_read_updated_by_etag_and_ends() {
    let ground = Ground::of(Kind::Redis);
    ground
        .server
        .client(&["HSET", "kv||theirs", "data", "old", "version", "7"]);
    let found = ground.get("/theirs");
    assert_eq!(found.text(), "old");
    let etag = found.header("etag").unwrap().to_owned();
    let update = |etag: &str| {
        let call = ground.host.call("PUT", "/theirs").header("if-match", etag).body("new");
        call.send()
    };
    assert_error(&update("\"6\""), 412, "etag-mismatch");
    assert_eq!(update(&etag).status, 204);
    assert_eq!(ground.server.client(&["HGET", "kv||theirs", "version"]).trim(), "8");
    assert_error(&update(&etag), 412, "etag-mismatch");

    assert_eq!(ground.put("/short?ttl=1", "gone soon").status, 204);
    assert_eq!(ground.server.client(&["TTL", "kv||short"]).trim(), "1");
    until("the item to end", PATIENCE, || {
        (ground.get("/short").status == 404).then_some(())
    });
}

#[test]
fn an_item_in_memcached_is_its_value_behind_the_apps_id() {
    let ground = Ground::of(Kind::Memcached);
    assert_eq!(ground.put("/k", "value").status, 204);
    assert!(ground.server.client(&["get", "kv||k"]).contains("value"));
    assert_eq!(ground.get("/k").text(), "value");
    assert_eq!(ground.host.client().delete("/k").status, 204);
    assert_eq!(ground.get("/k").status, 404);
    let conditional = ground
        .host
        .call("PUT", "/k")
        .header("if-none-match", "*")
        .body("v")
        .send();
    assert_error(&conditional, 501, "unsupported");
}
