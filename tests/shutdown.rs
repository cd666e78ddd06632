//! SIGTERM and SIGINT: the host stops accepting, lets requests under way finish to a deadline, and ends. A second signal
//! ends it at once.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use dapr_wasm_tests::{Host, Launch, PATIENCE, Raw, http2, until};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const SQLITE: &str = "[state.statestore]\ntype = \"sqlite\"\nconnectionString = \"state.db\"\n";

/// How long requests under way may go on.
const DRAIN: Duration = Duration::from_secs(10);

/// What the host says at the first signal.
const STOPPING: &str = "stopping: requests under way";

/// A guest that misbehaves for longer than the host drains.
fn hostile() -> Host {
    Launch::guest("hostile")
        .components("[app]\nrequest-timeout = \"60s\"\n")
        .start()
}

/// A host with a request under way: half of its body was sent, so that the guest waits for the rest.
fn with_half_a_request() -> (Host, Raw) {
    let host = hostile();
    let mut client = host.connect();
    client.send("POST /read-body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\nExpect: 100-continue\r\n\r\n");
    // The host asks for the body when the guest reads it, and not before: the request is under way.
    client.receive_until("100 Continue", PATIENCE);
    client.send("half");
    (host, client)
}

/// Waits until nobody listens on the host's port any more.
fn until_refused(host: &Host) {
    until("connections to be refused", PATIENCE, || {
        TcpStream::connect(("127.0.0.1", host.port())).err()
    });
}

fn finishes_what_is_under_way(signal: fn(&Host)) {
    let (mut host, mut client) = with_half_a_request();
    signal(&host);
    host.wait_for_log(STOPPING);
    until_refused(&host);
    assert!(host.runs(), "the host ended with a request under way");
    client.send("half");
    let answer = client.receive_until("\r\n\r\n8", PATIENCE);
    assert!(answer.contains("HTTP/1.1 200 OK"), "{answer}");
    assert_eq!(host.wait(DRAIN).code(), Some(0));
}

#[test]
fn at_sigterm_a_request_under_way_finishes_and_no_other_begins() {
    finishes_what_is_under_way(Host::terminate);
}

#[test]
fn at_sigint_a_request_under_way_finishes_and_no_other_begins() {
    finishes_what_is_under_way(Host::interrupt);
}

#[test]
fn a_host_without_requests_ends_at_once_and_closes_idle_connections() {
    let mut host = hostile();
    let mut silent = host.connect();
    let mut kept = host.connect();
    kept.send_get("/ok");
    kept.receive_until("\r\n\r\nok", PATIENCE);
    let mut half = host.connect();
    half.send("GET /ok HTTP/1.1\r\nHost: local");
    // It will not say that it has heard that its connection closes.
    let mut quiet = host.connect();
    quiet.send([http2::hello(), http2::get(0, "/ok")].concat());
    quiet.receive_until("ok", PATIENCE);
    let signalled = Instant::now();
    host.terminate();
    assert_eq!(host.wait(PATIENCE).code(), Some(0));
    assert!(
        signalled.elapsed() < AT_ONCE,
        "it waited for idle connections: {:?}",
        signalled.elapsed()
    );
    kept.receive_to_end(PATIENCE);
    silent.receive_to_end(PATIENCE);
    assert_eq!(kept.received().matches("HTTP/1.1").count(), 1, "{}", kept.received());
}

/// A request that does not end is cut at the drain deadline, with exit code 1, and said.
fn is_cut_at_the_deadline(path: &str) {
    let mut host = hostile();
    let mut client = host.connect();
    client.send_get(path);
    is_under_way(&host, &mut client, path);
    let signalled = Instant::now();
    host.terminate();
    assert_eq!(host.wait(PATIENCE).code(), Some(1));
    let took = signalled.elapsed();
    assert!(took >= DRAIN, "it was cut after {took:?}, and may go on for {DRAIN:?}");
    assert!(took < 2 * DRAIN, "it went on for {took:?}");
    assert_eq!(host.stderr().lines_with("stopped with requests under way").len(), 1);
}

/// Waits for a sign that the guest is at it.
fn is_under_way(host: &Host, client: &mut Raw, path: &str) {
    let before = host.facts().processor_time;
    match path {
        "/endless-body" => _ = client.receive_until("xxxx", PATIENCE),
        // Nothing but a guest that computes makes an idle host compute.
        "/loop" => until("the guest to compute", PATIENCE, || {
            (host.facts().processor_time > before + Duration::from_millis(300)).then_some(())
        }),
        // A later request has been answered, and this one has not.
        _ => {
            assert_eq!(host.get("/ok").text(), "ok");
            assert!(!client.has_ended());
        }
    }
}

#[test]
fn a_guest_that_computes_for_ever_is_cut_at_the_drain_deadline() {
    is_cut_at_the_deadline("/loop");
}

#[test]
fn a_guest_that_waits_for_ever_is_cut_at_the_drain_deadline() {
    is_cut_at_the_deadline("/sleep");
}

#[test]
fn a_guest_that_answers_for_ever_is_cut_at_the_drain_deadline() {
    is_cut_at_the_deadline("/endless-body");
}

/// How long a host takes that is told twice.
const AT_ONCE: Duration = Duration::from_secs(5);

fn ends_at_the_second(first: fn(&Host), second: fn(&Host)) {
    let mut host = hostile();
    let mut client = host.connect();
    client.send_get("/loop");
    is_under_way(&host, &mut client, "/loop");
    first(&host);
    host.wait_for_log(STOPPING);
    let signalled = Instant::now();
    second(&host);
    assert_eq!(host.wait(PATIENCE).code(), Some(130));
    assert!(signalled.elapsed() < AT_ONCE, "it took {:?}", signalled.elapsed());
}

#[test]
fn a_second_signal_ends_the_host_at_once() {
    ends_at_the_second(Host::terminate, Host::terminate);
    ends_at_the_second(Host::interrupt, Host::terminate);
}

#[test]
fn a_second_signal_ends_a_host_that_waits_for_its_store() {
    let patient = "busyTimeout = \"50s\"\ntimeout = \"50s\"\ndeadline = \"1s\"\n";
    let launch = Launch::guest("kv").components(&format!("{SQLITE}{patient}"));
    let mut host = launch.start();
    assert_eq!(host.client().put("/k", "before").status, 204);
    // Another process that writes: the store waits for it, also with what it still has to do before it is closed.
    let other = rusqlite::Connection::open(launch.folder().join("state.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_ne!(host.client().put("/k", "after").status, 204);
    host.terminate();
    until_refused(&host);
    assert!(host.runs(), "the host did not wait for its store");
    let signalled = Instant::now();
    host.terminate();
    assert_eq!(host.wait(PATIENCE).code(), Some(130));
    assert!(signalled.elapsed() < AT_ONCE, "it took {:?}", signalled.elapsed());
}

/// The thread that prints waits for whoever reads, and the host does not wait for it.
#[test]
fn a_host_whose_output_nobody_reads_ends_all_the_same() {
    let launch = Launch::guest("hostile").components("[app]\nrequest-timeout = \"2s\"\n");
    let mut host = launch.unread().start();
    // It fills the pipe, and then the guest waits.
    assert_eq!(host.get("/flood").status, 504);
    let signalled = Instant::now();
    host.terminate();
    assert_eq!(host.wait(PATIENCE).code(), Some(0));
    assert!(signalled.elapsed() < AT_ONCE, "it took {:?}", signalled.elapsed());
}

#[test]
fn what_an_app_printed_last_is_printed_before_the_host_ends() {
    let mut host = hostile();
    assert_eq!(host.get("/output").text(), "said");
    host.terminate();
    assert_eq!(host.wait(PATIENCE).code(), Some(0));
    let printed: usize = host.stdout().lines_with("xxxx").iter().map(String::len).sum();
    assert!(printed >= 100_000, "{printed} bytes were printed");
}

// ---- what stays ----

#[test]
fn what_was_written_before_is_there_after() {
    let launch = Launch::guest("kv").components(SQLITE);
    let host = launch.start();
    for key in ["/a", "/b"] {
        let put = host
            .call("PUT", key)
            .header("content-type", "text/plain")
            .body(key)
            .send();
        assert_eq!(put.status, 204, "{}", put.text());
    }
    let before = host.get("/a");
    assert_eq!(host.stop().code(), Some(0));
    let host = launch.start();
    let after = host.get("/a");
    assert_eq!((after.status, &after.body), (200, &before.body));
    for header in ["etag", "content-type"] {
        assert_eq!(after.header(header), before.header(header), "{header}");
    }
    // The etag of before is still good for a write.
    let etag = before.header("etag").unwrap();
    assert_eq!(
        host.call("PUT", "/a")
            .header("if-match", etag)
            .body("new")
            .send()
            .status,
        204
    );
}

#[test]
fn without_configuration_state_is_kept_in_the_folder_where_the_host_runs() {
    let launch = Launch::guest("counter");
    for number in 1..=3 {
        let host = launch.start();
        assert_eq!(host.client().post("/", "").text(), number.to_string());
        assert_eq!(host.stop().code(), Some(0));
    }
    assert!(launch.folder().join(".dapr-wasm/state.db").is_file());
}

#[test]
fn the_memory_store_is_empty_after_a_restart_as_the_host_says() {
    let launch = Launch::guest("kv").components("[state.statestore]\ntype = \"in-memory\"\n");
    let host = launch.start();
    host.wait_for_log("lost at exit");
    assert_eq!(host.client().put("/k", "x").status, 204);
    assert!(host.stop().success());
    assert_eq!(launch.start().get("/k").status, 404);
}
