//! Clients by the hundred thousand that ask and are gone, and heads without end.

use crate::in_time::{at_rest, is_as_before, within_a_second};
use crate::{alone, beside_others, hostile};
use dapr_wasm_tests::raw::End;
use dapr_wasm_tests::{Host, PATIENCE, Raw, http2};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

const MIB: u64 = 1 << 20;

/// A place in the pool keeps up to 2 MiB, and no more than 64 places do.
const KEPT: u64 = 64 * MIB;

/// Requests that give up.
const REQUESTS: usize = 100_000;

fn is_ok(host: &Host) {
    let response = host.get("/ok");
    assert_eq!((response.status, response.text().as_str()), (200, "ok"));
}

/// Does something so often from several threads, while others ask and are answered; afterwards nothing is left.
fn beside_those_that_give_up(times: usize, give_up: impl Fn(&Host, usize) + Sync) {
    const THREADS: usize = 4;
    /// A client's requests until it asks one that it waits for. Connections are taken in their order, so that the kernel's
    /// queue of them does not overflow: whom it turns away tries again after a second, and would be measured here.
    const IN_A_ROW: usize = 25;
    /// Those who ask in between are not to be the load.
    const PAUSE: Duration = Duration::from_millis(200);
    let _machine = alone();
    let host = hostile("request-timeout = \"3s\"");
    (0..16).for_each(|_| is_ok(&host));
    let before = at_rest(&host);
    let next = AtomicUsize::new(0);
    let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|number| *number < times);
    let work = || {
        while let Some(number) = take() {
            give_up(&host, number);
            if number % IN_A_ROW == 0 {
                is_ok(&host);
            }
        }
    };
    thread::scope(|scope| {
        let clients: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        // Again and again until they are done: at the end as at the beginning.
        loop {
            within_a_second(|| is_ok(&host));
            if clients.iter().all(|client| client.is_finished()) {
                break;
            }
            thread::sleep(PAUSE);
        }
    });
    assert!(next.load(Ordering::Relaxed) >= times);
    is_as_before(&host, before, KEPT);
    is_ok(&host);
}

/// Opens a connection, sends this, and closes it.
fn send_and_leave(host: &Host, bytes: &[u8]) {
    let address = SocketAddr::from(([127, 0, 0, 1], host.port()));
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).expect("the host accepts connections");
    // A host that has closed an idle connection meanwhile may do so.
    let _ = stream.write_all(bytes);
}

#[test]
fn a_hundred_thousand_requests_that_give_up_at_once_leave_nothing() {
    const WAYS: [&[u8]; 4] = [
        b"GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /sleep HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /read-body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\n\r\nhalf",
        b"GET /ok HTTP/1.1\r\nHo",
    ];
    beside_those_that_give_up(REQUESTS, |host, number| send_and_leave(host, WAYS[number % WAYS.len()]));
}

/// What became known as a rapid reset: a client may have few streams open, and opens more as fast as it gives up others.
#[test]
fn a_hundred_thousand_streams_of_http2_that_are_reset_at_once_leave_nothing() {
    const STREAMS: usize = 500;
    let mut asked = http2::hello();
    for number in 0..STREAMS as u32 {
        asked.extend(http2::get(number, "/ok"));
        asked.extend(http2::reset(number));
    }
    beside_those_that_give_up(REQUESTS / STREAMS, |host, _| send_and_leave(host, &asked));
}

/// The host is stopped for as long as they come. What the kernel keeps for it is answered afterwards; whom the kernel turns
/// away tries again after a second, however soon the host goes on.
#[test]
fn as_many_connections_as_the_host_has_room_for_may_come_at_once() {
    const AT_ONCE: usize = 1000;
    const TURNED_AWAY: Duration = Duration::from_millis(900);
    let _machine = alone();
    let host = hostile("");
    let address = SocketAddr::from(([127, 0, 0, 1], host.port()));
    host.pause();
    let clients: Vec<_> = (0..AT_ONCE)
        .map_while(|_| TcpStream::connect_timeout(&address, TURNED_AWAY).ok())
        .collect();
    host.resume();
    assert_eq!(clients.len(), AT_ONCE, "the next one was turned away");
    is_ok(&host);
}

// ---- heads ----

/// Sends until the host has had enough. Whatever it answers before is kept.
fn until_refused(client: &mut Raw, bytes: &[u8], most: usize) {
    let mut sent = 0;
    while client.try_send(bytes).is_ok() {
        sent += bytes.len();
        assert!(sent < most, "the host took {sent} bytes");
    }
}

#[test]
fn a_head_of_more_than_128_kib_or_100_headers_is_431() {
    let _machine = beside_others();
    let host = hostile("");
    let large = format!("x-large: {}\r\n", "x".repeat(200 << 10));
    let many = "x-many: 1\r\n".repeat(101);
    for headers in [large, many] {
        let mut client = host.connect();
        let _ = client.try_send(format!("GET /ok HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"));
        let end = client.receive_to_end(PATIENCE);
        // What of it was sent in vain may reset the connection before the answer has come.
        let answer = client.received();
        assert!(
            answer.starts_with("HTTP/1.1 431 ") || end == End::Reset && answer.is_empty(),
            "{answer}"
        );
    }
    is_ok(&host);
}

#[test]
fn heads_without_end_are_cut_and_keep_nobody_waiting() {
    const CLIENTS: usize = 8;
    let _machine = alone();
    let host = hostile("");
    (0..16).for_each(|_| is_ok(&host));
    let before = at_rest(&host);
    let header = format!("x-more: {}\r\n", "x".repeat(1000)).repeat(16);
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                for _ in 0..20 {
                    let mut client = host.connect();
                    client.send("GET /ok HTTP/1.1\r\nHost: localhost\r\n");
                    // What the sockets hold on both sides comes on top.
                    until_refused(&mut client, header.as_bytes(), 64 << 20);
                }
            });
        }
        within_a_second(|| is_ok(&host));
    });
    is_as_before(&host, before, KEPT);
}

/// A few kilobytes that stand for gigabytes: a header is put into HPACK's table once and named again and again.
#[test]
fn a_header_bomb_of_http2_is_refused_and_does_not_become_the_hosts_memory() {
    const NAMED: usize = 16_000;
    let _machine = alone();
    let host = hostile("");
    (0..16).for_each(|_| is_ok(&host));
    let before = at_rest(&host);
    let bomb = [http2::hello(), http2::header_bomb("/ok", 4000, NAMED)].concat();
    for _ in 0..50 {
        let mut client = host.connect();
        let _ = client.try_send(&bomb);
        // Until it is answered or cut off.
        client.receive_and_forget(PATIENCE);
    }
    within_a_second(|| is_ok(&host));
    let taken = host.facts().resident_at_most.saturating_sub(before.resident);
    assert!(taken < 64 * MIB, "it took {} MiB", taken / MIB);
    is_as_before(&host, before, KEPT);
}

#[test]
fn a_head_of_http2_that_is_continued_without_end_is_cut() {
    let _machine = alone();
    let host = hostile("");
    (0..16).for_each(|_| is_ok(&host));
    let before = at_rest(&host);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let mut client = host.connect();
                    client.send([http2::hello(), http2::begin_get(0, "/ok")].concat());
                    until_refused(&mut client, &http2::continuation(0, 8000), 64 << 20);
                }
            });
        }
        within_a_second(|| is_ok(&host));
    });
    is_as_before(&host, before, KEPT);
}
