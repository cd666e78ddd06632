//! What an app hears when something fails: the case that is true of its item, whatever its key is called, and nothing of the
//! host's servers, users and databases. The log has it all.

use crate::ground::{Ground, assert_done, assert_error, assert_one_of};
use crate::vendors::{ETCD, Feature, MYSQL, POSTGRESQL, REDIS, Vendor, ZOOKEEPER, each};
use dapr_wasm_tests::Response;
use std::thread;

/// The deadline of the stores in these tests.
const DEADLINE: &str = "deadline = \"2s\"";

/// What an app may call its keys, percent-encoded: what servers and their clients say of failures.
const NAMES: [&str; 8] = [
    "plain",
    "NOAUTH",
    "READONLY%20x",
    "MISCONF",
    "Error%201%20(40001)",
    "zk:%20not%20authenticated",
    "code%20=%20PermissionDenied",
    "request%20is%20too%20large",
];

/// Nothing that is the host's is in an answer.
fn assert_tells_nothing(ground: &Ground, vendor: Vendor, response: &Response) {
    let text = response.text();
    let address = ground.server.address();
    let port = address.rsplit(':').next().unwrap_or_default();
    let mut hidden = vec!["127.0.0.1", port, "tcp", "dial", "user", "database"];
    // Of PostgreSQL both are the name of the product, which is no secret.
    hidden.extend(ground.server.user().filter(|_| vendor == MYSQL));
    hidden.extend(ground.server.password());
    for word in hidden {
        assert!(!text.contains(word), "`{word}` in {text}");
    }
}

/// Of a server that is gone, with an item of this name.
fn hears_nothing(ground: &Ground, vendor: Vendor, target: &str) {
    let read = ground.get(target);
    assert_one_of(&read, &[(503, "unavailable")]);
    assert_tells_nothing(ground, vendor, &read);
    let mut writes = vec![ground.put(target, "perhaps"), ground.host.client().delete(target)];
    if vendor.etags == Feature::There {
        let create = ground.host.call("PUT", target).header("if-none-match", "*");
        writes.push(create.body("perhaps").send());
    }
    for write in writes {
        assert_one_of(&write, &[(503, "unavailable"), (504, "outcome-unknown")]);
        assert_tells_nothing(ground, vendor, &write);
    }
}

#[test]
fn a_server_that_is_gone_is_the_same_error_whatever_a_key_is_called_and_nobody_hears_where_it_was() {
    each(|vendor| {
        let mut ground = Ground::with(vendor, DEADLINE);
        assert_done(&ground.put("/kept", "acknowledged"));
        ground.server.kill();
        thread::scope(|scope| {
            for name in NAMES {
                let ground = &ground;
                scope.spawn(move || hears_nothing(ground, vendor, &format!("/{name}")));
            }
        });
        ground.host.wait_for_log("a call failed: ");
    });
}

#[test]
fn the_log_has_what_the_app_does_not_hear() {
    let mut ground = Ground::with(POSTGRESQL, DEADLINE);
    ground.server.kill();
    assert_one_of(&ground.get("/k"), &[(503, "unavailable")]);
    let port = ground.server.port();
    ground.host.wait_for_log(&format!(
        "connect to `user=postgres database=postgres`: 127.0.0.1:{port}"
    ));
}

#[test]
fn etcd_that_asks_for_a_user_denies_and_does_not_fail() {
    let ground = Ground::of(ETCD);
    assert_done(&ground.put("/k", "of everybody"));
    ground.server.client(&["user", "add", "root:secret"]);
    ground.server.client(&["auth", "enable"]);
    for name in NAMES {
        let target = format!("/{name}");
        for response in [
            ground.get(&target),
            ground.put(&target, "value"),
            ground.host.client().delete(&target),
        ] {
            assert_error(&response, 403, "denied");
            assert_tells_nothing(&ground, ETCD, &response);
        }
    }
    ground.host.wait_for_log("etcdserver: user name is empty");
    ground.server.client(&["--user", "root:secret", "auth", "disable"]);
    assert_eq!(ground.get("/k").text(), "of everybody");
}

#[test]
fn redis_that_forbids_a_script_denies_whatever_a_key_is_called() {
    let ground = Ground::of(REDIS);
    ground.server.client(&["ACL", "SETUSER", "default", "-eval"]);
    for name in NAMES {
        let target = format!("/{name}");
        let create = ground
            .host
            .call("PUT", &target)
            .header("if-none-match", "*")
            .body("value")
            .send();
        assert_error(&create, 403, "denied");
        // A transaction, of which the client does not tell why the server does not begin it.
        assert_error(&ground.put(&target, "value"), 503, "unavailable");
        assert_error(&ground.host.client().delete(&target), 403, "denied");
        assert_eq!(ground.get(&target).status, 404);
    }
}

#[test]
fn a_value_that_redis_has_is_not_said_to_be_none_because_its_ttl_was_refused() {
    let ground = Ground::of(REDIS);
    ground.server.client(&["ACL", "SETUSER", "default", "-expire"]);
    let create = ground
        .host
        .call("PUT", "/k?ttl=100")
        .header("if-none-match", "*")
        .body("value")
        .send();
    assert_error(&create, 504, "outcome-unknown");
    assert_eq!(ground.get("/k").text(), "value");
}

#[test]
fn redis_without_memory_has_written_nothing_when_it_says_so() {
    let ground = Ground::of(REDIS);
    assert_done(&ground.put("/k?ttl=1000", "before"));
    let memory = |bytes| ground.server.client(&["CONFIG", "SET", "maxmemory", bytes]);
    memory("1");
    let create = ground.host.call("PUT", "/new").header("if-none-match", "*");
    assert_error(&create.body("value").send(), 503, "unavailable");
    // Without TTL, which would clear the one that is there.
    assert_error(&ground.put("/k", "after"), 503, "unavailable");
    memory("0");
    assert_eq!(ground.get("/k").text(), "before");
    assert_ne!(ground.server.client(&["TTL", "kv||k"]), "-1");
    assert_eq!(ground.get("/new").status, 404);
}

#[test]
fn no_key_leaves_the_path_of_zookeeper() {
    let server = ZOOKEEPER.serve();
    for path in ["/apps", "/apps/one"] {
        server.client(&["create", path]);
    }
    let address = server.address();
    let more = "keyPrefix = \"none\"\nkeyPrefixPath = \"/apps/one\"";
    let host = crate::ground::launch(ZOOKEEPER, &server, &address, more).start();
    let ground = Ground { server, host };
    for (target, name) in [
        ("/%2E", "%2E"),
        ("/%2E%2E", "%2E%2E"),
        ("/%252E%252E", "%252E%252E"),
        ("/...", "..."),
    ] {
        assert_done(&ground.put(target, name));
        assert_eq!(ground.get(target).text(), name);
        let there = ground.server.client(&["get", &format!("/apps/one/{name}")]);
        assert_eq!(there, name);
    }
    for path in ["/apps", "/apps/one"] {
        let there = ground.server.client(&["get", path]);
        assert_eq!(there, "null", "{path}");
    }
    for target in ["/%2E", "/%2E%2E"] {
        assert_done(&ground.host.client().delete(target));
        assert_eq!(ground.get(target).status, 404);
    }
    assert_eq!(ground.get("/%252E%252E").text(), "%252E%252E");
}
