//! What lies in the server: what Dapr's own code writes there, and what it reads. The same items are written through the host
//! and by that code, built for this machine, and compared as the server's own client shows them.

use crate::ground::{Ground, assert_done, assert_error};
use crate::native;
use crate::rows::{Row, row};
use crate::vendors::{Feature, MYSQL, NATIVE_DATABASE, POSTGRESQL, REDIS, Vendor, ZOOKEEPER, each};
use dapr_wasm_tests::native::If;
use dapr_wasm_tests::{Native, Response};
use serde_json::json;
use std::time::Instant;

/// What comes before each key of the app.
const PREFIX: &str = "kv||";

/// What is written to an item, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Write {
    Set(&'static [u8]),
    /// With a TTL of [`TTL`].
    SetThatEnds(&'static [u8]),
    /// If there is none.
    Create(&'static [u8]),
    /// By the etag that it has.
    Update(&'static [u8]),
}

/// Seconds; long enough that nothing ends meanwhile.
const TTL: u32 = 1000;

/// Every byte that there is.
const BYTES: [u8; 256] = {
    let mut bytes = [0; 256];
    let mut i = 0;
    while i < bytes.len() {
        bytes[i] = i as u8;
        i += 1;
    }
    bytes
};

/// Items by their names.
const ITEMS: [(&str, &[Write]); 8] = [
    ("text", &[Write::Set("two words, grün".as_bytes())]),
    ("json", &[Write::Set(br#"{"b": [1, 2.50], "a": null}"#)]),
    ("bytes", &[Write::Set(&BYTES)]),
    ("empty", &[Write::Set(b"")]),
    ("overwritten", &[Write::Set(b"one"), Write::Set(b"two")]),
    ("ends", &[Write::SetThatEnds(b"some time")]),
    ("created", &[Write::Create(b"first")]),
    ("updated", &[Write::Set(b"one"), Write::Update(b"two")]),
];

impl Write {
    fn value(self) -> &'static [u8] {
        match self {
            Self::Set(value) | Self::SetThatEnds(value) | Self::Create(value) | Self::Update(value) => value,
        }
    }

    /// Whether the component does this, and Dapr's own code.
    fn is_done_by(self, vendor: Vendor) -> bool {
        match self {
            Self::Set(_) => true,
            Self::SetThatEnds(_) => vendor.ttl == Feature::There,
            Self::Create(_) => vendor.etags == Feature::There && vendor != ZOOKEEPER,
            Self::Update(_) => vendor.etags == Feature::There,
        }
    }

    fn through_the_host(self, ground: &Ground, name: &str) {
        let target = format!("/{name}");
        let put = |target: &str| ground.host.call("PUT", target).body(self.value());
        assert_done(&match self {
            Self::Set(_) => put(&target).send(),
            Self::SetThatEnds(_) => put(&format!("{target}?ttl={TTL}")).send(),
            Self::Create(_) => put(&target).header("if-none-match", "*").send(),
            Self::Update(_) => put(&target).header("if-match", &etag(&ground.get(&target))).send(),
        });
    }

    fn by_native_code(self, native: &mut Native, name: &str) {
        let key = format!("{PREFIX}{name}");
        let done = match self {
            Self::Set(value) => native.set(&key, value, If::Anything, None),
            Self::SetThatEnds(value) => native.set(&key, value, If::Anything, Some(TTL)),
            Self::Create(value) => native.set(&key, value, If::Absent, None),
            Self::Update(value) => {
                let etag = native.get(&key).etag.unwrap();
                native.set(&key, value, If::Matches(&etag), None)
            }
        };
        assert_eq!(done, Ok(()), "{name}");
    }
}

fn etag(response: &Response) -> String {
    response.header("etag").unwrap().to_owned()
}

/// The items that a store can have.
fn items_of(vendor: Vendor) -> impl Iterator<Item = (&'static str, &'static [Write])> {
    let has = move |writes: &[Write]| writes.iter().all(|write| write.is_done_by(vendor));
    ITEMS.into_iter().filter(move |(_, writes)| has(writes))
}

/// A server with its component, and the same store as native code.
fn both(vendor: Vendor) -> (Ground, Native) {
    let ground = Ground::of(vendor);
    let native = native::open(vendor, &ground.server, &[]);
    (ground, native)
}

/// Makes an item for native code to replace where it cannot create any: components-contrib asks ZooKeeper for one that nobody
/// may read.
fn make_room(vendor: Vendor, ground: &Ground, name: &str) {
    if vendor == ZOOKEEPER {
        Write::Set(b"room").through_the_host(ground, name);
    }
}

#[test]
fn what_a_component_writes_is_what_daprs_own_code_writes() {
    each(|vendor| {
        let (ground, mut native) = both(vendor);
        for (name, writes) in items_of(vendor) {
            let theirs = format!("{name}-native");
            make_room(vendor, &ground, name);
            make_room(vendor, &ground, &theirs);
            let begun = Instant::now();
            for write in writes {
                write.through_the_host(&ground, name);
                write.by_native_code(&mut native, &theirs);
            }
            let took = begun.elapsed().as_secs();
            let ours = row(&ground.server, &format!("{PREFIX}{name}"));
            let theirs = row(&ground.server, &format!("{PREFIX}{theirs}"));
            assert_same(vendor, name, &ours, &theirs, took);
        }
    });
}

/// Compares rows of which one was written at most so many seconds after the other.
fn assert_same(vendor: Vendor, name: &str, ours: &Row, theirs: &Row, took: u64) {
    let mut expected = theirs.clone();
    if vendor == REDIS && name == "created" {
        // With this field Dapr's first-write demands an etag of every later write, which the host does not.
        assert_eq!(theirs.columns.get("fields").unwrap(), "data first-write version");
        expected.columns.insert("fields".to_owned(), "data version".to_owned());
    }
    assert_eq!(ours.columns, expected.columns, "{name}");
    match (ours.ends, theirs.ends) {
        // The glue adds a second where the server counts whole ones; the clock may have gone on by one.
        (Some(ours), Some(theirs)) => assert!(ours.abs_diff(theirs) <= 2 + took, "{name}: {ours} {theirs}"),
        (ours, theirs) => assert_eq!(ours, theirs, "{name}"),
    }
    assert_eq!(ours.ends.is_some(), name == "ends", "{name}");
}

#[test]
fn each_reads_what_the_other_wrote_byte_for_byte() {
    each(|vendor| {
        let (ground, mut native) = both(vendor);
        for (name, writes) in items_of(vendor) {
            let theirs = format!("{name}-native");
            make_room(vendor, &ground, &theirs);
            for write in writes {
                write.through_the_host(&ground, name);
                write.by_native_code(&mut native, &theirs);
            }
            let value = writes.last().unwrap().value();
            assert_eq!(native.get(&format!("{PREFIX}{name}")).value, value, "{name}");
            let found = ground.get(&format!("/{theirs}"));
            assert_eq!((found.status, &*found.body), (200, value), "{name}");
        }
        // As daprd writes what comes as JSON.
        make_room(vendor, &ground, "json-value");
        let value = json!({ "b": [1, 2.5, "grün"] });
        native.set_json(&format!("{PREFIX}json-value"), &value).unwrap();
        assert_eq!(ground.get("/json-value").json(), value);
    });
}

#[test]
fn each_updates_by_etag_what_the_other_wrote() {
    each(|vendor| {
        if vendor.etags == Feature::Lacking {
            return;
        }
        let (ground, mut native) = both(vendor);
        let update = |etag: &str, value: &str| {
            let call = ground.host.call("PUT", "/shared").header("if-match", etag);
            call.body(value).send()
        };
        let key = &format!("{PREFIX}shared");
        make_room(vendor, &ground, "shared");
        native.set(key, b"theirs", If::Anything, None).unwrap();
        let first = (etag(&ground.get("/shared")), native.get(key).etag.unwrap());
        assert_done(&update(&first.0, "ours"));
        assert_eq!(native.get(key).value, b"ours");
        assert_error(&update(&first.0, "late"), 412, "etag-mismatch");
        assert!(native.set(key, b"late", If::Matches(&first.1), None).is_err());

        let second = (etag(&ground.get("/shared")), native.get(key).etag.unwrap());
        native.set(key, b"theirs again", If::Matches(&second.1), None).unwrap();
        assert_error(&update(&second.0, "late"), 412, "etag-mismatch");
        assert!(native.set(key, b"late", If::Matches(&second.1), None).is_err());
        assert_eq!(ground.get("/shared").text(), "theirs again");
    });
}

#[test]
fn the_tables_that_a_component_makes_are_those_of_daprs_own_code() {
    let (postgresql, mysql) = (Ground::of(POSTGRESQL), Ground::of(MYSQL));
    postgresql.server.client(&["CREATE SCHEMA native"]);
    let options = [
        ("tablePrefix", "native."),
        ("metadataTableName", "native.dapr_metadata"),
    ];
    drop(native::open(POSTGRESQL, &postgresql.server, &options));
    let columns = |schema: &str| {
        postgresql.server.client(&[
            &format!(
                "SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity \
                 FROM information_schema.columns WHERE table_schema = '{schema}' ORDER BY table_name, ordinal_position"
            ),
            &format!(
                "SELECT replace(indexdef, '{schema}.', '') FROM pg_indexes WHERE schemaname = '{schema}' ORDER BY 1"
            ),
        ])
    };
    assert!(
        columns("public").contains("state|value|bytea|NO"),
        "{}",
        columns("public")
    );
    assert_eq!(columns("public"), columns("native"));

    drop(native::open(MYSQL, &mysql.server, &[("schemaName", NATIVE_DATABASE)]));
    let tables = |database: &str| {
        let show = |table: &str| mysql.server.client(&[&format!("SHOW CREATE TABLE {database}.{table}")]);
        [show("state"), show("dapr_metadata")]
    };
    assert_eq!(tables("dapr_state_store"), tables(NATIVE_DATABASE));
}

#[test]
fn an_item_that_a_component_makes_in_zookeeper_is_open_and_daprs_own_code_makes_none() {
    let (ground, mut native) = both(ZOOKEEPER);
    assert_done(&ground.put("/ours", "value"));
    ground.server.client(&["create", "/theirs", "value"]);
    let access = |path: &str| ground.server.client(&["getAcl", path]);
    assert_eq!(access("/kv||ours"), access("/theirs"));
    let refused = native.set("kv||native", b"value", If::Anything, None).unwrap_err();
    assert!(refused.contains("invalid ACL"), "{refused}");
}

#[test]
fn what_a_component_lacks_is_unsupported_and_writes_nothing() {
    each(|vendor| {
        let ground = Ground::of(vendor);
        let put = |target: &str| ground.host.call("PUT", target).body("value");
        let asked = [
            (
                "/created",
                vendor.etags,
                put("/created").header("if-none-match", "*").send(),
            ),
            ("/ends", vendor.ttl, put(&format!("/ends?ttl={TTL}")).send()),
        ];
        for (target, feature, response) in asked {
            match feature {
                Feature::There => assert_done(&response),
                Feature::Lacking => {
                    assert_error(&response, 501, "unsupported");
                    assert_eq!(ground.get(target).status, 404);
                }
            }
        }
    });
}
