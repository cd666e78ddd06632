//! What lies in the server, and what of others is read.

use crate::ground::{Ground, item};
use dapr_blocks::state::{Condition, ContentType, DeleteItem, GetOptions, SetItem, StateError, Ttl};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The fields of a hash, in the order of their names.
fn fields(ground: &Ground, key: &str) -> Vec<String> {
    let printed = ground.server.client(&["HKEYS", key]);
    let mut fields: Vec<_> = printed.lines().map(str::to_owned).collect();
    fields.sort_unstable();
    fields
}

fn field(ground: &Ground, key: &str, name: &str) -> Vec<u8> {
    ground.server.client_bytes(&["HGET", key, name])
}

/// What daprd's script writes.
fn as_daprd(ground: &Ground, key: &str, data: &str, version: &str) {
    ground.server.client(&["HSET", key, "data", data, "version", version]);
}

#[tokio::test]
async fn an_item_is_a_hash_with_its_bytes_and_a_version_that_a_script_counts_on_from() {
    let ground = Ground::new().await;
    let bytes: Vec<u8> = (0..=255).collect();
    ground.app.set(item("bytes", bytes.clone())).await.unwrap();
    assert_eq!(ground.server.client(&["TYPE", "app||bytes"]), "hash");
    assert_eq!(fields(&ground, "app||bytes"), ["data", "version"]);
    // The client prints a line's end of its own.
    assert_eq!(field(&ground, "app||bytes", "data"), bytes);
    let version = ground.server.client(&["HGET", "app||bytes", "version"]);
    assert_eq!(ground.etag("bytes").await.as_str(), version);
    let number: u64 = version.parse().unwrap();
    assert!((1 << 50..1 << 53).contains(&number), "{number}");
    let next = ground.server.client(&["HINCRBY", "app||bytes", "version", "1"]);
    assert_eq!(next, (number + 1).to_string());
    assert_eq!(ground.etag("bytes").await.as_str(), next);
}

#[tokio::test]
async fn a_content_type_lies_beside_with_the_version_that_it_is_of() {
    let ground = Ground::new().await;
    let typed = SetItem {
        content_type: Some(ContentType::new("text/plain; a=b").unwrap()),
        ..item("k", "v")
    };
    ground.app.set(typed).await.unwrap();
    assert_eq!(fields(&ground, "app||k"), ["content-type", "data", "version"]);
    let version = ground.etag("k").await.into_string();
    let lies = String::from_utf8(field(&ground, "app||k", "content-type")).unwrap();
    assert_eq!(lies, format!("{version} text/plain; a=b"));
    // As daprd writes: it knows nothing of the field.
    ground.server.client(&["HSET", "app||k", "data", "other"]);
    ground.server.client(&["HINCRBY", "app||k", "version", "1"]);
    let entry = ground.get("k").await.unwrap();
    assert_eq!((entry.value, entry.content_type), (b"other".to_vec(), None));
    ground.set("k", "again").await;
    assert_eq!(fields(&ground, "app||k"), ["data", "version"]);
}

#[tokio::test]
async fn an_end_is_redis_own_and_a_set_without_one_takes_it_away() {
    let ground = Ground::new().await;
    let ends = SetItem {
        ttl: Ttl::new(1000).ok(),
        ..item("k", "v")
    };
    let before = now();
    ground.app.set(ends).await.unwrap();
    let end: u64 = ground.server.client(&["EXPIRETIME", "app||k"]).parse().unwrap();
    assert!((before + 1000..=now() + 1001).contains(&end), "{end}");
    assert_eq!(ground.get("k").await.unwrap().expires_at, Some(end));
    ground.set("k", "v").await;
    assert_eq!(ground.server.client(&["TTL", "app||k"]), "-1");
    assert_eq!(ground.get("k").await.unwrap().expires_at, None);
}

#[tokio::test]
async fn what_daprd_wrote_is_read_and_ends_when_it_says() {
    let ground = Ground::new().await;
    as_daprd(&ground, "app||k", "{\"a\":1}", "7");
    ground.server.client(&["EXPIRE", "app||k", "100"]);
    let entry = ground.get("k").await.unwrap();
    assert_eq!(entry.value, b"{\"a\":1}");
    assert_eq!(entry.etag.unwrap().as_str(), "7");
    let left = entry.expires_at.unwrap() - now();
    assert!((99..=101).contains(&left), "{left}");
}

#[tokio::test]
async fn a_version_that_began_at_1_becomes_one_that_does_not_come_back() {
    let ground = Ground::new().await;
    as_daprd(&ground, "app||k", "theirs", "1");
    let first = ground.etag("k").await;
    let update = |condition| SetItem {
        condition,
        ..item("k", "ours")
    };
    ground.app.set(update(Condition::Matches(first.clone()))).await.unwrap();
    let second = ground.etag("k").await;
    assert!(second.as_str().parse::<u64>().unwrap() > 1 << 50, "{second:?}");
    let late = ground.app.set(update(Condition::Matches(first))).await;
    assert_eq!(late.unwrap_err().case(), "etag-mismatch");
}

#[tokio::test]
async fn a_version_ahead_of_the_clock_is_counted_on_from() {
    let ground = Ground::new().await;
    // A clock that was years ahead.
    as_daprd(&ground, "app||k", "v", "9000000000000000");
    ground.set("k", "w").await;
    assert_eq!(ground.etag("k").await.as_str(), "9000000000000001");
}

#[tokio::test]
async fn the_field_by_which_daprd_wants_an_etag_stays_and_binds_nobody_here() {
    let ground = Ground::new().await;
    ground
        .server
        .client(&["HSET", "app||k", "data", "v", "version", "1", "first-write", "0"]);
    ground.set("k", "ours").await;
    assert_eq!(ground.value("k").await.as_deref(), Some("ours"));
    assert_eq!(field(&ground, "app||k", "first-write"), b"0");
    let created = SetItem {
        condition: Condition::Absent,
        ..item("new", "v")
    };
    ground.app.set(created).await.unwrap();
    assert_eq!(fields(&ground, "app||new"), ["data", "version"]);
}

#[tokio::test]
async fn a_plain_string_is_an_item_whose_etag_is_of_its_bytes() {
    let ground = Ground::new().await;
    ground.server.client(&["SET", "app||k", "plain"]);
    assert_eq!(ground.value("k").await.as_deref(), Some("plain"));
    let first = ground.etag("k").await;
    let create = SetItem {
        condition: Condition::Absent,
        ..item("k", "mine")
    };
    assert_eq!(ground.app.set(create).await.unwrap_err().case(), "etag-mismatch");
    ground.server.client(&["SET", "app||k", "other"]);
    let update = |etag| SetItem {
        condition: Condition::Matches(etag),
        ..item("k", "ours")
    };
    assert_eq!(ground.app.set(update(first)).await.unwrap_err().case(), "etag-mismatch");
    let second = ground.etag("k").await;
    ground.app.set(update(second)).await.unwrap();
    assert_eq!(ground.value("k").await.as_deref(), Some("ours"));
    assert_eq!(ground.server.client(&["TYPE", "app||k"]), "hash");
}

#[tokio::test]
async fn what_is_no_item_is_said_to_be_none_and_is_replaced_by_a_set_without_condition() {
    let ground = Ground::new().await;
    let read = async |key: &str| ground.app.get(key, &GetOptions::default()).await;
    ground.server.client(&["RPUSH", "app||list", "a"]);
    ground.server.client(&["HSET", "app||half", "data", "a"]);
    for key in ["list", "half"] {
        assert_eq!(read(key).await.unwrap_err().case(), "internal", "{key}");
    }
    ground.server.client(&["HSET", "app||other", "colour", "red"]);
    assert_eq!(read("other").await.unwrap(), None);
    ground
        .server
        .client(&["HSET", "app||text", "data", "a", "version", "first"]);
    assert_eq!(ground.etag("text").await.as_str(), "first");
    for key in ["list", "half", "other", "text"] {
        ground.set(key, "v").await;
        assert_eq!(ground.value(key).await.as_deref(), Some("v"), "{key}");
    }
    ground.server.client(&["RPUSH", "app||gone", "a"]);
    ground.app.delete(DeleteItem::new("gone".to_owned())).await.unwrap();
    assert_eq!(ground.server.client(&["EXISTS", "app||gone"]), "0");
}

/// What daprd writes with the content type of JSON where RedisJSON is.
#[tokio::test]
async fn a_document_of_redisjson_is_said_to_be_one_and_is_not_replaced() {
    let ground = Ground::new().await;
    let folder = tempfile::tempdir().unwrap();
    let module = folder.path().join("document.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/redis/document.c");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&module)
        .arg(source)
        .status();
    assert!(compiled.expect("there is a C compiler").success());
    // The server may be another user's process.
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    ground.server.client(&["MODULE", "LOAD", module.to_str().unwrap()]);
    ground.server.client(&["DOCUMENT", "app||k"]);
    let says_so = |error: StateError| {
        assert_eq!(error.case(), "internal");
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("RedisJSON"), "{source}");
    };
    says_so(ground.app.get("k", &GetOptions::default()).await.unwrap_err());
    says_so(ground.app.set(item("k", "v")).await.unwrap_err());
    let create = SetItem {
        condition: Condition::Absent,
        ..item("k", "v")
    };
    says_so(ground.app.set(create).await.unwrap_err());
    let together = vec![item("other", "v"), item("k", "v")];
    assert!(ground.app.bulk_set(together).await.is_err());
    assert_eq!(ground.server.client(&["TYPE", "app||k"]), "ReJSON-RL");
    assert_eq!(ground.server.client(&["EXISTS", "app||other"]), "0");
    ground.app.delete(DeleteItem::new("k".to_owned())).await.unwrap();
    assert_eq!(ground.server.client(&["EXISTS", "app||k"]), "0");
}

#[tokio::test]
async fn a_value_of_others_that_is_too_large_never_leaves_the_server() {
    let ground = Ground::new().await;
    let script = "redis.call('HSET', KEYS[1], 'data', string.rep('x', 20000000), 'version', 1)";
    ground.server.client(&["EVAL", script, "1", "app||large"]);
    ground.server.client(&[
        "EVAL",
        "redis.call('SET', KEYS[1], string.rep('x', 20000000))",
        "1",
        "app||string",
    ]);
    for key in ["large", "string"] {
        let sent = sent(&ground);
        let read = ground.app.get(key, &GetOptions::default()).await;
        let error = read.unwrap_err();
        assert_eq!(error.case(), "too-large", "{key}");
        assert_eq!(
            error.to_string(),
            "the value has 20000000 bytes, more than the 4194304 allowed"
        );
        assert!(self::sent(&ground) - sent < 100_000);
    }
    for index in 0..4 {
        ground.set(&index.to_string(), &"x".repeat(3_000_000)).await;
    }
    let keys: Vec<_> = (0..4).map(|index| index.to_string()).collect();
    let sent = sent(&ground);
    let read = ground.app.bulk_get(&keys, &GetOptions::default()).await;
    assert_eq!(read.unwrap_err().case(), "too-large");
    assert!(self::sent(&ground) - sent < 100_000);
}

/// Bytes that the server has sent to all of its clients.
fn sent(ground: &Ground) -> u64 {
    let printed = ground.server.client(&["INFO", "stats"]);
    let line = printed
        .lines()
        .find_map(|line| line.strip_prefix("total_net_output_bytes:"));
    line.unwrap().trim().parse().unwrap()
}
