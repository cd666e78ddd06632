//! What the host answers in a guest's place, and what its log says.

use crate::{alone, beside_others, hostile, launch, long_names};
use dapr_wasm_tests::{Host, Launch, PATIENCE, Response, until};
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// An answer of the host itself: its status, a text with the request's id, and one line of the log that has the id, the level
/// and all of `causes`.
fn assert_is_the_hosts(host: &Host, response: &Response, status: u16, causes: &[&str]) {
    assert_eq!(response.status, status, "{}", response.text());
    assert_eq!(response.header("content-type"), Some("text/plain; charset=utf-8"));
    let id = response.header("x-request-id").expect("the host's answers have an id");
    assert!(
        response.text().contains(id),
        "{id} is not in the text: {}",
        response.text()
    );
    let line = host.wait_for_log(id);
    let level = match status {
        500 => "ERROR",
        503 | 504 => "WARN",
        _ => "INFO",
    };
    for cause in [&level].into_iter().chain(causes) {
        assert!(line.contains(cause), "`{cause}` is not in the line of {id}: {line}");
    }
    assert_eq!(host.stderr().lines_with(id).len(), 1, "{}", host.stderr().text());
    // What went wrong inside is the log's and not the client's.
    assert!(!response.text().contains("wasm"), "{}", response.text());
}

fn fails(path: &str, causes: &[&str]) {
    let _machine = beside_others();
    let host = hostile("");
    assert_is_the_hosts(&host, &host.get(path), 500, causes);
    assert_eq!(host.get("/ok").text(), "ok");
}

#[test]
fn a_trap_is_500_and_its_cause_is_in_the_log_with_the_requests_id() {
    fails("/trap", &["hostile", "unreachable"]);
}

#[test]
fn a_panic_is_500_and_its_message_is_printed() {
    fails("/panic", &["unreachable"]);
    let _machine = beside_others();
    let host = hostile("");
    host.get("/panic");
    let line = host.wait_for_log("on purpose");
    assert!(line.starts_with("[hostile] "), "{line}");
}

#[test]
fn an_exit_in_place_of_an_answer_is_500() {
    fails("/exit", &["Exited with i32 exit status 1"]);
}

#[test]
fn a_recursion_without_end_is_500() {
    fails("/recursion", &["call stack exhausted"]);
}

#[test]
fn handles_without_end_are_500() {
    fails("/handles", &["resource table has no free keys"]);
}

#[test]
fn an_error_in_place_of_an_answer_is_500_and_its_text_is_escaped_in_the_log() {
    fails("/error", &["because", "of that"]);
    let _machine = beside_others();
    let host = hostile("");
    assert!(!host.get("/error").text().contains("because"));
    host.wait_for_log("of that");
    let log = host.stderr().text();
    let raw = |char: &char| char.is_control() && *char != '\n' || *char == '\u{202e}';
    assert_eq!(log.chars().find(raw), None, "{}", log.escape_debug());
}

/// A trap is told with the functions that it came from, by the names that the guest's file has for them.
#[test]
fn names_of_functions_of_100_kb_do_not_fill_the_log() {
    let _machine = beside_others();
    let (function, call) = long_names::function();
    let app = long_names::app(&format!("{function} (func $handle {call})"));
    let launch = Launch::file("named.wasm").components("");
    std::fs::write(launch.folder().join("named.wasm"), app).expect("the folder is writable");
    let host = launch.start();
    let response = host.get("/");
    assert_is_the_hosts(&host, &response, 500, &["wasm backtrace", "unreachable"]);
    let log = host.stderr().len();
    assert!(log < 16 << 10, "{log} bytes");
}

/// 48 MiB, of which the host would make a copy before it can refuse them.
#[test]
fn a_call_that_hands_over_more_than_32_mib_is_500() {
    fails("/large-call", &["fuel"]);
}

/// WASI 0.2 has no error for it that a guest could be told.
#[test]
fn headers_beyond_128_kib_are_500() {
    fails("/headers", &["total size of fields exceeds limit"]);
}

#[test]
fn no_answer_is_500() {
    fails("/no-response", &["never invoked `response-outparam::set`"]);
}

/// The host waits a moment for the cause where an instance ends, and not where there is none to come.
#[test]
fn no_answer_is_answered_at_once() {
    const WAITED: Duration = Duration::from_millis(100);
    for settings in ["reuse = 1", "reuse = 100"] {
        let _machine = alone();
        let host = hostile(settings);
        let fastest = (0..10).map(|_| {
            let asked = Instant::now();
            assert_eq!(host.get("/no-response").status, 500);
            asked.elapsed()
        });
        let fastest = fastest.min().expect("it was asked");
        assert!(fastest < WAITED, "{settings}: the fastest answer took {fastest:?}");
    }
}

#[test]
fn without_memory_for_an_instance_it_is_503() {
    let _machine = alone();
    let host = hostile("memory = \"3GiB\"");
    let mut hoarders = Vec::new();
    let refused = until("the memory of all to be taken", PATIENCE, || {
        let mut hoarder = host.connect();
        hoarder.send_get("/hoard");
        hoarders.push(hoarder);
        Some(host.get("/ok")).filter(|response| response.status != 200)
    });
    assert_is_the_hosts(&host, &refused, 503, &["memory of all instances"]);
}

// ---- whom a request is for ----

/// The answer to a head that is sent as it stands.
fn answer_to(host: &Host, head: &[u8]) -> String {
    let mut client = host.connect();
    client.send(head);
    client.receive_to_end(PATIENCE);
    client.received()
}

#[test]
fn a_request_that_does_not_say_whom_it_is_for_is_400_and_the_instance_goes_on() {
    let _machine = beside_others();
    let host = launch("reuse = 100").option("--log=info").start();
    let heads: [&[u8]; 4] = [
        b"GET /ok HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET /ok HTTP/1.1\r\nConnection: close\r\nHost: caf\xe9\r\n\r\n",
        b"GET /ok HTTP/1.1\r\nConnection: close\r\nHost: a b\r\n\r\n",
        b"GET /ok HTTP/1.1\r\nConnection: close\r\nHost: a\r\nHost: b\r\n\r\n",
    ];
    for head in heads {
        let answer = answer_to(&host, head);
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        let id = answer.lines().find_map(|line| line.strip_prefix("x-request-id: "));
        let id = id.expect("it has an id");
        assert!(answer.contains(&format!("(request {id})")), "{answer}");
        assert!(host.wait_for_log(id).contains("Host header"));
    }
    assert_eq!(host.get("/ok").text(), "ok");
}

#[test]
fn a_request_of_http_1_0_without_a_host_is_for_where_it_came_in() {
    let _machine = beside_others();
    let answer = answer_to(&hostile(""), b"GET /ok HTTP/1.0\r\n\r\n");
    assert!(
        answer.starts_with("HTTP/1.0 200 ") && answer.ends_with("\r\n\r\nok"),
        "{answer}"
    );
    let host = Launch::guest("hostile-async").start();
    let (here, one_0) = (
        format!("127.0.0.1:{}", host.port()),
        answer_to(&host, b"GET /authority HTTP/1.0\r\n\r\n"),
    );
    assert!(one_0.contains(&here), "{one_0}");
    let text = host
        .call("GET", "/authority")
        .header("host", "example.org")
        .send()
        .text();
    assert_eq!(text, "Some(Scheme::Http) Some(\"example.org\")");
}

// ---- deadlines ----

/// A guest that is not done by the deadline is ended, whatever it does, and the client is told.
fn is_504(path: &str) {
    const DEADLINE: Duration = Duration::from_secs(1);
    let _machine = beside_others();
    let host = hostile("request-timeout = \"1s\"");
    let asked = Instant::now();
    let response = host.get(path);
    let took = asked.elapsed();
    assert!(took >= DEADLINE, "it was answered after {took:?}");
    assert!(took < 10 * DEADLINE, "it was answered after {took:?}");
    assert_is_the_hosts(&host, &response, 504, &["deadline"]);
    assert_eq!(host.get("/ok").text(), "ok");
    // It was ended: nothing computes any more.
    until("the host to be idle", PATIENCE, || host.is_idle().then_some(()));
}

#[test]
fn a_guest_that_computes_beyond_the_deadline_is_504() {
    is_504("/loop");
}

#[test]
fn a_guest_that_waits_beyond_the_deadline_is_504() {
    is_504("/sleep");
}

#[test]
fn a_guest_that_prints_beyond_the_deadline_is_504() {
    is_504("/flood");
}

#[test]
fn a_body_that_does_not_come_by_the_deadline_is_504() {
    let _machine = beside_others();
    let host = hostile("request-timeout = \"1s\"");
    let mut client = host.connect();
    client.send("POST /read-body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\n\r\nhalf");
    let answer = client.receive_until("(request ", PATIENCE);
    assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
}

// ---- what a guest takes ----

/// How many MiB a guest could take with this setting.
fn memory(settings: &str) -> usize {
    let _machine = beside_others();
    let response = hostile(settings).get("/memory");
    assert_eq!(response.status, 200, "{}", response.text());
    response.text().parse().expect("it is a number")
}

#[test]
fn a_guest_gets_128_mib_and_no_more() {
    assert!((100..128).contains(&memory("")));
}

#[test]
fn a_guest_gets_the_memory_that_is_configured_and_no_more() {
    assert!((8..16).contains(&memory("memory = \"16MiB\"")));
    assert!((200..256).contains(&memory("memory = \"256MiB\"")));
}

// ---- ids and the access log ----

#[test]
fn every_answer_has_an_id_of_its_own() {
    let _machine = beside_others();
    let host = hostile("");
    let ids: HashSet<_> = ["/ok", "/ok", "/trap", "/env", "/no-such-thing"]
        .iter()
        .map(|path| {
            host.get(path)
                .header("x-request-id")
                .expect("every answer has one")
                .to_owned()
        })
        .collect();
    assert_eq!(ids.len(), 5);
}

#[test]
fn from_info_on_there_is_a_line_for_each_request_without_its_query() {
    let _machine = beside_others();
    let host = launch("").option("--log=info").start();
    for (path, status) in [("/ok", "200"), ("/nothing", "404"), ("/trap", "500")] {
        let response = host.get(if status == "404" { "/nothing?token=secret" } else { path });
        let line = host.wait_for_log(&format!("GET {path}"));
        let id = response.header("x-request-id").unwrap();
        assert!(
            line.contains(id) && line.contains(status) && line.contains("hostile"),
            "{line}"
        );
        assert_eq!(host.stderr().lines_with(&format!("GET {path}")).len(), 1);
    }
    assert!(!host.stderr().text().contains("secret"));
}

#[test]
fn by_default_the_log_is_silent_of_requests_that_went_well() {
    let _machine = beside_others();
    let mut host = hostile("");
    let before = host.stderr().text();
    host.get("/ok");
    host.terminate();
    host.wait(PATIENCE);
    let log = host.stderr().text();
    let after = log.strip_prefix(&before).unwrap();
    assert_eq!(after.lines().count(), 1, "only that it stops: {after}");
}
