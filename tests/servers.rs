//! The servers that tests of stores talk to: each starts, breaks, comes back and ends as those tests need it.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use dapr_wasm_tests::raw::{End, Raw};
use dapr_wasm_tests::servers::{Kind, Proxy, Server, Setup};
use dapr_wasm_tests::{PATIENCE, until};
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What a server that is paused does not answer within.
const MOMENT: Duration = Duration::from_millis(300);

/// Checks a claim about each server, of several at once.
fn each(claim: impl Fn(Kind) + Sync) {
    thread::scope(|scope| {
        for kind in Kind::ALL {
            let claim = &claim;
            thread::Builder::new()
                .name(kind.to_string())
                .spawn_scoped(scope, move || claim(kind))
                .unwrap();
        }
    });
}

/// Writes a value in the server's own words.
fn write(server: &Server, value: &str) {
    let insert = format!("CREATE TABLE test.t (v text); INSERT INTO test.t VALUES ('{value}')");
    let words: &[&str] = match server.kind() {
        Kind::Redis => &["SET", "key", value],
        Kind::Postgresql => &["CREATE SCHEMA test", &insert],
        Kind::Mariadb => &["CREATE DATABASE test", &insert],
        Kind::Memcached => &["set", "key", "0", "0", value],
        Kind::Etcd => &["put", "key", value],
        Kind::ZooKeeper => &["create", "/key", value],
    };
    server.client(words);
}

/// Reads it.
fn read(server: &Server) -> String {
    let words: &[&str] = match server.kind() {
        Kind::Redis => &["GET", "key"],
        Kind::Postgresql | Kind::Mariadb => &["SELECT v FROM test.t"],
        Kind::Memcached => &["get", "key"],
        Kind::Etcd => &["get", "--print-value-only", "key"],
        Kind::ZooKeeper => &["get", "/key"],
    };
    server.client(words)
}

/// What is read where this was written.
fn as_read(kind: Kind, value: &str) -> String {
    match kind {
        Kind::Memcached => format!("VALUE key 0 {}\r\n{value}\r\nEND", value.len()),
        _ => value.to_owned(),
    }
}

/// The state of each process that runs in a folder, as in proc(5).
fn processes_in(folder: &Path) -> Vec<char> {
    let all = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let there = all.filter(|process| std::fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder)));
    let stats = there.filter_map(|process| std::fs::read_to_string(process.join("stat")).ok());
    stats
        .filter_map(|stat| stat.rsplit_once(") ")?.1.chars().next())
        .collect()
}

// ---- each server

#[test]
fn a_server_answers_its_own_client_byte_for_byte() {
    each(|kind| {
        let server = kind.start();
        let value = " two  words,\n\ta tab; \"quotes\" and grün ";
        write(&server, value);
        assert_eq!(read(&server), as_read(kind, value), "{kind}");
    });
}

#[test]
fn what_was_acknowledged_is_there_after_a_kill_and_a_restart_on_the_same_port() {
    each(|kind| {
        let mut server = kind.start();
        let port = server.port();
        write(&server, "value");
        server.kill();
        assert_eq!(processes_in(server.folder()), [], "{kind}");
        assert!(TcpStream::connect(server.address()).is_err(), "{kind}");

        server.restart();
        assert_eq!(server.port(), port, "{kind}");
        let expected = if kind.keeps_data() { "value" } else { "END" };
        assert_eq!(read(&server), expected, "{kind}");
    });
}

#[test]
fn a_server_that_is_stopped_ends_by_itself_and_starts_again() {
    each(|kind| {
        let mut server = kind.start();
        server.stop();
        assert_eq!(processes_in(server.folder()), [], "{kind}");
        server.restart();
        assert!(server.answers(PATIENCE), "{kind}");
    });
}

#[test]
fn a_server_that_is_stopped_does_not_wait_for_its_clients() {
    let mut postgresql = Kind::Postgresql.start();
    let options = format!(
        "host=127.0.0.1 port={} user=postgres password=secret",
        postgresql.port()
    );
    let mut client = Command::new("psql");
    client.args([&options, "-c", "SELECT pg_sleep(300)"]);
    let mut client = client.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("the client to be served", PATIENCE, || {
        let active = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%sleep(%' AND pid <> pg_backend_pid()";
        (postgresql.client(&[active]) == "1").then_some(())
    });
    postgresql.stop();
    assert!(!client.wait().unwrap().success());

    for kind in [Kind::Redis, Kind::Memcached, Kind::ZooKeeper] {
        let mut server = kind.start();
        let _client = Raw::connect(server.port());
        server.stop();
    }
}

#[test]
fn a_server_that_is_paused_does_nothing_until_it_is_resumed() {
    each(|kind| {
        let server = kind.start();
        let _client = Raw::connect(server.port());
        server.pause();
        let states = processes_in(server.folder());
        assert!(!states.is_empty(), "{kind}");
        assert!(states.iter().all(|state| *state == 'T'), "{kind}: {states:?}");
        assert!(!server.answers(MOMENT), "{kind}");
        server.resume();
        assert!(server.answers(PATIENCE), "{kind}");
        // It dies though it is paused.
        server.pause();
    });
}

#[test]
fn a_server_leaves_nothing_behind_when_its_test_panics() {
    each(|kind| {
        let server = kind.start();
        let folder = server.folder().to_owned();
        assert_ne!(processes_in(&folder), [], "{kind}");
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _server = server;
            std::panic::resume_unwind(Box::new("as a test does"));
        }));
        assert!(panicked.is_err());
        assert_eq!(processes_in(&folder), [], "{kind}");
        assert!(!folder.exists(), "{kind}");
    });
}

#[test]
fn a_server_dies_with_its_tests_when_these_are_killed() {
    const ROLE: &str = "DAPR_WASM_TEST_IS_KILLED";
    const NAME: &str = "a_server_dies_with_its_tests_when_these_are_killed";
    if std::env::var_os(ROLE).is_some() {
        // Started on a thread that has ended: it lives as long as the process, and not as the thread.
        let server = thread::spawn(|| Kind::Redis.start()).join().unwrap();
        println!("\nfolder {}", server.folder().display());
        thread::park();
    }
    let mut tests = Command::new(std::env::current_exe().unwrap());
    tests.args([NAME, "--exact", "--nocapture"]).env(ROLE, "yes");
    let mut tests = tests.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(tests.stdout.take().unwrap()).lines();
    let folder: PathBuf = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("folder ").map(PathBuf::from))
        .expect("it says where its server runs");
    assert_ne!(processes_in(&folder), []);
    tests.kill().unwrap();
    tests.wait().unwrap();
    until("the server to be gone", PATIENCE, || {
        processes_in(&folder).is_empty().then_some(())
    });
    std::fs::remove_dir_all(folder).unwrap();
}

// ---- passwords and TLS

#[test]
fn redis_lets_in_who_knows_the_password_and_nobody_else() {
    for setup in [Setup::of(Kind::Redis).password(), Setup::of(Kind::Redis).user()] {
        let server = setup.start();
        assert_eq!(server.client(&["PING"]), "PONG");
        let user = server.user().unwrap_or("default").to_owned();
        assert_eq!(server.client(&["ACL", "WHOAMI"]), user);

        let mut stranger = Raw::connect(server.port());
        stranger.send("PING\r\n");
        stranger.receive_until("-NOAUTH", PATIENCE);
    }
}

#[test]
fn with_tls_a_server_is_reached_in_no_other_way() {
    let redis = Setup::of(Kind::Redis).user().tls().start();
    assert_eq!(redis.client(&["PING"]), "PONG");
    let mut plain = Raw::connect(redis.port());
    plain.send("PING\r\n");
    plain.receive_to_end(PATIENCE);
    assert!(!plain.received().contains("PONG"));

    let postgresql = Setup::of(Kind::Postgresql).tls().start();
    let ssl = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    assert_eq!(postgresql.client(&[ssl]), "t");
    let options = "host=127.0.0.1 user=postgres password=secret dbname=postgres sslmode=disable";
    let plain = Command::new("psql")
        .args([&format!("{options} port={}", postgresql.port()), "-c", "SELECT 1"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&plain.stderr);
    assert!(said.contains("no pg_hba.conf entry"), "{said}");

    for server in [redis, postgresql] {
        let ca = std::fs::read_to_string(server.ca().unwrap()).unwrap();
        assert!(ca.starts_with("-----BEGIN CERTIFICATE-----"), "{ca}");
    }
}

// ---- the proxy

/// Asks Redis for a value of 100000 bytes, as part of a reply of 100011.
fn ask_for_much(proxy: &Proxy) -> Raw {
    let mut client = Raw::connect(proxy.port());
    client.send("GET key\r\n");
    client
}

fn redis_with_much() -> Server {
    let server = Kind::Redis.start();
    write(&server, &"x".repeat(100_000));
    server
}

#[test]
fn a_proxy_cuts_the_connection_that_has_the_byte_and_no_other() {
    let server = redis_with_much();
    let proxy = Proxy::before(server.port());
    let mut other = Raw::connect(proxy.port());
    for bytes in [0, 5, 70_000] {
        proxy.cut_after(bytes);
        let mut client = ask_for_much(&proxy);
        client.receive_to_end(PATIENCE);
        assert_eq!(client.received().len(), bytes);
    }
    other.send("PING\r\n");
    other.receive_until("+PONG\r\n", PATIENCE);
    let mut client = ask_for_much(&proxy);
    client.receive_until("x\r\n", PATIENCE);
    assert_eq!(client.received().len(), 100_011);

    assert_eq!(proxy.connections(), 2);
    proxy.cut();
    assert_eq!(client.receive_to_end(PATIENCE), End::Closed);
    assert_eq!(other.receive_to_end(PATIENCE), End::Closed);
    until("connections to be gone", PATIENCE, || {
        (proxy.connections() == 0).then_some(())
    });
}

#[test]
fn a_proxy_delays_replies() {
    let server = redis_with_much();
    let proxy = Proxy::before(server.port());
    proxy.delay(MOMENT);
    let started = Instant::now();
    let mut client = Raw::connect(proxy.port());
    client.send("PING\r\n");
    client.receive_until("+PONG\r\n", PATIENCE);
    assert!(started.elapsed() >= MOMENT);
}

#[test]
fn a_proxy_holds_replies_and_counts_what_was_asked_meanwhile() {
    let server = redis_with_much();
    let proxy = Proxy::before(server.port());
    let mut client = Raw::connect(proxy.port());
    proxy.hold();
    let before = proxy.requested();
    client.send("PING\r\n");
    until("the question to pass", PATIENCE, || {
        (proxy.requested() == before + "PING\r\n".len()).then_some(())
    });
    // It is answered by the server, and then not by the proxy.
    assert_eq!(server.client(&["PING"]), "PONG");
    assert_eq!(client.received(), "");
    proxy.release();
    client.receive_until("+PONG\r\n", PATIENCE);
}

#[test]
fn a_proxy_refuses_new_connections_until_it_takes_them_again() {
    let server = redis_with_much();
    let proxy = Proxy::before(server.port());
    let mut client = Raw::connect(proxy.port());
    proxy.refuse();
    let refused = TcpStream::connect(proxy.address()).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    client.send("PING\r\n");
    client.receive_until("+PONG\r\n", PATIENCE);
    proxy.accept();
    ask_for_much(&proxy).receive_until("x\r\n", PATIENCE);
}
