//! Stores of the serve-loop form: many calls are under way in one instance, and what becomes of them when it ends, is lost, or
//! answers what it must not. What breaks is replaced as in the other form, whose claims are in `breaking` and `supervision`.

use super::ground::{assert_error, bad, instance, looping, others_are_answered, read, serves_again, write};
use crate::in_time::{at_rest, is_as_before};
use crate::{alone, beside_others};
use dapr_wasm_tests::{Host, PATIENCE, Raw, until};
use std::time::{Duration, Instant};

const MIB: u64 = 1 << 20;

/// A request to read, and one to write, left with the host.
fn ask(host: &Host, method: &str, key: &str) -> Raw {
    let mut client = host.connect();
    let length = if method == "PUT" { "content-length: 0\r\n" } else { "" };
    client.send(format!("{method} {} HTTP/1.1\r\nhost: test\r\n{length}\r\n", bad(key)));
    client
}

/// Waits for the answer to a request that was left, and holds its status to this.
fn is_answered(client: &mut Raw, status: u16) {
    until("an answer", PATIENCE, || {
        client.has_ended();
        client.received().starts_with("HTTP/1.1 ").then_some(())
    });
    let answer = client.received();
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
}

/// Waits until the instance says that so many requests were cancelled, or are to be answered later.
fn until_there_are(host: &Host, what: &str, count: u64) {
    until("the instance to hear of it", PATIENCE, || {
        let found: u64 = read(host, what).text().parse().ok()?;
        (found >= count).then_some(())
    });
}

// ---- many calls at once ----

#[test]
fn many_calls_are_under_way_in_one_instance() {
    const CALLS: u32 = 100;
    const EACH: Duration = Duration::from_secs(2);
    let _machine = alone();
    let host = looping("deadline = \"30s\"").start();
    let asked = Instant::now();
    let mut clients: Vec<_> = (0..CALLS).map(|_| ask(&host, "GET", "slow-2000")).collect();
    // The instance answers others meanwhile.
    assert_eq!(read(&host, "caller").text(), "kv");
    for client in &mut clients {
        is_answered(client, 404);
    }
    let took = asked.elapsed();
    assert!(took >= EACH && took < EACH * 5, "it took {took:?}");
    others_are_answered(&host);
}

#[test]
fn instances_come_with_the_load_up_to_the_configured_number() {
    let _machine = alone();
    let host = looping("deadline = \"30s\"\ninstances = 3\nmetadata = { instances = \"several\" }").start();
    let first = instance(&host);
    assert_eq!(instance(&host), first, "one is enough for one caller");
    let slow: Vec<_> = (0..40).map(|_| ask(&host, "GET", "slow-10000")).collect();
    let mut seen = std::collections::BTreeSet::new();
    until("other instances to serve", PATIENCE, || {
        seen.insert(instance(&host));
        (seen.len() >= 2).then_some(())
    });
    assert!(seen.len() <= 3, "{seen:?}");
    drop(slow);
}

#[test]
fn an_instance_is_told_its_memory_and_its_requests_their_time() {
    let _machine = beside_others();
    let host = looping("deadline = \"20s\"\nmemory = \"32MiB\"").start();
    assert_eq!(read(&host, "memory").text(), (32 * MIB).to_string());
    let left: u64 = read(&host, "left").text().parse().unwrap();
    let left = Duration::from_nanos(left);
    assert!(
        left > Duration::from_secs(15) && left < Duration::from_secs(20),
        "{left:?}"
    );
}

// ---- what breaks ----

#[test]
fn a_trap_ends_all_that_is_under_way_at_once() {
    let _machine = alone();
    let host = looping("deadline = \"60s\"").start();
    let before = at_rest(&host);
    for _ in 0..3 {
        let first = instance(&host);
        let mut reads: Vec<_> = (0..20).map(|_| ask(&host, "GET", "slow-50000")).collect();
        let mut writes: Vec<_> = (0..20).map(|_| ask(&host, "PUT", "slow-50000")).collect();
        // What it did not take would not be begun.
        until_there_are(&host, "later", 40);
        let asked = Instant::now();
        assert_error(&read(&host, "trap"), 503, "unavailable");
        for client in &mut reads {
            is_answered(client, 503);
        }
        for client in &mut writes {
            is_answered(client, 504);
        }
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
        serves_again(&host);
        assert_ne!(instance(&host), first);
        others_are_answered(&host);
    }
    is_as_before(&host, before, 32 * MIB);
}

#[test]
fn an_instance_that_stops_serving_of_its_own_accord_is_replaced() {
    let _machine = alone();
    let host = looping("").start();
    let first = instance(&host);
    assert_error(&write(&host, "return"), 504, "outcome-unknown");
    serves_again(&host);
    assert_ne!(instance(&host), first);
    let line = host.wait_for_log("an instance of the store broke");
    assert!(line.contains("of its own accord"), "{line}");
}

/// What it did not take was not begun, also if it is a write.
#[test]
fn an_instance_that_computes_for_ever_is_ended_at_the_deadline() {
    let _machine = alone();
    let host = looping("deadline = \"4s\"").start();
    let first = instance(&host);
    let mut computes = ask(&host, "PUT", "loop");
    others_are_answered(&host);
    let asked = Instant::now();
    assert_error(&write(&host, "waits"), 503, "unavailable");
    is_answered(&mut computes, 504);
    assert!(asked.elapsed() < Duration::from_secs(8), "{:?}", asked.elapsed());
    serves_again(&host);
    assert_ne!(instance(&host), first);
}

#[test]
fn an_answer_that_does_not_come_is_its_callers_loss_alone() {
    let _machine = alone();
    let host = looping("deadline = \"1s\"").start();
    let first = instance(&host);
    assert_error(&read(&host, "forget"), 503, "unavailable");
    assert_error(&write(&host, "forget"), 504, "outcome-unknown");
    assert_eq!(instance(&host), first, "the instance goes on");
    until_there_are(&host, "cancelled", 2);
}

#[test]
fn a_caller_that_leaves_has_its_request_cancelled() {
    let _machine = alone();
    let host = looping("deadline = \"60s\"").start();
    let slow: Vec<_> = (0..5).map(|_| ask(&host, "GET", "slow-50000")).collect();
    until_there_are(&host, "later", 5);
    drop(slow);
    until_there_are(&host, "cancelled", 5);
    at_rest(&host);
}

// ---- what lies ----

#[test]
fn answers_that_nobody_asked_for_change_nothing() {
    let _machine = beside_others();
    let host = looping("").start();
    let first = instance(&host);
    assert_eq!(read(&host, "twice").status, 404);
    assert_error(&read(&host, "other"), 500, "internal");
    assert_error(&write(&host, "other"), 504, "outcome-unknown");
    assert_eq!(instance(&host), first, "the instance goes on");
}

// ---- starting and stopping ----

#[test]
fn an_instance_that_does_not_start_stops_the_host_and_is_told_of() {
    let _machine = beside_others();
    for (start, because) in [
        ("trap", "it trapped"),
        ("hang", "within 1s"),
        ("return", "before it served"),
        ("refuse", "it was told to refuse"),
        ("twice", "called `begin` twice"),
    ] {
        // Time enough for what starts, or refuses to.
        let deadline = if start == "hang" { "1s" } else { "30s" };
        let ended = looping(&format!(
            "deadline = \"{deadline}\"\nmetadata = {{ start = \"{start}\" }}"
        ))
        .run(b"");
        assert_eq!(ended.status.code(), Some(1), "{start}: {}", ended.stderr);
        assert!(
            ended.stderr.contains("the state store `bad`"),
            "{start}: {}",
            ended.stderr
        );
        assert!(ended.stderr.contains(because), "{start}: {}", ended.stderr);
    }
}

#[test]
fn what_is_under_way_when_the_host_stops_is_answered() {
    let _machine = alone();
    let mut host = looping("deadline = \"30s\"").start();
    let mut slow = ask(&host, "GET", "slow-2000");
    until_there_are(&host, "later", 1);
    host.terminate();
    is_answered(&mut slow, 404);
    let ended = host.wait(PATIENCE);
    assert!(ended.success(), "{ended}");
}

// ---- the log ----

#[test]
fn records_of_a_store_are_in_the_log_with_their_levels_and_escaped() {
    let _machine = beside_others();
    let host = looping("").start();
    assert_eq!(read(&host, "log").status, 404);
    for (text, level) in [("at warn", "WARN"), ("at error", "ERROR"), ("at critical", "ERROR")] {
        let line = host.wait_for_log(text);
        assert!(
            line.contains(level) && line.contains("bad") && line.contains("loop-store"),
            "{line}"
        );
    }
    let log = host.stderr().text();
    assert!(!log.contains("at info"), "the level of the log is warn");
    assert!(!log.contains("\u{1b}[31m") && !log.contains("\nsecond line"), "{log}");
}

#[test]
fn a_store_that_logs_without_end_does_not_fill_the_log() {
    let _machine = beside_others();
    let host = looping("deadline = \"30s\"").start();
    let begin = Instant::now();
    assert_eq!(read(&host, "flood").status, 404);
    let seconds = begin.elapsed().as_secs() as usize + 2;
    let written = host.stderr().lines_with("flood").len();
    assert!(
        (1..=100 * seconds).contains(&written),
        "{written} records in {seconds} seconds"
    );
}
