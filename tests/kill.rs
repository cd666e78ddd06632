//! `kill -9` while apps write: what was acknowledged is there afterwards, and no transaction is there by half.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use dapr_wasm_tests::client::Client;
use dapr_wasm_tests::{Host, Launch, PATIENCE, built, until};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

const SQLITE: &str = "[state.statestore]\ntype = \"sqlite\"\nconnectionString = \"state.db\"\n";

/// How often the host is killed.
const ROUNDS: usize = 20;

/// How many write at once, so that the store has groups of writes to commit.
const WRITERS: usize = 6;

/// Writes that are acknowledged in a round before the host is killed, and how many more in each round than in the one
/// before: it dies in the middle of others each time.
const ACKNOWLEDGED: usize = 30;
const MORE: usize = 7;

/// One of several that write at once, and what it knows of its own writes.
#[derive(Clone, Debug)]
struct Writer {
    name: usize,
    /// Of the last transaction that was acknowledged.
    acknowledged: usize,
    /// Of the last transaction that was sent.
    sent: usize,
    /// The items of its own that were acknowledged: the key, and the number that its value belongs to.
    own: BTreeMap<String, String>,
}

impl Writer {
    fn new(name: usize) -> Self {
        Self {
            name,
            acknowledged: 0,
            sent: 0,
            own: BTreeMap::new(),
        }
    }

    /// Writes until the host is gone: a pair that must stay equal, then a key of its own.
    fn write(&mut self, client: &Client, acknowledged: &AtomicUsize) {
        loop {
            self.sent += 1;
            let (name, number) = (self.name, self.sent.to_string());
            let pair = json!([
                { "op": "set", "key": format!("pair/{name}/left"), "value": number },
                { "op": "set", "key": format!("pair/{name}/right"), "value": number },
            ]);
            let Ok(answer) = client.call("POST", "/").body(pair.to_string()).try_send() else {
                return;
            };
            assert_eq!(answer.status, 204, "{}", answer.text());
            self.acknowledged = self.sent;
            acknowledged.fetch_add(1, Ordering::Relaxed);

            let key = format!("own/{name}/{number}");
            let put = client.call("PUT", &format!("/{key}")).body(large(&number));
            let Ok(answer) = put.try_send() else {
                return;
            };
            assert_eq!(answer.status, 204, "{}", answer.text());
            self.own.insert(key, number);
            acknowledged.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Checks what is there against what it knows, and goes on from what is there.
    fn check(&mut self, host: &Host) {
        let read = |side: &str| -> usize {
            let response = host.get(&format!("/pair/{}/{side}", self.name));
            if response.status == 404 {
                0
            } else {
                response.text().parse().expect("it is a number")
            }
        };
        let (left, right) = (read("left"), read("right"));
        assert_eq!(left, right, "a transaction of {self:?} is torn");
        assert!(
            (self.acknowledged..=self.sent).contains(&left),
            "{left} is there of {self:?}"
        );
        self.sent = left;
        self.acknowledged = left;
    }
}

/// A value that belongs to a number, so large that the write-ahead log is moved into the file now and then.
fn large(number: &str) -> String {
    const TIMES: usize = 3000;
    format!("{number},").repeat(TIMES)
}

/// All keys that begin with a prefix.
fn keys(host: &Host, prefix: &str) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    let mut cursor = String::new();
    loop {
        let page = host.get(&format!("/?prefix={prefix}&limit=1000{cursor}")).json();
        keys.extend(
            page["keys"]
                .as_array()
                .unwrap()
                .iter()
                .map(|key| key.as_str().unwrap().to_owned()),
        );
        let Some(next) = page["cursor"].as_str() else {
            return keys;
        };
        cursor = format!(
            "&cursor={}",
            next.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>()
        );
    }
}

#[test]
fn after_kill_9_every_acknowledged_write_is_there_and_no_transaction_is_torn() {
    let launch = Launch::guest("kv").components(SQLITE);
    let mut writers: Vec<_> = (0..WRITERS).map(Writer::new).collect();
    for round in 1..=ROUNDS {
        let host = launch.start();
        for writer in &mut writers {
            writer.check(&host);
        }
        let acknowledged = AtomicUsize::new(0);
        let (client, enough) = (host.client().clone(), ACKNOWLEDGED + MORE * round);
        thread::scope(|scope| {
            for writer in &mut writers {
                scope.spawn(|| writer.write(&client, &acknowledged));
            }
            until("writes to be acknowledged", PATIENCE, || {
                (acknowledged.load(Ordering::Relaxed) >= enough).then_some(())
            });
            host.kill();
        });
    }

    let host = launch.start();
    for writer in &mut writers {
        writer.check(&host);
    }
    let there = keys(&host, "own/");
    for writer in &writers {
        for (key, number) in &writer.own {
            assert!(there.contains(key), "{key} was acknowledged and is not listed");
            let response = host.get(&format!("/{key}"));
            assert_eq!(response.status, 200, "{key} was acknowledged and is gone");
            assert!(
                response.text() == large(number),
                "{key} was acknowledged with another value"
            );
        }
        assert!(
            !writer.own.is_empty(),
            "writer {} never wrote: nothing was shown",
            writer.name
        );
    }
    assert!(host.stop().success());

    let file = rusqlite::Connection::open(launch.folder().join("state.db")).unwrap();
    let verdict: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
}

#[test]
fn a_counter_goes_on_after_kill_9_from_what_it_last_answered() {
    let launch = Launch::guest("counter").components(SQLITE);
    let mut last = 0;
    for _ in 0..3 {
        let host = launch.start();
        let client = host.client().clone();
        let shared = AtomicUsize::new(last);
        thread::scope(|scope| {
            scope.spawn(|| {
                while let Ok(answer) = client.call("POST", "/").body("").try_send() {
                    shared.store(answer.text().parse().expect("it is a number"), Ordering::Relaxed);
                }
            });
            until("the counter to count", PATIENCE, || {
                (shared.load(Ordering::Relaxed) >= last + 20).then_some(())
            });
            host.kill();
        });
        let answered = shared.into_inner();
        let host = launch.start();
        last = host.get("/").text().parse().expect("it is a number");
        // The one that was under way may have been counted.
        assert!(
            (answered..=answered + 1).contains(&last),
            "{answered} was answered and {last} is there"
        );
        host.kill();
    }
}

#[test]
fn whoever_compiles_for_a_host_that_was_killed_ends_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut compiling = Command::new(built::binary())
        .arg("compile-into")
        .arg(folder.path().join("code"))
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It still waits for the component: nothing but the host's end of this pipe can end it.
    drop(compiling.stderr.take());
    let ended = until("the process to end", PATIENCE, || compiling.try_wait().unwrap());
    assert!(!ended.success(), "{ended}");
}
