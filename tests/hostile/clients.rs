//! Clients that misbehave: connections without end, slow ones, and those that leave.

use crate::in_time::{at_rest, is_as_before, within_a_second};
use crate::{alone, beside_others, hostile, launch};
use dapr_wasm_tests::process::take_all_descriptors;
use dapr_wasm_tests::{Host, PATIENCE, Raw, http2, until};
use std::thread;
use std::time::{Duration, Instant};

/// Connections that the host keeps open at once.
const CONNECTIONS: usize = 1000;

/// As many again, and half of that.
const MORE: usize = 1500;

/// What stays of the host's allocator and in the pool's places.
const KEPT: u64 = 32 << 20;

/// How long a client may take for the head of a request.
const HEADER_READ: Duration = Duration::from_secs(10);

fn connect(host: &Host, count: usize) -> Vec<Raw> {
    (0..count).map(|_| host.connect()).collect()
}

fn is_ok(host: &Host) {
    assert_eq!(host.get("/ok").text(), "ok");
}

// ---- too many ----

#[test]
fn beyond_the_limit_idle_connections_make_room_for_new_ones_and_keep_nobody_waiting() {
    let _machine = alone();
    take_all_descriptors();
    let host = hostile("");
    is_ok(&host);
    let before = at_rest(&host);
    let mut clients = connect(&host, CONNECTIONS + MORE);
    // Long before any of them is closed because it is slow.
    within_a_second(|| is_ok(&host));
    let open = host.facts().descriptors - before.descriptors;
    assert!(open <= CONNECTIONS + 10, "{open} connections are open");
    // Those that waited longest went, and not many more than had to.
    let closed = until("the first connections to be closed", PATIENCE, || {
        let closed = clients
            .iter_mut()
            .map(Raw::has_ended)
            .take_while(|ended| *ended)
            .count();
        (closed >= MORE).then_some(closed)
    });
    assert!(
        closed <= MORE + 50,
        "{closed} connections were closed, and {MORE} had to be"
    );
    within_a_second(|| is_ok(&host));
    drop(clients);
    is_as_before(&host, before, KEPT);
}

/// They are told that they close, and do not say that they have heard it.
#[test]
fn connections_of_http2_that_answer_nothing_make_room_too() {
    let _machine = alone();
    take_all_descriptors();
    let host = hostile("");
    is_ok(&host);
    let before = at_rest(&host);
    let mut idle = connect(&host, CONNECTIONS);
    for client in &mut idle {
        client.send(http2::hello());
    }
    for client in &mut idle {
        client.receive_and_forget(PATIENCE);
    }
    // Whoever comes next takes the place of one of these.
    idle.extend((0..MORE).map(|_| {
        let mut client = host.connect();
        let _ = client.try_send(http2::hello());
        client
    }));
    within_a_second(|| is_ok(&host));
    drop(idle);
    is_as_before(&host, before, KEPT);
}

#[test]
fn a_kept_connection_in_use_outlives_idle_ones() {
    let _machine = alone();
    let host = hostile("");
    let mut used = host.connect();
    let mut idle = Vec::new();
    for round in 1..=12 {
        used.send_get("/ok");
        until("an answer", PATIENCE, || {
            assert!(!used.has_ended(), "the connection in use was closed");
            (used.received().matches("\r\n\r\nok").count() == round).then_some(())
        });
        idle.extend(connect(&host, 100));
    }
    until("the limit to be reached", PATIENCE, || {
        idle.iter_mut().any(Raw::has_ended).then_some(())
    });
}

#[test]
fn a_thousand_requests_that_wait_are_answered_and_the_next_one_after_them() {
    let _machine = alone();
    let host = hostile("request-timeout = \"10s\"");
    let mut clients = connect(&host, CONNECTIONS);
    for client in &mut clients {
        client.send_get("/sleep");
    }
    // A connection whose request was not read yet would count as idle.
    until("all guests to wait", PATIENCE, || host.is_idle().then_some(()));
    // There is no idle connection that could make room, so that this one waits until requests end.
    assert_eq!(host.get("/ok").text(), "ok");
    let mut statuses: Vec<_> = clients
        .iter_mut()
        .map(|client| {
            client
                .receive_until("(request ", PATIENCE)
                .chars()
                .skip(9)
                .take(3)
                .collect::<String>()
        })
        .collect();
    statuses.sort_unstable();
    statuses.dedup();
    assert_eq!(statuses, ["504"]);
}

#[test]
fn a_host_without_descriptors_left_goes_on_when_there_are_some() {
    let _machine = beside_others();
    let host = launch("").descriptors(64).start();
    let clients = connect(&host, 100);
    host.wait_for_log("cannot accept a connection");
    drop(clients);
    assert_eq!(host.get("/ok").text(), "ok");
}

// ---- too slow ----

/// Sends a byte every now and then until the host has had enough.
fn until_cut(client: &mut Raw, mut next_byte: impl FnMut() -> Option<u8>) {
    until("the host to close the connection", PATIENCE, || {
        if client.has_ended() {
            return Some(());
        }
        thread::sleep(Duration::from_millis(200));
        if let Some(byte) = next_byte() {
            // Fails when the host was faster: the next look finds the end.
            let _ = client.try_send([byte]);
        }
        None
    });
}

#[test]
fn a_client_that_is_slow_with_its_head_is_cut_and_others_are_served_meanwhile() {
    let _machine = alone();
    let host = hostile("");
    let (hello, asks_once) = (http2::hello(), [http2::hello(), http2::get(0, "/ok")].concat());
    let starts: [(&str, &[u8]); 7] = [
        ("says nothing", b""),
        ("asks once and no more", b"GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ("asks once over HTTP/2 and no more", &asks_once),
        ("greets in HTTP/2 and asks nothing", &hello),
        (
            "is slow with its first head",
            b"GET /ok HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        ),
        (
            "is slow with its second head",
            b"GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\nGET /ok HTTP/1.1\r\nX-Slow: ",
        ),
        (
            "says that it speaks HTTP/2 and no more",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        ),
    ];
    thread::scope(|scope| {
        let slow: Vec<_> = starts
            .iter()
            .map(|(what, start)| {
                // Before the host can begin to count.
                let begun = Instant::now();
                let mut client = host.connect();
                client.send(start);
                let slowly = start.ends_with(b"X-Slow: ");
                let cut = scope.spawn(move || {
                    until_cut(&mut client, || slowly.then_some(b'x'));
                    begun.elapsed()
                });
                (what, cut)
            })
            .collect();
        let mut served = 0;
        while slow.iter().any(|(_, client)| !client.is_finished()) {
            within_a_second(|| is_ok(&host));
            served += 1;
            thread::sleep(Duration::from_millis(100));
        }
        assert!(served > 10, "others were served {served} times");
        for (what, client) in slow {
            let took = client.join().unwrap();
            let fair = HEADER_READ..HEADER_READ + Duration::from_secs(10);
            assert!(fair.contains(&took), "a client that {what} was cut after {took:?}");
        }
    });
}

// ---- those that take nothing ----

/// How long a client may let the host wait to send it more.
const SEND: Duration = Duration::from_secs(30);

#[test]
fn a_client_that_does_not_take_its_answer_is_cut() {
    // So far away that the guest fills what the sockets hold long before, also on a busy machine.
    const DEADLINE: Duration = Duration::from_secs(120);
    let _machine = beside_others();
    let host = hostile("request-timeout = \"120s\"");
    let before = host.facts().sockets;
    let mut client = host.connect();
    // Before it is sent: the host's time may begin before this thread has its next turn.
    let asked = Instant::now();
    client.send_get("/endless-body");
    until("the host to have a connection", PATIENCE, || {
        (host.facts().sockets > before).then_some(())
    });
    until("the host to close the connection", DEADLINE, || {
        (host.facts().sockets <= before).then_some(())
    });
    let took = asked.elapsed();
    assert!(took > SEND && took < DEADLINE, "it was cut after {took:?}");
    drop(client);
}

/// The guest has returned: what its client takes or does not take is no business of the others.
#[test]
fn answers_that_have_no_window_keep_nobody_waiting() {
    const STREAMS: u32 = 200;
    let _machine = alone();
    // So that those who wait are not answered by the end of others' requests.
    let host = hostile("request-timeout = \"120s\"");
    let mut clients = connect(&host, CONNECTIONS / STREAMS as usize + 1);
    for client in &mut clients {
        client.send(http2::hello_without_window());
        for number in 0..STREAMS {
            client.send(http2::get(number, "/ok"));
        }
    }
    until("the guests to return", PATIENCE, || host.is_idle().then_some(()));
    within_a_second(|| is_ok(&host));
}

// ---- those that leave ----

/// The misdeed is under way for many clients, and all of them leave.
fn leaves_nothing(path: &str, settings: &str) {
    const CLIENTS: usize = 100;
    let _machine = alone();
    let host = hostile(settings);
    assert_eq!(host.get("/ok").text(), "ok");
    let before = at_rest(&host);
    let mut clients = connect(&host, CLIENTS);
    for client in &mut clients {
        client.send_get(path);
    }
    until("the connections to be open", PATIENCE, || {
        (host.facts().descriptors >= before.descriptors + CLIENTS).then_some(())
    });
    drop(clients);
    until("the connections to be closed", PATIENCE, || {
        (host.facts().descriptors <= before.descriptors).then_some(())
    });
    assert_eq!(host.get("/ok").text(), "ok");
    until("the threads to end", PATIENCE, || {
        (host.facts().threads <= before.threads + 4).then_some(())
    });
    // No request of theirs is under way any more: the host ends without waiting for one.
    until("the host to be idle", PATIENCE, || host.is_idle().then_some(()));
    assert_eq!(host.stop().code(), Some(0));
}

#[test]
fn clients_that_leave_guests_that_wait_leave_nothing() {
    leaves_nothing("/sleep", "request-timeout = \"3s\"");
}

#[test]
fn clients_that_leave_guests_that_compute_leave_nothing() {
    leaves_nothing("/loop", "request-timeout = \"3s\"");
}

#[test]
fn clients_that_leave_answers_without_end_leave_nothing() {
    leaves_nothing("/endless-body", "request-timeout = \"3s\"");
}

#[test]
fn a_client_that_leaves_in_the_middle_of_its_body_leaves_nothing() {
    let _machine = alone();
    let host = hostile("request-timeout = \"60s\"");
    assert_eq!(host.get("/ok").text(), "ok");
    let before = at_rest(&host).descriptors;
    for _ in 0..50 {
        let mut client = host.connect();
        client.send("POST /read-body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf");
    }
    until("the connections to be closed", PATIENCE, || {
        (host.facts().descriptors <= before).then_some(())
    });
    assert_eq!(host.get("/ok").text(), "ok");
}

#[test]
fn a_request_whose_client_left_is_in_the_log_and_so_is_what_became_of_it() {
    let _machine = beside_others();
    let host = launch("request-timeout = \"1s\"").option("--log=info").start();
    let mut client = host.connect();
    client.send_get("/sleep");
    // Sent after it on the same machine, and answered: it is under way.
    assert_eq!(host.get("/ok").text(), "ok");
    drop(client);
    let line = host.wait_for_log("GET /sleep");
    assert!(line.contains("gone"), "{line}");
    let line = host.wait_for_log("its client has gone");
    assert!(line.contains("ERROR") && line.contains("guest timed out"), "{line}");
}
