//! What a server holds of an item, read by the server's own client.

use dapr_wasm_tests::servers::{Kind, Server};
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// An item as it lies there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// What is the same whoever wrote it and when, by the server's names. Of what is new with each write, its form.
    pub(crate) columns: BTreeMap<String, String>,
    /// When it ends, in seconds since 1970.
    pub(crate) ends: Option<u64>,
}

/// The form of an etag that is a random UUID.
const UUID: &str = "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$";

/// The item of a key, with the app's prefix.
pub(crate) fn row(server: &Server, key: &str) -> Row {
    match server.kind() {
        Kind::Redis => redis(server, key),
        Kind::Postgresql => postgresql(server, key),
        Kind::Mariadb => mariadb(server, key),
        Kind::Memcached => memcached(server, key),
        Kind::Etcd => etcd(server, key),
        Kind::ZooKeeper => zookeeper(server, key),
    }
}

fn redis(server: &Server, key: &str) -> Row {
    let hash = server.client_bytes(&["HGET", key, "data"]);
    let keys = server.client(&["HKEYS", key]);
    let mut fields: Vec<_> = keys.lines().collect();
    fields.sort_unstable();
    Row {
        columns: columns([
            ("type", server.client(&["TYPE", key])),
            ("fields", fields.join(" ")),
            ("data", hash.escape_ascii().to_string()),
            ("version", server.client(&["HGET", key, "version"])),
        ]),
        ends: server.client(&["EXPIRETIME", key]).parse().ok(),
    }
}

fn postgresql(server: &Server, key: &str) -> Row {
    const NAMES: [&str; 5] = ["value", "etag", "created_at", "updated_at", "row_id"];
    let printed = server.client(&[&format!(
        "SELECT encode(value, 'hex'), etag::text ~ '{UUID}', created_at <= now(), updated_at <= now(), row_id > 0, \
         extract(epoch FROM expires_at)::bigint FROM state WHERE key = '{key}'"
    )]);
    of_sql(&NAMES, &printed, '|')
}

fn mariadb(server: &Server, key: &str) -> Row {
    const NAMES: [&str; 6] = ["value", "isbinary", "eTag", "insertDate", "updateDate", "row_id"];
    let printed = server.client(&[&format!(
        "SELECT value, isbinary, eTag REGEXP '{UUID}', insertDate <= now(), updateDate <= now(), row_id > 0, \
         UNIX_TIMESTAMP(expiredate) FROM dapr_state_store.state WHERE id = '{key}'"
    )]);
    of_sql(&NAMES, &printed, '\t')
}

/// The columns of one row, and its end as the last one.
fn of_sql(names: &[&str], printed: &str, between: char) -> Row {
    let (values, ends) = printed.rsplit_once(between).unwrap();
    let values: Vec<_> = values.split(between).collect();
    assert_eq!(values.len(), names.len(), "{printed}");
    Row {
        columns: columns(names.iter().zip(values).map(|(name, value)| (*name, value.to_owned()))),
        ends: ends.parse().ok(),
    }
}

fn memcached(server: &Server, key: &str) -> Row {
    let printed = server.client_bytes(&["mg", key, "f", "t", "v"]);
    let end = printed.windows(2).position(|bytes| bytes == b"\r\n").unwrap();
    let (head, value) = (String::from_utf8_lossy(&printed[..end]), &printed[end + 2..]);
    let mut words = head.split(' ').skip(1);
    let (bytes, flags) = (words.next().unwrap(), words.next().unwrap());
    // The seconds that it has left; -1 for one that does not end.
    let left: Option<u64> = words.next().and_then(|word| word.strip_prefix('t')?.parse().ok());
    Row {
        columns: columns([
            ("bytes", bytes.to_owned()),
            ("flags", flags.to_owned()),
            ("value", value.escape_ascii().to_string()),
        ]),
        ends: left.map(|left| now() + left),
    }
}

fn etcd(server: &Server, key: &str) -> Row {
    let path = format!("/{key}");
    let value = server.client_bytes(&["get", "--print-value-only", &path]);
    let printed = server.client(&["get", "--write-out=fields", &path]);
    let field = |name: &str| {
        let line = printed.lines().find(|line| line.starts_with(&format!("{name:?} :")));
        line.and_then(|line| line.split(" : ").nth(1))
            .unwrap_or_default()
            .to_owned()
    };
    let mut all = columns([("Version", field("Version")), ("Lease", field("Lease"))]);
    // Dapr's message: 1 is the data, 2 when it was written, 3 how long it lives.
    for (number, bytes) in message(&value) {
        let shown = match number {
            2 => "a time".to_owned(),
            _ => bytes.escape_ascii().to_string(),
        };
        all.insert(format!("value, field {number}"), shown);
    }
    Row {
        columns: all,
        ends: None,
    }
}

/// The fields of a message of protobuf, all of which are bytes.
fn message(mut bytes: &[u8]) -> Vec<(u8, &[u8])> {
    let mut fields = Vec::new();
    while let [tag, rest @ ..] = bytes {
        assert_eq!(tag & 7, 2, "a field of another kind: {tag}");
        let (mut length, mut used) = (0_usize, 0);
        for byte in rest {
            length |= usize::from(byte & 0x7f) << (7 * used);
            used += 1;
            if byte & 0x80 == 0 {
                break;
            }
        }
        fields.push((tag >> 3, &rest[used..used + length]));
        bytes = &rest[used + length..];
    }
    fields
}

fn zookeeper(server: &Server, key: &str) -> Row {
    const NAMES: [&str; 5] = [
        "dataVersion",
        "aclVersion",
        "ephemeralOwner",
        "dataLength",
        "numChildren",
    ];
    // What is no text is shown as Java shows it, the same for all.
    let printed = server.client_bytes(&["get", "-s", &format!("/{key}")]);
    let printed = String::from_utf8_lossy(&printed);
    let (data, stat) = printed.split_once("cZxid = ").unwrap();
    let field = |name: &str| {
        let line = stat.lines().find_map(|line| line.strip_prefix(&format!("{name} = ")));
        line.unwrap().to_owned()
    };
    let mut all = columns(NAMES.map(|name| (name, field(name))));
    all.insert("data".to_owned(), data.to_owned());
    Row {
        columns: all,
        ends: None,
    }
}

fn columns<'a>(all: impl IntoIterator<Item = (&'a str, String)>) -> BTreeMap<String, String> {
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
