//! A built-in store beside Dapr's own component for the same server: what holds whichever of the two wrote.

use crate::built;
use crate::client::Response;
use crate::host::Host;
use crate::launch::Launch;
use crate::servers::Server;
use crate::wait::{PATIENCE, until};
use std::time::{Duration, Instant};

/// Who writes, and who finds what was written: each in turn.
pub const BOTH: [(&str, &str); 2] = [("ours", "theirs"), ("theirs", "ours")];

/// The app `kv` with two stores on one server, which have the same keys: `ours` is built in, and `theirs` is Dapr's own code in
/// WebAssembly.
#[derive(Debug)]
pub struct Beside {
    /// The host that has both.
    pub host: Host,
    /// Where their items are.
    pub server: Server,
}

impl Beside {
    /// On a server, with what both stores have in their tables: their type, and where the server is.
    pub fn on(server: Server, table: &str) -> Self {
        let address = server.address();
        let host = Launch::guest("kv")
            .components(&format!(
                "[state.ours]\nkeyPrefix = \"shared\"\n{table}\n\n[state.theirs]\nkeyPrefix = \"shared\"\n{table}\n\
                 source = \"dapr\"\nallow-hosts = [{address:?}]\n"
            ))
            .env(
                "XDG_DATA_HOME",
                built::data_home().to_str().expect("paths of tests are text"),
            )
            .start();
        Self { host, server }
    }

    /// Sets an item, with `more` behind the query.
    pub fn put(&self, store: &str, key: &str, value: &str, more: &str) -> Response {
        let target = format!("/{key}?store={store}{more}");
        self.host.client().put(&target, value)
    }

    /// Gets an item.
    pub fn get(&self, store: &str, key: &str) -> Response {
        self.host.get(&format!("/{key}?store={store}"))
    }

    fn etag(&self, store: &str, key: &str) -> String {
        let found = self.get(store, key);
        found.header("etag").expect("an item has an etag").to_owned()
    }

    /// The same item's etags in both stores: the component's may have more to it.
    fn etags(&self, one: &str, other: &str, key: &str) -> (String, String) {
        (self.etag(one, key), self.etag(other, key))
    }

    fn conditional(&self, method: &str, store: &str, key: &str, condition: (&str, &str), value: &str) -> u16 {
        let call = self.host.client().call(method, &format!("/{key}?store={store}"));
        call.header(condition.0, condition.1).body(value).send().status
    }

    fn update(&self, store: &str, key: &str, etag: &str, value: &str) -> u16 {
        self.conditional("PUT", store, key, ("if-match", etag), value)
    }

    fn delete(&self, store: &str, key: &str, etag: &str) -> u16 {
        self.conditional("DELETE", store, key, ("if-match", etag), "")
    }

    fn create(&self, store: &str, key: &str) -> u16 {
        self.conditional("PUT", store, key, ("if-none-match", "*"), "created")
    }

    /// Claims that each reads and replaces these values of the other.
    pub fn reads_and_replaces(&self, values: &[&str]) {
        for (one, other) in BOTH {
            for value in values {
                assert_eq!(self.put(one, "k", value, "").status, 204);
                assert_eq!(self.get(other, "k").text(), *value, "{one} wrote");
                assert_eq!(self.put(other, "k", "replaced", "").status, 204);
                assert_eq!(self.get(one, "k").text(), "replaced", "{other} replaced");
            }
        }
    }

    /// Claims that each updates and deletes by etag what the other wrote, and only what it has seen.
    pub fn updates_and_deletes_by_etag(&self) {
        for (one, other) in BOTH {
            let key = format!("by-{one}");
            assert_eq!(self.put(one, &key, "first", "").status, 204);
            let first = self.etags(one, other, &key);
            assert_eq!(self.update(other, &key, &first.1, "second"), 204, "{other} updates");
            assert_eq!(self.update(one, &key, &first.0, "late"), 412);
            assert_eq!(self.delete(one, &key, &first.0), 412);
            let second = self.etags(one, other, &key);
            assert_eq!(self.update(one, &key, &second.0, "third"), 204, "{one} updates");
            assert_eq!(self.update(other, &key, &second.1, "late"), 412);
            assert_eq!(self.delete(other, &key, &second.1), 412);
            assert_eq!(self.get(other, &key).text(), "third");
            let third = self.etags(one, other, &key);
            assert_eq!(self.delete(other, &key, &third.1), 204, "{other} deletes");
            assert_eq!(self.get(one, &key).status, 404);
        }
    }

    /// Claims that each creates only what the other has not.
    pub fn creates_what_is_not_there(&self) {
        for (one, other) in BOTH {
            let key = format!("new-{one}");
            assert_eq!(self.create(one, &key), 204);
            assert_eq!(self.create(other, &key), 412);
            // What one created on a condition, the other replaces without.
            assert_eq!(self.put(other, &key, "replaced", "").status, 204);
            assert_eq!(self.put(one, &key, "again", "").status, 204);
            assert_eq!(self.get(other, &key).text(), "again");
        }
    }

    /// Claims that what one lets end ends for the other, and that a set without an end takes the other's away.
    pub fn lets_end(&self) {
        for (one, other) in BOTH {
            let key = format!("ends-{one}");
            let begun = Instant::now();
            assert_eq!(self.put(one, &key, "v", "&ttl=4").status, 204);
            assert_eq!(self.get(other, &key).text(), "v");
            assert!(self.get("ours", &key).header("expires").is_some(), "{one}");
            until("the item to end", PATIENCE, || {
                (self.get(other, &key).status == 404).then_some(())
            });
            // A check that takes part of a second was begun in time.
            let lived = begun.elapsed();
            assert!(
                lived >= Duration::from_secs(4) - Duration::from_millis(1),
                "{one}: {lived:?}"
            );
            assert_eq!(self.get(one, &key).status, 404);
            assert_eq!(self.put(one, &key, "v", "&ttl=1000").status, 204);
            assert_eq!(self.put(other, &key, "v", "").status, 204);
            assert_eq!(self.get("ours", &key).header("expires"), None, "{other}");
        }
    }

    /// Claims that each lists what the other wrote.
    pub fn lists(&self) {
        for (one, other) in BOTH {
            let key = |index| format!("list-{one}/{index}");
            let expected: Vec<_> = (0..5).map(key).collect();
            for key in &expected {
                assert_eq!(self.put(one, key, "v", "").status, 204);
            }
            let listed = self.host.get(&format!("/?prefix=list-{one}/&store={other}")).json();
            let keys = listed["keys"].as_array().expect("it is a list");
            let mut keys: Vec<_> = keys.iter().filter_map(|key| key.as_str()).collect();
            keys.sort_unstable();
            assert_eq!(keys, expected);
        }
    }
}
