//! Full load on the stores that ask a server, for a while: what the host holds meanwhile it lets go of when the load ends.
//!
//! Some seconds unless `DAPR_WASM_LOAD` says how many: `cargo xtask load` has ten minutes of it.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use dapr_wasm_tests::process::Facts;
use dapr_wasm_tests::servers::{Kind, Setup};
use dapr_wasm_tests::{Client, Host, Launch, PATIENCE, tell, until};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Clients, each with a connection that it keeps.
const CLIENTS: usize = 32;

/// Keys of a client.
const KEYS: u64 = 200;

/// Memory before the load is seen after some of it, when buffers are as large as they get, and threads when all are there.
const WARM_UP: Duration = Duration::from_secs(2);

/// What the allocator may keep of the memory that a load took.
const MORE: u64 = 32 << 20;

/// What the host holds.
#[derive(Clone, Copy, Debug)]
struct Held {
    facts: Facts,
    tasks: usize,
}

#[test]
fn after_a_load_on_redis_the_host_holds_what_it_held_before() {
    let server = Setup::of(Kind::Redis).start();
    let table = format!("type = \"redis\"\nredisHost = {:?}", server.address());
    let_go_of("redis", &table);
}

#[test]
fn after_a_load_on_postgresql_the_host_holds_what_it_held_before() {
    let server = Setup::of(Kind::Postgresql).start();
    let (user, password) = (server.user().unwrap(), server.password().unwrap());
    let address = server.address();
    let url = format!("postgres://{user}:{password}@{address}/postgres?sslmode=disable");
    let_go_of(
        "postgresql",
        // Its pool is as at the start soon after the last call.
        &format!("type = \"postgresql\"\nversion = \"v2\"\nconnectionString = {url:?}\nconnectionMaxIdleTime = \"2s\""),
    );
}

fn let_go_of(kind: &str, table: &str) {
    let seconds: f64 = std::env::var("DAPR_WASM_LOAD").map_or(3.0, |seconds| seconds.parse().expect("it is a number"));
    let host = Launch::guest("kv")
        .components(&format!("[state.statestore]\n{table}\n"))
        .watched()
        .start();
    let start = at_rest(&host);
    load(&host, WARM_UP);
    let warm = at_rest(&host);
    let begun = Instant::now();
    let requests = load(&host, Duration::from_secs_f64(seconds));
    let took = begun.elapsed();
    let peak = host.facts().resident_at_most;
    let mut after = at_rest(&host);
    until("the host to let go of what it held", PATIENCE, || {
        after = at_rest(&host);
        let is_back = after.tasks <= start.tasks
            && after.facts.sockets <= start.facts.sockets
            && after.facts.descriptors <= start.facts.descriptors
            && after.facts.threads <= warm.facts.threads
            && after.facts.resident <= warm.facts.resident + MORE;
        is_back.then_some(())
    });
    let both = |of: fn(&Held) -> String| format!("{}, {}", of(&start), of(&after));
    tell(&[
        format!("`{kind}`"),
        format!("{:.0}", took.as_secs_f64()),
        format!("{:.0}", requests as f64 / took.as_secs_f64()),
        both(|held| held.facts.sockets.to_string()),
        both(|held| held.facts.descriptors.to_string()),
        both(|held| held.tasks.to_string()),
        format!("{:.0}", peak as f64 / 1e6),
        format!(
            "{:.0}, {:.0}",
            warm.facts.resident as f64 / 1e6,
            after.facts.resident as f64 / 1e6
        ),
    ]);
}

/// What it holds when it has nothing to do.
fn at_rest(host: &Host) -> Held {
    until("the host to be idle", PATIENCE, || host.is_idle().then_some(()));
    Held {
        facts: host.facts(),
        tasks: host.tasks(),
    }
}

/// Has clients ask without a pause, and answers how many requests that were.
fn load(host: &Host, duration: Duration) -> u64 {
    let (requests, end) = (AtomicU64::new(0), Instant::now() + duration);
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (requests, client) = (&requests, Client::kept(host.port()));
            scope.spawn(move || {
                for turn in 0.. {
                    if Instant::now() >= end {
                        return;
                    }
                    ask(&client, number, turn);
                    requests.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    requests.into_inner()
}

/// Mostly reads, some writes of up to 16 KiB, few deletes: each is answered.
fn ask(client: &Client, number: usize, turn: u64) {
    let key = format!("/{number}-{}", turn.wrapping_mul(2_654_435_761) % KEYS);
    let answer = match turn % 10 {
        0..6 => client.get(&key),
        6..9 => client.put(&key, vec![b'x'; (turn % 16_384) as usize]),
        _ => client.delete(&key),
    };
    assert!(
        matches!(answer.status, 200 | 204 | 404),
        "{key}: {} {}",
        answer.status,
        answer.text()
    );
}
